import { execFile, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { dirname, join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import type { Capture } from "../../src/protocol/captureEntries.ts"
import type { CaptureSave } from "../../src/protocol/captureSaves.ts"
import { claudeEnd, claudeTurn } from "../capture/agents.ts"
import { git, gitEnv, repository } from "../capture/support.ts"
import { examples } from "../masking/secrets.ts"
import { binary, type Home, makeHome, until } from "../support/home.ts"

let home: Home
let root: string

beforeEach(() => {
  home = makeHome()
  root = realpathSync(mkdtempSync(join(dirname(home.paths.home), "work-")))
}, 60_000)
afterEach(() => home.destroy(), 60_000)

const env = () => ({ ...gitEnv, HOB_HOME: home.paths.home, HOME: dirname(home.paths.home), PATH: process.env["PATH"] })

/** git as a person uses it: with their environment, so that hooks find their hob. */
const commit = (repo: string, ...args: ReadonlyArray<string>): Promise<string> =>
  new Promise((done, fail) =>
    execFile("git", ["commit", "-q", "-m", "work", ...args], { cwd: repo, env: env() }, (error, stdout, stderr) =>
      error === null ? done(stdout + stderr) : fail(new Error(`${stdout}${stderr}`))
    )
  )

const saves = async (...args: ReadonlyArray<string>) =>
  (await home.json<{ saves: ReadonlyArray<CaptureSave> }>(["capture", "saves", ...args])).saves
const captures = async () =>
  (await home.json<{ captures: ReadonlyArray<Capture> }>(["capture", "ls", "--all"])).captures

/** A stand-in for Claude Code: fires its hooks as its settings say, each with the JSON that it gives, one after another. */
const AGENT = `
import { spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
const { settings, events } = JSON.parse(readFileSync(process.argv[2], "utf8"))
const { hooks } = JSON.parse(readFileSync(settings, "utf8"))
for (const event of events) {
  const { content, newString, filePath, originalFile } = event.tool_response ?? {}
  if (filePath !== undefined) writeFileSync(filePath, content ?? originalFile.replace("hello", "bye"))
  for (const { matcher, hooks: commands } of hooks[event.hook_event_name] ?? []) {
    if (matcher !== undefined && !new RegExp("^(?:" + matcher + ")$").test(event.tool_name)) continue
    for (const { command } of commands) {
      const { status, stdout, stderr } = spawnSync(command, { shell: true, input: JSON.stringify(event), encoding: "utf8" })
      if (status !== 0 || stdout !== "" || stderr !== "") console.log("HOOK", status, stdout, stderr)
    }
  }
}
console.log("agent is done")
`

/** Runs the stand-in inside a session of hob, to its end. */
const agent = async (repo: string, events: ReadonlyArray<object>): Promise<void> => {
  const script = join(root, "agent.mjs")
  const told = join(root, `told-${Date.now()}-${Math.random()}.json`)
  writeFileSync(script, AGENT)
  writeFileSync(told, JSON.stringify({ settings: join(dirname(home.paths.home), ".claude/settings.json"), events }))
  const id = (await home.ok(["run", "--detach", "--cwd", repo, "--", process.execPath, script, told])).trim()
  await home.ok(["wait", id])
  const output = await home.ok(["output", id])
  assert.include(output, "agent is done")
  assert.notInclude(output, "HOOK")
}

const installed = async (...args: ReadonlyArray<string>): Promise<string> => {
  const repo = repository(join(root, "my repo"))
  mkdirSync(join(dirname(home.paths.home), ".claude"), { recursive: true })
  await home.ok(["start"])
  await home.ok(["capture", "install", "--repo", repo, ...args])
  return repo
}

describe("an agent inside a session, in a repository where capture is installed", () => {
  it("leaves its prompts with the commit they led to, also when the daemon is killed half-way", async () => {
    const repo = await installed()
    const [secret] = examples
    const turn = claudeTurn("s1", repo, { prompt: `Please create hello.txt with ${secret!.text}` })
    await agent(repo, turn.slice(0, 2))
    // A hook that had no answer in time has left what it was told: that is taken when somebody looks.
    await until("the daemon has all of it", async () => {
      await captures()
      return !existsSync(home.paths.captureSpool) || readdirSync(home.paths.captureSpool).length === 0
    })
    await home.killDaemon()
    // Nobody answers now, and a hook starts nobody.
    await home.hob(["capture", "hook", "claude"], { input: JSON.stringify(turn[3]), env: { HOB_NO_START: "1" } })
    assert.lengthOf(readdirSync(home.paths.captureSpool), 1)
    assert.strictEqual(statSync(home.paths.captureSpool).mode & 0o777, 0o700)
    await agent(repo, turn.slice(3))
    git(repo, "add", "hello.txt")
    await commit(repo)
    const head = git(repo, "rev-parse", "HEAD")
    await until("the commit's prompts are saved", async () => (await saves("--commit", head)).length === 1)
    const [save] = await saves("--commit", head)
    assert.deepInclude(save!, { repository: repo, messages: 2, codeChanges: 2 })
    const file = readFileSync(join(repo, save!.file!), "utf8")
    for (const part of ["Please create hello.txt", "All done.", "- hello.txt", head, "model: claude-opus-5-5"])
      assert.include(file, part)
    assert.notInclude(file, secret!.secret)
    const [capture] = await captures()
    const [session] = (await home.json<{ sessions: ReadonlyArray<{ id: string }> }>(["ls", "--all"])).sessions
    assert.strictEqual(capture!.session, session!.id)
    assert.include(await home.ok(["capture", "ls", "--all", "--session", session!.id.slice(0, 8)]), capture!.id)
    assert.lengthOf(readdirSync(home.paths.captureSpool), 0)
    // The next commit has nothing of it.
    await agent(repo, [...claudeTurn("s1", repo, { prompt: "And now something else" }).slice(1), claudeEnd("s1", repo)])
    await commit(repo, "--allow-empty")
    const next = git(repo, "rev-parse", "HEAD")
    await until("the next one's are too", async () => (await saves("--commit", next)).length === 1)
    assert.deepInclude((await saves("--commit", next))[0]!, { messages: 2, codeChanges: 0, slug: save!.slug })
    assert.deepInclude((await captures())[0]!, { state: "closed", unsaved: 0 })
  }, 240_000)

  it("saves a commit of a time without a daemon when there is one again; an amended and a rebased one keep theirs", async () => {
    const repo = await installed("--agent", "claude")
    await agent(repo, claudeTurn("s1", repo, { prompt: "First of all" }))
    await home.ok(["stop", "--all"])
    // What a stop has saved already is not at issue here.
    await commit(repo, "--allow-empty", "-m", "without a daemon")
    await home.ok(["start"])
    const first = git(repo, "rev-parse", "HEAD")
    await agent(repo, claudeTurn("s2", repo, { prompt: "Second, then" }))
    await commit(repo, "--allow-empty")
    const second = git(repo, "rev-parse", "HEAD")
    await until("it is saved", async () => (await saves("--commit", second)).length > 0)
    await commit(repo, "--amend", "--allow-empty", "-m", "in other words")
    const amended = git(repo, "rev-parse", "HEAD")
    assert.notStrictEqual(amended, second)
    await until("it has moved", async () => (await saves("--commit", amended)).length > 0)
    assert.lengthOf(await saves("--commit", second), 0)
    assert.include(readFileSync(join(repo, (await saves("--commit", amended))[0]!.file!), "utf8"), amended)
    assert.notStrictEqual(first, second)
  }, 240_000)
})

describe("hob stop", () => {
  it("saves what is not saved yet where capture is installed, unless that is switched off; a restart does not", async () => {
    const repo = await installed("--agent", "none")
    const other = repository(join(root, "other"))
    const say = (cwd: string, prompt: string) =>
      home.hob(["capture", "hook", "claude"], { input: JSON.stringify(claudeTurn(`s ${cwd}`, cwd, { prompt })[1]) })
    await say(repo, "keep me")
    await say(other, "and me not")
    await home.ok(["restart"])
    assert.isFalse(existsSync(join(repo, ".prompts")))
    await home.ok(["stop"])
    assert.lengthOf(readdirSync(join(repo, ".prompts/prompts")), 1)
    assert.isFalse(existsSync(join(other, ".prompts")))
    await home.ok(["start"])
    assert.deepStrictEqual(
      (await captures()).map(({ unsaved }) => unsaved),
      [1, 0]
    )
    await say(repo, "once more")
    writeFileSync(home.paths.config, '{"capture":{"saveOnStop":false}}')
    await home.ok(["restart"])
    await home.ok(["stop"])
    assert.lengthOf(
      readdirSync(join(repo, ".prompts/history"), { recursive: true }).filter((name) => String(name).endsWith(".yaml")),
      1
    )
  }, 120_000)
})

describe("the hooks of git", () => {
  it("keep what is there, whatever its language, and are gone without a trace when they are taken away", async () => {
    const repo = repository(join(root, "repo"))
    const hooks = join(repo, ".git/hooks")
    const log = join(root, "log")
    mkdirSync(hooks, { recursive: true })
    const script = `#!/bin/sh\necho shell >> ${log}\nexit 7\n`
    const node = `#!${process.execPath}\nrequire("node:fs").appendFileSync(${JSON.stringify(log)}, require("node:fs").readFileSync(0, "utf8").includes(" ") ? "rewritten\\n" : "empty\\n")\n`
    writeFileSync(join(hooks, "post-commit"), script, { mode: 0o755 })
    writeFileSync(join(hooks, "post-rewrite"), node, { mode: 0o755 })
    await home.ok(["start"])
    await home.ok(["capture", "install", "--agent", "none", "--repo", repo])
    await home.ok(["capture", "install", "--agent", "none", "--repo", repo, "--markdown"])
    await commit(repo, "--allow-empty")
    await commit(repo, "--amend", "--allow-empty", "--no-edit")
    assert.strictEqual(readFileSync(log, "utf8"), "shell\nshell\nrewritten\n")
    assert.deepStrictEqual(
      readdirSync(hooks)
        .filter((name) => !name.endsWith(".sample"))
        .toSorted(),
      ["post-commit", "post-rewrite", "post-rewrite.before-hob"]
    )
    await home.ok(["capture", "uninstall", "--agent", "none", "--repo", repo])
    assert.strictEqual(readFileSync(join(hooks, "post-commit"), "utf8"), script)
    assert.strictEqual(readFileSync(join(hooks, "post-rewrite"), "utf8"), node)
    assert.isFalse(existsSync(join(repo, ".git/hob-capture.json")))
    assert.include(await home.ok(["capture", "uninstall", "--agent", "none", "--repo", repo]), "Nothing was installed")
  }, 120_000)

  it("are found by core.hooksPath, work in further work trees and submodules, and fail no commit", async () => {
    const repo = repository(join(root, "outer"))
    const inner = repository(join(root, "inner"))
    git(repo, "-c", "protocol.file.allow=always", "submodule", "add", "-q", inner, "sub")
    git(repo, "commit", "-q", "-m", "sub")
    const shared = join(root, "shared hooks")
    mkdirSync(shared)
    git(repo, "config", "core.hooksPath", shared)
    git(repo, "worktree", "add", "-q", join(root, "tree"), "-b", "side")
    await home.ok(["start"])
    await home.ok(["capture", "install", "--agent", "none", "--repo", join(root, "tree")])
    await home.ok(["capture", "install", "--agent", "none", "--repo", join(repo, "sub")])
    assert.deepStrictEqual(readdirSync(shared).toSorted(), ["post-commit", "post-rewrite"])
    for (const place of [repo, join(root, "tree"), join(repo, "sub")]) {
      await home.hob(["capture", "hook", "claude"], {
        input: JSON.stringify(claudeTurn(`s ${place}`, place, { prompt: `in ${place}` })[1])
      })
      // Made in the same second, two commits that say the same are the same.
      await commit(place, "--allow-empty", "-m", place)
      const head = git(place, "rev-parse", "HEAD")
      await until(`the prompts of ${place} are saved`, async () => (await saves("--commit", head)).length === 1)
      assert.strictEqual((await saves("--commit", head))[0]!.repository, place)
    }
    // The same hooks in a repository where nobody asked for it.
    const other = repository(join(root, "other"))
    git(other, "config", "core.hooksPath", shared)
    await home.hob(["capture", "hook", "claude"], {
      input: JSON.stringify(claudeTurn("o", other, { prompt: "not here" })[1])
    })
    await commit(other, "--allow-empty")
    assert.isFalse(existsSync(join(other, ".prompts")))
    // hob is gone, and so is everything else: commits go on.
    writeFileSync(
      join(shared, "post-commit"),
      readFileSync(join(shared, "post-commit"), "utf8").replaceAll(binary, "/nowhere/hob")
    )
    assert.strictEqual(await commit(repo, "--allow-empty"), "")
  }, 240_000)

  it("write nothing during a rebase, a cherry-pick or a merge", async () => {
    const repo = repository(join(root, "my repo"))
    const file = (name: string) => writeFileSync(join(repo, name), name)
    git(repo, "checkout", "-q", "-b", "side")
    file("a")
    git(repo, "add", "a")
    await commit(repo)
    git(repo, "checkout", "-q", "main")
    file("b")
    git(repo, "add", "b")
    await commit(repo)
    await home.ok(["start"])
    await home.ok(["capture", "install", "--repo", repo])
    await home.hob(["capture", "hook", "claude"], {
      input: JSON.stringify(claudeTurn("s", repo, { prompt: "wait for it" })[1])
    })
    const run = (...args: ReadonlyArray<string>) =>
      new Promise<void>((done, fail) =>
        execFile("git", args, { cwd: repo, env: env() }, (error, _out, err) =>
          error === null ? done() : fail(new Error(err))
        )
      )
    await run("merge", "-q", "--no-ff", "--no-edit", "side")
    await run("reset", "-q", "--hard", "HEAD~1")
    await run("cherry-pick", "side")
    await run("reset", "-q", "--hard", "HEAD~1")
    await run("checkout", "-q", "side")
    await run("rebase", "-q", "main")
    await run("checkout", "-q", "main")
    await commit(repo, "--allow-empty")
    const head = git(repo, "rev-parse", "HEAD")
    await until("the commit behind all that has it", async () => (await saves("--repo", repo)).length === 1)
    assert.strictEqual((await saves("--repo", repo))[0]!.commit, head)
  }, 120_000)

  it("with --stage make it a part of the commit", async () => {
    const repo = await installed("--agent", "none", "--stage", "--markdown")
    await home.hob(["capture", "hook", "claude"], {
      input: JSON.stringify(claudeTurn("s", repo, { prompt: "stage me please" })[1])
    })
    writeFileSync(join(repo, "x"), "x")
    git(repo, "add", "x")
    await commit(repo)
    const files = git(repo, "show", "--name-only", "--format=", "HEAD").split("\n")
    assert.include(files, ".prompts/.meta/index.json")
    assert.lengthOf(
      files.filter((name) => name.startsWith(".prompts/markdown/")),
      1
    )
    assert.strictEqual(git(repo, "status", "--porcelain"), "")
    const head = git(repo, "rev-parse", "HEAD")
    await until("it is known by its commit", async () => (await saves("--commit", head)).length === 1)
  }, 120_000)
})

describe("hob capture hook", () => {
  it("never hurts an agent: whatever it is given it ends with 0, says one line at most, and answers what the agent waits for", async () => {
    await home.ok(["start"])
    const given: ReadonlyArray<readonly [string, string | Buffer]> = [
      ["claude", ""],
      ["claude", "not JSON"],
      ["claude", "[1]"],
      ["claude", Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
      ["claude", '{"session_id":"s","hook_event_name":"UserPromptSubmit","prompt":"\\ud800 \\u0000"}'],
      ["claude", '{"hook_event_name":"FromTheFuture","session_id":{"v":9}}'],
      ["nobody", "{}"]
    ]
    for (const [agent, input] of given) {
      const { code, stderr, stdout } = await home.hob(["capture", "hook", agent], { input })
      assert.deepStrictEqual(
        { code, stdout, lines: stderr.split("\n").length <= 2 },
        { code: 0, stdout: "", lines: true },
        `${agent} ${String(input)}`
      )
    }
    for (const args of [
      [],
      ["--bogus"],
      ["claude", "--from-the-future"],
      ["claude", "-c", "nothing"],
      ["--no-start"]
    ]) {
      const { code, stderr, stdout } = await home.hob(["capture", "hook", ...args], { input: "{}" })
      assert.deepInclude({ code, stdout }, { code: 0, stdout: "" }, args.join(" "))
      if (args.every((word) => word !== "-c" && word !== "--no-start")) assert.match(stderr, /^hob capture: [^\n]+\n$/)
    }
    assert.include((await home.hob(["capture", "hook", "--help"])).stdout, "What agents call")
    // Nobody reads what it says, or nothing can be written there.
    for (const stdio of [" >/dev/full", " 2>/dev/full", " >&-", " 2>&-"]) {
      const line = `printf x | ${binary} capture hook gemini${stdio}; echo "$?"`
      assert.include(
        execFileSync("/bin/sh", ["-c", line], { env: env(), encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }),
        "0\n",
        stdio
      )
    }
    const deaf = spawn(binary, ["capture", "hook", "gemini"], { env: env(), stdio: ["pipe", "pipe", "ignore"] })
    deaf.stdout.destroy()
    deaf.stdin.end("{}")
    assert.deepStrictEqual(await once(deaf, "exit"), [0, null])
    assert.strictEqual((await home.hob(["capture", "hook", "gemini"], { input: "" })).stdout, "{}\n")
    const cursor = JSON.stringify({ conversation_id: "c", hook_event_name: "beforeSubmitPrompt", prompt: "x" })
    assert.strictEqual((await home.hob(["capture", "hook", "cursor"], { input: cursor })).stdout, '{"continue":true}\n')
    const huge = JSON.stringify({
      session_id: "big",
      hook_event_name: "UserPromptSubmit",
      prompt: "é".repeat(32 * 1024 * 1024)
    })
    assert.deepInclude(await home.hob(["capture", "hook", "claude"], { input: huge }), { code: 0, stdout: "" })
    await until("it is there, cut", async () =>
      (await captures()).some(({ agentSession, cut }) => agentSession === "big" && cut === 1)
    )
  }, 240_000)

  it("starts no daemon, and leaves what it is told without its secrets, for its owner alone", async () => {
    for (const { text } of examples) {
      const event = { session_id: "s", cwd: root, hook_event_name: "UserPromptSubmit", prompt: text }
      const { code } = await home.hob(["capture", "hook", "claude"], { input: JSON.stringify(event) })
      assert.strictEqual(code, 0)
      if (readdirSync(home.paths.captureSpool).length > 12) break
    }
    assert.isFalse(existsSync(home.paths.socket))
    const files = readdirSync(home.paths.captureSpool).map((name) => join(home.paths.captureSpool, name))
    assert.isAbove(files.length, 10)
    assert.isTrue(files.every((file) => (statSync(file).mode & 0o777) === 0o600))
    const all = files.map((file) => readFileSync(file, "utf8")).join("\n")
    for (const { secret } of examples) assert.notInclude(all, secret)
    assert.isTrue((await captures()).length === 1)
  }, 240_000)
})

describe("hob capture install", () => {
  it("adds to the agents' own configuration, through links, and takes exactly that away", async () => {
    const user = dirname(home.paths.home)
    const real = join(root, "dotfiles.json")
    const mine = `${JSON.stringify({ model: "opus", hooks: { Stop: [{ hooks: [{ type: "command", command: "say" }] }] } }, null, 4)}\n`
    writeFileSync(real, mine)
    chmodSync(real, 0o640)
    for (const name of [".claude", ".codex", ".gemini", ".cursor"]) mkdirSync(join(user, name), { recursive: true })
    symlinkSync(real, join(user, ".claude/settings.json"))
    writeFileSync(join(user, ".codex/config.toml"), 'notify = ["mine"]\n')
    writeFileSync(join(user, ".gemini/settings.json"), "{ // mine\n}\n")
    const { code, stderr, stdout } = await home.hob(["capture", "install"])
    assert.strictEqual(code, 1)
    assert.include(stderr, "notifies another program")
    assert.include(stdout, "gemini:")
    assert.include(stdout, "cursor:")
    assert.isTrue(lstatSync(join(user, ".claude/settings.json")).isSymbolicLink())
    assert.include(readFileSync(real, "utf8"), "capture hook claude")
    assert.strictEqual(statSync(real).mode & 0o777, 0o640)
    await home.ok(["capture", "uninstall", "--agent", "claude"])
    assert.strictEqual(readFileSync(real, "utf8"), mine)
    await home.ok(["capture", "uninstall", "--agent", "cursor"])
    assert.isFalse(existsSync(join(user, ".cursor/hooks.json")))
    assert.include(readFileSync(join(user, ".gemini/settings.json"), "utf8"), "{ // mine\n")
    await home.ok(["capture", "uninstall"])
    assert.strictEqual(readFileSync(join(user, ".gemini/settings.json"), "utf8"), "{ // mine\n}\n")
  }, 120_000)
})

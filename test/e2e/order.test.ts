import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import type { Session } from "../../src/protocol/index.ts"
import { type Home, isAlive, makeHome, until } from "../support/home.ts"

const binaries = resolve(import.meta.dirname, "../../bin")

let home: Home
beforeEach(() => void (home = makeHome({ PATH: `${binaries}:${process.env["PATH"]}`, ENV: "", PS1: "$ " })))
afterEach(() => home.destroy())

const show = (session: string) => home.json<Session>(["show", session])

describe("inside a session", () => {
  let lines = 0
  beforeEach(async () => {
    lines = 0
    await home.ok(["run", "--detach", "--name", "shell", "--tag", "mine", "--", "sh"])
    await home.ok(["run", "--detach", "--name", "other", "--tag", "mine", "--", "sleep", "1000"])
  })

  /** Types a command into the session, and gives what it printed and its exit code. */
  const inside = async (command: string): Promise<{ readonly code: number; readonly text: string }> => {
    const mark = `done-${++lines}`
    const before = (await home.ok(["output", "shell", "--plain"])).length
    await home.ok(["send", "shell", `${command}; echo ${mark}=$?`, "--key", "Enter"])
    let text = ""
    await until(`"${command}" has ended`, async () => {
      text = (await home.ok(["output", "shell", "--plain"])).slice(before)
      return new RegExp(`^${mark}=\\d+`, "m").test(text)
    })
    return { code: Number(new RegExp(`^${mark}=(\\d+)`, "m").exec(text)![1]), text: text.replaceAll("\n", " ") }
  }

  it("no other session is shown in its terminal, nor itself, and what to do is said", async () => {
    const other = await inside("hob attach other")
    assert.strictEqual(other.code, 1)
    assert.match(other.text, /You are inside session shell/)
    assert.include(other.text, "--nest")
    assert.match((await inside("hob attach shell --nest")).text, /This is session shell itself/)
    const run = await inside("hob run -- sleep 1000")
    assert.strictEqual(run.code, 1)
    assert.include(run.text, "hob run --detach")
    assert.strictEqual((await show("shell")).clients, 0)
    assert.strictEqual((await inside("hob run --detach --name third -- sleep 1000")).code, 0)
    assert.strictEqual((await show("third")).state, "running")
    // Where nothing is shown in its terminal there is nothing to refuse.
    assert.strictEqual((await inside("hob run -- echo shown < /dev/null | grep shown")).code, 0)
  })

  it("it isn't followed in its own terminal, which would fill the disk; into a file it is", async () => {
    const { code, text } = await inside("hob output -f shell")
    assert.strictEqual(code, 1)
    assert.match(text, /This is session shell itself: followed in its own terminal/)
    assert.strictEqual((await inside("timeout 1 hob output -f shell > out.txt")).code, 124)
    assert.strictEqual((await inside("hob output shell | cat > out.txt")).code, 0)
  })

  it("another session is shown in its terminal with --nest", async () => {
    await home.ok(["send", "shell", "hob attach --nest other", "--key", "Enter"])
    await until("it is shown", async () => (await show("other")).clients === 1)
    await home.ok(["kill", "other"])
  })

  it("its own session is not ended unless that is said; others are", async () => {
    for (const command of ["hob kill shell", "hob rm --force shell", "hob stop --all"]) {
      const { code, text } = await inside(command)
      assert.strictEqual(code, 1, command)
      assert.match(text, /You are inside session shell.*--self/, command)
    }
    assert.strictEqual((await inside("hob kill nobody")).code, 4)
    const tagged = await inside("hob kill --tag mine")
    assert.match(tagged.text, /left alone/)
    assert.strictEqual((await show("shell")).state, "running")
    assert.strictEqual((await show("other")).exit?.reason, "killed")
    await home.ok(["send", "shell", "hob kill --self shell", "--key", "Enter"])
    await until("it has ended", async () => (await show("shell")).exit !== null)
  })

  it("a daemon that is started there does not end with it", async () => {
    const mark = join(home.paths.home, "started")
    // Nothing else may ask for a daemon meanwhile, or it would be started outside.
    const command = `until ! hob status > /dev/null 2>&1; do :; done; hob ls; touch ${mark}`
    await home.ok(["send", "shell", command, "--key", "Enter"])
    await home.killDaemon()
    await until("it is started there", () => existsSync(mark))
    const daemon = await home.daemonPid()
    await home.ok(["kill", "shell", "--signal", "KILL"])
    assert.strictEqual(await home.daemonPid(), daemon)
    assert.strictEqual((await show("other")).state, "running")
  })
})

describe("a session that is to be restarted", () => {
  it("comes back when everything of hob was killed, and what was left of it has ended", async () => {
    const script = "trap '' HUP; echo $$ >> pids; exec sleep 1000"
    const id = (
      await home.ok(["run", "-d", "--pipe", "--name", "web", "--restart", "on-failure", "--", "sh", "-c", script])
    ).trim()
    const before = await show("web")
    const host = await home.hostPid()
    await home.killDaemon()
    process.kill(host, "SIGKILL")
    await until("the host is gone", () => !isAlive(host))
    // On pipes nothing hangs it up.
    assert.isTrue(isAlive(before.pid!))
    let after = before
    await until("it is there again", async () => {
      after = await show("web")
      return after.id !== id && after.state === "running"
    })
    assert.deepStrictEqual(after.restartedFrom, { id: before.id, because: "lost" })
    assert.deepStrictEqual(after.command, before.command)
    assert.isFalse(isAlive(before.pid!))
    assert.strictEqual((await show(id)).restartedAs, after.id)
    assert.include(await home.ok(["show", "web"]), `in the place of ${id}`)
    // Another daemon finds it running and starts nothing.
    await home.ok(["restart"])
    assert.strictEqual((await show("web")).id, after.id)
    await home.ok(["stop", "--all"])
    assert.deepStrictEqual(await home.json(["ls"]), { sessions: [] })
  })
})

describe("limits and templates", () => {
  it("a session is held to its memory, and says what ended it and what held it", async () => {
    // It keeps it until it is seen.
    const greedy = "(head -c 400M /dev/zero; sleep 1000) | tail"
    await home.ok(["run", "--detach", "--name", "greedy", "--max-memory", "64M", "--", "sh", "-c", greedy])
    await home.ok(["wait", "--exit", "greedy"])
    const { exit, limits } = await show("greedy")
    assert.strictEqual(exit?.reason, "memory-limit")
    assert.strictEqual(limits.memory?.bytes, 64 * 1024 * 1024)
    assert.match(await home.ok(["show", "greedy"]), /max memory: +64M, held by (cgroup|systemd|watcher)/)
    assert.include(await home.ok(["ls", "--all"]), "(memory-limit)")
  })

  it("a template gives command, directory, environment, tags and limits, and flags go before it", async () => {
    await home.ok(["status"]).catch(() => home.ok(["start"]))
    const template = {
      command: ["sh", "-c", 'echo "$GREETING $PWD $*"; sleep 1000', "sh", "one"],
      cwd: "/usr",
      env: { GREETING: "hello" },
      tags: ["web"],
      ttl: "2h"
    }
    writeFileSync(home.paths.config, JSON.stringify({ templates: { web: template } }))
    process.kill(await home.daemonPid(), "SIGHUP")
    await until("the template is known", async () => (await home.ok(["templates"])).includes("ttl 2h"))
    await home.ok(["run", "-d", "--template", "web", "--name", "a", "--", "two"])
    await home.ok([
      "run",
      "-d",
      "--template",
      "web",
      "--name",
      "b",
      "--cwd",
      "/",
      "-e",
      "GREETING=bye",
      "-t",
      "x",
      "--ttl",
      "1h"
    ])
    const output = async (name: string, text: string) =>
      until(`${name} says "${text}"`, async () => (await home.ok(["output", name])).includes(text))
    await output("a", "hello /usr one two")
    await output("b", "bye / one")
    const { limits, tags } = await show("b")
    assert.deepStrictEqual([limits.ttl?.millis, tags], [3_600_000, ["web", "x"]])
    const { sessions } = await home.json<{ sessions: ReadonlyArray<Session> }>(["ls", "--tag", "web"])
    assert.lengthOf(sessions, 2)
    const unknown = await home.hob(["run", "-d", "--template", "wep"])
    assert.match(unknown.stderr, /Did you mean "web"/)
    assert.strictEqual(unknown.code, 2)
  })

  it("a mistake in a template is told with its place", async () => {
    await home.ok(["start"])
    writeFileSync(home.paths.config, '{\n  "templates": {\n    "web": {"command": ["a"], "maxMemory": "lots"}\n  }\n}')
    const { code, stderr } = await home.hob(["config", "check"])
    assert.strictEqual(code, 1)
    assert.match(stderr, /"templates\.web\.maxMemory".*size such as.*line 3/)
    writeFileSync(home.paths.config, '{"templates": {"web": {"comand": ["a"]}}}')
    assert.match((await home.hob(["config", "check"])).stderr, /templates\.web/)
  })
})

describe("input", () => {
  it("that is piped into hob run reaches a program on pipes, with its end", async () => {
    const input = Buffer.alloc(3_000_000, "0123456789\n")
    const ran = await home.hob(["run", "--pipe", "--", "wc", "-c"], { input })
    assert.deepStrictEqual([ran.code, ran.stdout.trim()], [0, "3000000"])
    const none = await home.hob(["run", "--pipe", "--", "cat"], { input: "" })
    assert.deepStrictEqual([none.code, none.stdout], [0, ""])
    const left = await home.hob(["run", "--pipe", "--", "true"], { input: "not read" })
    assert.strictEqual(left.code, 0)
  })

  it("is said not to reach a program under a terminal", async () => {
    const { stderr } = await home.hob(["run", "--", "sleep", "0.5"], { input: "hello\n" })
    assert.include(stderr, "--pipe")
  })

  it("cursor keys come as the program has asked for them", async () => {
    for (const [asked, expected] of [
      ["", "[A"],
      ["\\033[?1h", "OA"]
    ] as const) {
      const name = expected === "OA" ? "application" : "normal"
      const program = `stty raw -echo; printf '${asked}ready'; dd bs=1 count=3 2>/dev/null | tr -d '\\033'; sleep 600`
      await home.ok(["run", "--detach", "--name", name, "--", "sh", "-c", program])
      await home.ok(["wait", name, "--match", "ready"])
      await home.ok(["send", name, "--key", "Up"])
      await home.ok(["wait", name, "--match", `ready\\${expected}$`.replace("\\O", "O"), "--timeout", "1m"])
    }
  })

  it("Enter is the end of a line, on pipes as well", async () => {
    await home.ok(["run", "--detach", "--pipe", "--name", "lines", "--", "sh", "-c", 'read -r line; echo "got $line."'])
    await home.ok(["send", "lines", "hello", "--key", "Enter"])
    await home.ok(["wait", "--exit", "lines"])
    assert.strictEqual(await home.ok(["output", "lines"]), "got hello.\n")
  })
})

describe("a session-host that does not answer", () => {
  it("is named by hob ls, which then does not say that nothing runs", async () => {
    await home.ok(["run", "--detach", "--name", "a", "--", "sleep", "1000"])
    const host = await home.hostPid()
    process.kill(host, "SIGSTOP")
    try {
      await home.killDaemon()
      const { code, stderr, stdout } = await home.hob(["ls"])
      assert.strictEqual(code, 1)
      assert.notInclude(stdout, "No session")
      assert.match(stderr, /session-host can't be asked/)
    } finally {
      process.kill(host, "SIGCONT")
    }
    await until("it is listed again", async () => (await home.ok(["ls"])).includes("running"))
    assert.match(readFileSync(join(home.paths.sessions, (await show("a")).id, "session.json"), "utf8"), /"name":"a"/)
  })
})

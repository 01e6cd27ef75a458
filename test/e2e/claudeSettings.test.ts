import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync
} from "node:fs"
import { dirname, join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import type { Capture, CaptureEntry } from "../../src/protocol/captureEntries.ts"
import type { Session } from "../../src/protocol/sessions.ts"
import { claudeTurn } from "../capture/agents.ts"
import { repository } from "../capture/support.ts"
import { type Home, makeHome, until } from "../support/home.ts"

/**
 * A stand-in for Claude Code: heeds the last `--settings` and its user's own, and fires the hooks of both, each by
 * itself, with what Claude gives. Then it tells how it was called.
 */
const CLAUDE = `
const { spawnSync } = require("node:child_process")
const { existsSync, readFileSync, statSync } = require("node:fs")
const args = process.argv.slice(2)
const at = args.lastIndexOf("--settings")
const own = process.env.HOME + "/.claude/settings.json"
const files = [...(at < 0 ? [] : [args[at + 1]]), own].filter(existsSync)
for (const event of JSON.parse(readFileSync(process.env.TOLD, "utf8"))) {
  for (const file of files) {
    for (const { hooks } of JSON.parse(readFileSync(file, "utf8")).hooks?.[event.hook_event_name] ?? []) {
      for (const { command } of hooks) spawnSync(command, { shell: true, input: JSON.stringify(event) })
    }
  }
}
const theirs = at < 0 ? null : readFileSync(args[at + 1], "utf8")
console.log("CALLED " + JSON.stringify({ args, theirs, mode: at < 0 ? null : statSync(args[at + 1]).mode & 0o777 }))
setTimeout(() => {}, process.env.STAY ? 1e9 : 0)
`

interface Called {
  readonly args: ReadonlyArray<string>
  readonly theirs: string | null
  readonly mode: number | null
}

let home: Home
let root: string
let repo: string

beforeEach(async () => {
  home = makeHome()
  root = realpathSync(mkdtempSync(join(dirname(home.paths.home), "work-")))
  repo = repository(join(root, "repo"))
  mkdirSync(join(root, "bin"))
  writeFileSync(join(root, "bin/claude"), `#!${process.execPath}\n${CLAUDE}`, { mode: 0o755 })
  writeFileSync(join(root, "told.json"), JSON.stringify(claudeTurn("s1", repo, { prompt: "Please create hello.txt" })))
  await home.ok(["start"])
}, 60_000)
afterEach(() => home.destroy(), 60_000)

/** Runs the stand-in in a session, to its end; how it was called. */
const claude = async (args: ReadonlyArray<string>, ...flags: ReadonlyArray<string>) => {
  const env = { PATH: `${join(root, "bin")}:${process.env["PATH"]}`, TOLD: join(root, "told.json") }
  const id = (await home.ok(["run", "--detach", "--cwd", repo, ...flags, "--", "claude", ...args], { env })).trim()
  await home.ok(["wait", id])
  const output = await home.ok(["output", id])
  const called = JSON.parse(output.split("CALLED ")[1]!.replaceAll(/[\r\n]/g, "")) as Called
  return { id, ...called }
}

const captures = async () =>
  (await home.json<{ captures: ReadonlyArray<Capture> }>(["capture", "ls", "--all"])).captures
const said = async (id: string) =>
  (await home.json<{ entries: ReadonlyArray<CaptureEntry> }>(["capture", "show", id])).entries.map(({ type }) => type)
const turn = ["message", "codeChange", "codeChange", "message"]

describe("a claude that hob starts", () => {
  it("is captured without anything being installed, and session and capture name one another", async () => {
    const { args, id, mode } = await claude(["-p", "hi"], "--pipe")
    assert.deepStrictEqual([args[0], ...args.slice(2)], ["--settings", "-p", "hi"])
    assert.strictEqual(dirname(args[1]!), home.paths.claudeSettings)
    assert.strictEqual(mode, 0o600)
    assert.isFalse(existsSync(join(dirname(home.paths.home), ".claude")))
    const [capture] = await captures()
    assert.strictEqual<string | null>(capture!.session, id)
    assert.deepInclude(capture!, { repository: repo, tool: "claude-code" })
    assert.deepStrictEqual(await said(capture!.id), turn)
    // Of the session itself the command is what its user gave.
    const session = await home.json<Session & { readonly captures: ReadonlyArray<Capture> }>(["show", id])
    assert.deepStrictEqual(session.command, ["claude", "-p", "hi"])
    assert.deepStrictEqual(session.captures, [capture!])
    assert.include(await home.ok(["show", id]), capture!.id)
    assert.include(await home.ok(["capture", "show", capture!.id]), id)
    assert.include(await home.ok(["capture", "ls", "--all"]), id.slice(0, 8))
    await until("its settings are gone with it", () => readdirSync(home.paths.claudeSettings).length === 0)
  }, 300_000)

  it("has its user's settings too, is captured once where hob's hooks are installed already, and not at all where that is off", async () => {
    writeFileSync(join(repo, "mine.json"), '{\n  "model": "opus"\n}\n')
    const merged = await claude(["--settings", "mine.json", "-p", "hi"])
    assert.deepStrictEqual(merged.args.slice(0, 3), ["--settings", "mine.json", "--settings"])
    assert.strictEqual(JSON.parse(merged.theirs!).model, "opus")
    assert.include(merged.theirs!, "capture hook claude")
    assert.strictEqual(readFileSync(join(repo, "mine.json"), "utf8"), '{\n  "model": "opus"\n}\n')
    // Both fire here; hooks of another hob for the same home are not known by their words.
    mkdirSync(join(dirname(home.paths.home), ".claude"))
    await home.ok(["capture", "install", "--agent", "claude"])
    const installed = await claude(["-p", "hi"])
    assert.deepStrictEqual(installed.args, ["-p", "hi"])
    const both = await claude(["--setting-sources", "project", "-p", "hi"])
    assert.strictEqual(both.args[0], "--settings")
    const [capture, ...others] = await captures()
    assert.lengthOf(others, 0)
    assert.deepStrictEqual(await said(capture!.id), turn)
    await home.ok(["capture", "uninstall", "--agent", "claude"])
    await home.ok(["capture", "discard", capture!.id])
    assert.deepStrictEqual((await claude(["hi"], "--env", "HOB_CAPTURE_ENABLED=false")).args, ["hi"])
    writeFileSync(home.paths.config, '{"capture":{"claudeSessions":false}}')
    await home.ok(["restart"])
    assert.deepStrictEqual((await claude(["hi"])).args, ["hi"])
    assert.lengthOf(await captures(), 0)
    assert.isFalse(statSync(home.paths.claudeSettings).isFile())
  }, 300_000)

  it("gets what its user gave and nothing else where that can't be taken along", async () => {
    writeFileSync(join(repo, "theirs.json"), '{"permissions":{"deny":["Read(/secrets/**)"]}}')
    for (const value of ["theirs.json", "missing.json", "/dev/null", "{no"]) {
      const { args } = await claude([`--settings=${value}`])
      assert.deepStrictEqual(args, [`--settings=${value}`])
    }
    assert.lengthOf(await captures(), 0)
    assert.match(readFileSync(home.paths.daemonLog, "utf8"), /has none of hob's hooks/)
  }, 300_000)
})

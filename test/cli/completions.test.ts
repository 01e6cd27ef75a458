import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { sessionCandidates } from "../../src/cli/verbs/complete.ts"
import { ExitCode } from "../../src/cli/exit.ts"
import { completionPaths } from "../../src/config/completionPaths.ts"
import type { Session } from "../../src/protocol/sessions.ts"
import { type Home, makeHome, processesOf, until } from "../support/home.ts"
import { offered } from "./offered.ts"

const session = (id: string, name: string | null): Session =>
  ({ id, name, command: ["make", "a b"], state: "running", exit: null }) as unknown as Session

describe("sessions as they are offered", () => {
  it("by name, or by as much of the id as tells them apart; a name that was given again once", () => {
    const ids = ["11111111-a", "11111111-b", "22222222-c", "33333333-d", "44444444-e"]
    const [a, b, c, d, e] = ids as [string, string, string, string, string]
    const candidates = sessionCandidates([
      session(a, null),
      session(b, null),
      session(c, null),
      session(d, "x"),
      session(e, "x")
    ])
    assert.deepStrictEqual(
      candidates.map(([value]) => value),
      [a, b, "22222222", "x"]
    )
    assert.strictEqual(candidates[2]![1], "running: make 'a b'")
  })
})

describe("completions", () => {
  let home: Home
  beforeEach(() => void (home = makeHome()))
  afterEach(() => home.destroy())

  const run = (name: string, tag: string) =>
    home.ok(["run", "--detach", "--name", name, "--tag", tag, "--", "sleep", "1000"])

  it("what only a running hob knows is a line for each value, with what it is; nothing else is an error", async () => {
    await run("alpha", "nightly")
    await run("beta", "nightly")
    await home.ok(["kill", "beta"])
    assert.match(await offered(home, "running"), /^alpha\trunning: sleep 1000\n$/)
    assert.match(await offered(home, "sessions"), /^beta\t.*\nalpha\t.*\n$/)
    assert.strictEqual(await offered(home, "tags"), "nightly\ta tag\n")
    for (const kind of ["templates", "no-such-kind", "constructor"]) {
      assert.strictEqual(await home.ok(["__complete", kind]), "", kind)
    }
  })

  it("templates are offered by their names, as the configuration has them now", async () => {
    const write = (...names: ReadonlyArray<string>) =>
      writeFileSync(
        home.paths.config,
        JSON.stringify({ templates: Object.fromEntries(names.map((name) => [name, { command: ["true"] }])) }),
        { mode: 0o600 }
      )
    mkdirSync(home.paths.home, { recursive: true, mode: 0o700 })
    write("web", "api-2")
    await home.ok(["start"])
    const templates = async () =>
      (await offered(home, "templates"))
        .trimEnd()
        .split("\n")
        .map((line) => line.split("\t")[0])
        .sort()
    assert.deepStrictEqual(await templates(), ["api-2", "web"])
    write("other")
    process.kill(await home.daemonPid(), "SIGHUP")
    await until("it has been read anew", async () => (await templates()).join() === "other")
  })

  it("methods are offered with what they are, and webhooks where those are meant", async () => {
    const file = join(home.paths.home, "..", "work.mjs")
    writeFileSync(
      file,
      `export const methods = { tidy: { description: "Puts things\\nin their places" } }
       export const tidy = () => 1
       export const other = () => 2`
    )
    await home.ok(["methods", "add", file])
    await home.ok(["webhook", "allow", "other", "--no-secret"])
    assert.strictEqual(await offered(home, "methods"), "other\ta method (module)\ntidy\tPuts things in their places\n")
    assert.strictEqual(await offered(home, "webhooks"), "other\ta webhook (none)\n")
    for (const shell of ["bash", "zsh", "fish"]) {
      const script = await home.ok(["completions", shell])
      assert.include(script, "methods", shell)
      assert.notInclude(script, "hobdynamic_", shell)
    }
  })

  it("asking starts nothing", async () => {
    assert.strictEqual(await home.ok(["__complete", "sessions"]), "")
    assert.deepStrictEqual(processesOf(home.paths.home), [])
    assert.isFalse(existsSync(home.paths.home))
  })

  it("every script names the command that installs it, and no flag that hob hasn't", async () => {
    for (const shell of ["bash", "zsh", "fish"]) {
      const script = await home.ok(["completions", shell])
      assert.include(script, `#   hob completions ${shell} > `)
      assert.notMatch(script, /--completions|hobdynamic/)
      assert.match(script, /sessions\.maxCount=/)
      assert.match(script, /hob __complete/)
      assert.notMatch(script, /hob __complete \S+ (?!<\/dev\/null)/, "the terminal is kept from what is asked")
      assert.include(await home.ok(["completions", shell, "--help"]), `hob completions ${shell} > ~/`)
    }
  })

  it("install puts it where the shell looks for it, and says what else that shell needs", async () => {
    const places = completionPaths(home.env)
    for (const [shell, besides] of [
      ["bash", /source .*\/completions\/hob$/m],
      ["zsh", /fpath=\(.*site-functions \$fpath\)/],
      ["fish", /has them\.\n$/]
    ] as const) {
      assert.match(await home.ok(["completions", "install", "--shell", shell]), besides)
      assert.strictEqual(readFileSync(places[shell], "utf8"), await home.ok(["completions", shell]))
    }
    const login = await home.hob(["completions", "install"], { env: { SHELL: "/usr/bin/fish" } })
    assert.include(login.stdout, places.fish)
    assert.strictEqual(
      (await home.hob(["completions", "install"], { env: { SHELL: "/bin/other" } })).code,
      ExitCode.usage
    )
  })
})

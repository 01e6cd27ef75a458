import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { binary, type Home, isAlive, makeHome, until } from "../support/home.ts"

let home: Home
let file: string

const MODULE = `import { writeFileSync } from "node:fs"
export default class Board {
  #moved = 0
  async add({ a, b }: { a: number; b: number }) { return a + b }
  async move() { return { moved: ++this.#moved } }
  async slow() {
    this.progress(50, "half way")
    this.emit({ status: "nearly" })
    return "a text"
  }
  async fails() { throw new Error("no such board") }
  async nothing() {}
  async ask() {
    const name = await this.prompt({ message: "Your name?", default: "Bob" })
    const sure = await this.prompt({ message: "Sure?", type: "confirm" })
    const size = await this.prompt({ message: "Size?", options: ["small", "large"] })
    const secret = await this.prompt({ message: "Password?", secret: true })
    return [name, sure, size, secret.length]
  }
  async pid() { return process.pid }
  loop() { writeFileSync(new URL("loops", import.meta.url), String(process.pid)); for (;;); }
}
`

beforeEach(() => {
  home = makeHome({ HOB_METHODS_GRACE_MILLIS: "300" })
  file = join(home.env["HOME"]!, "board.ts")
  writeFileSync(file, MODULE)
}, 60_000)
afterEach(() => home.destroy(), 60_000)

describe("hob methods", () => {
  it("adds a module by a relative path, lists it, calls it, and removes it", async () => {
    assert.deepStrictEqual((await home.ok(["methods", "add", "board.ts"])).split("\n").slice(0, 2), ["add", "move"])
    assert.strictEqual(await home.ok(["methods", "call", "add", '{"a": 1, "b": 2}']), "3\n")
    assert.strictEqual(await home.ok(["methods", "call", "add", "-"], { input: '{"a": 2, "b": 2}' }), "4\n")
    await home.ok(["methods", "call", "move"])
    assert.deepStrictEqual(await home.json(["methods", "call", "move"]), { moved: 2 })
    assert.strictEqual(await home.ok(["methods", "call", "nothing"]), "")
    assert.strictEqual(await home.ok(["methods", "call", "nothing", "--json"]), "null\n")
    const listed = await home.json<{ modules: Array<object>; methods: Array<object> }>(["methods", "ls"])
    assert.deepInclude(listed.modules[0]!, { file, state: "up", kind: "class", namespace: "default" })
    assert.lengthOf(listed.methods, 8)
    assert.match(
      await home.ok(["methods", "ls", "--all"]),
      /NAMESPACE +STATE[^]*default +up[^]*board\.ts[^]*default +add/
    )
    assert.strictEqual(await home.ok(["methods", "reload"]), "1 module loaded.\n")
    // A new instance.
    assert.deepStrictEqual(await home.json(["methods", "call", "move"]), { moved: 1 })
    assert.strictEqual(await home.ok(["methods", "rm", "board.ts"]), "")
    assert.match(await home.ok(["methods", "ls"]), /^No methods/)
  })

  it("prints a text as it is, and what comes before the result on standard error", async () => {
    await home.ok(["methods", "add", file])
    const plain = await home.hob(["methods", "call", "slow"])
    assert.deepInclude(plain, { code: 0, stdout: "a text\n", stderr: '50 % half way\n{"status":"nearly"}\n' })
    const json = await home.hob(["methods", "call", "slow", "--json"])
    assert.strictEqual(json.stdout, '"a text"\n')
    assert.strictEqual(json.stderr.split("\n")[0], '{"type":"progress","percent":50,"description":"half way"}')
  })

  it("ends with a code that says what was wrong", async () => {
    await home.ok(["methods", "add", file])
    const ran = async (...args: ReadonlyArray<string>) => {
      const { code, stderr, stdout } = await home.hob(["methods", ...args])
      assert.strictEqual(stdout, "")
      return { code, stderr }
    }
    assert.deepStrictEqual(await ran("call", "fails"), { code: 1, stderr: "hob: no such board\n" })
    assert.deepInclude(await ran("call", "unknown"), { code: 4 })
    assert.deepInclude(await ran("call", "constructor"), { code: 4 })
    assert.deepInclude(await ran("call", "add", "{"), { code: 2 })
    assert.deepInclude(await ran("call", "a b"), { code: 2 })
    assert.deepInclude(await ran("call", "loop", "--timeout", "300ms"), { code: 5 })
    assert.deepInclude(await ran("rm", "none.ts"), { code: 4 })
    const asked = await ran("call", "ask")
    assert.deepInclude(asked, { code: 1 })
    assert.include(asked.stderr, "There is no terminal to ask on")
    writeFileSync(file, "export const a = (")
    assert.deepInclude(await ran("add", join(home.env["HOME"]!, "none.ts")), { code: 1 })
    const reloaded = await home.hob(["methods", "reload"])
    assert.strictEqual(reloaded.code, 1)
    assert.include(reloaded.stderr, "The code of before stays in charge")
  })

  it("asks on the terminal, again where an answer is none, and shows no secret", async () => {
    await home.ok(["methods", "add", file])
    await home.ok(["run", "--detach", "--name", "asked", "--", binary, "methods", "call", "ask", "--json"])
    const shows = (text: string) =>
      until(`it shows ${text}`, async () => (await home.ok(["screen", "asked"])).includes(text))
    await shows("Your name? [Bob]")
    await home.ok(["send", "asked", "Ann", "--key", "Enter"])
    await shows("Sure? [y/n]")
    await home.ok(["send", "asked", "perhaps", "--key", "Enter"])
    await until("it asks again", async () => (await home.ok(["screen", "asked"])).split("Sure?").length === 3)
    await home.ok(["send", "asked", "y", "--key", "Enter"])
    await shows("2) large")
    await home.ok(["send", "asked", "2", "--key", "Enter"])
    await shows("Password?")
    await home.ok(["send", "asked", "hunter2", "--key", "Enter"])
    await home.ok(["wait", "asked"])
    const output = await home.ok(["output", "asked"])
    assert.include(output, '["Ann",true,"large",7]')
    assert.notInclude(output, "hunter2")
  })

  it("a call that is interrupted stops its method", async () => {
    await home.ok(["methods", "add", file])
    const first = Number(await home.ok(["methods", "call", "pid"]))
    const calling = home.start(["methods", "call", "loop"])
    await until("it loops", () => exists(join(home.env["HOME"]!, "loops")))
    calling.kill("SIGINT")
    await until("its process is gone", () => !isAlive(first))
    assert.notStrictEqual(Number(await home.ok(["methods", "call", "pid"])), first)
  })

  it("no process of a module outlives its daemon, whatever it does, and modules are there again", async () => {
    await home.ok(["methods", "add", file])
    await home.ok(["methods", "add", file, "--namespace", "quiet"])
    const quiet = Number(await home.ok(["methods", "call", "pid", "-N", "quiet"]))
    const calling = home.start(["methods", "call", "loop"])
    await until("it loops", () => exists(join(home.env["HOME"]!, "loops")))
    const looping = Number(readFileSync(join(home.env["HOME"]!, "loops"), "utf8"))
    await home.killDaemon()
    calling.kill("SIGKILL")
    await home.ok(["start"])
    await until("both are gone", () => !isAlive(looping) && !isAlive(quiet))
    assert.strictEqual(await home.ok(["methods", "call", "add", '{"a": 1, "b": 2}', "-N", "quiet"]), "3\n")
  })
})

const exists = (path: string): boolean => {
  try {
    return readFileSync(path, "utf8") !== ""
  } catch {
    return false
  }
}

import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { LogLine, Session } from "../../src/protocol/index.ts"
import { type Home, isAlive, makeHome, processesOf, until } from "../support/home.ts"

describe("bad input gets a clear error, and nobody else is hurt", () => {
  let home: Home
  let bystander: Session
  const file = (name: string) => join(home.paths.home, "..", name)
  beforeAll(async () => {
    home = makeHome()
    await home.ok(["run", "--detach", "--name", "bystander", "--", "cat"])
    bystander = await home.json<Session>(["show", "bystander"])
    mkdirSync(file("closed"), { mode: 0o000 })
    writeFileSync(file("plain"), "not a program")
    writeFileSync(file("orphan"), "#!/no/such/interpreter\n", { mode: 0o755 })
  })
  afterAll(async () => {
    // Whatever was refused above, this one still runs and still answers.
    await home.ok(["send", "bystander", "still here", "--key", "Enter"])
    await until("the bystander answers", async () =>
      /still here[^]*still here/u.test(await home.ok(["output", "bystander"]))
    )
    assert.strictEqual((await home.json<Session>(["show", "bystander"])).pid, bystander.pid)
    await home.destroy()
  })

  const refused = async (args: ReadonlyArray<string>, code: number, message: RegExp) => {
    const ran = await home.hob(args)
    assert.match(ran.stderr, message, `hob ${args.join(" ")}`)
    assert.strictEqual(ran.code, code, `hob ${args.join(" ")}: ${ran.stderr}`)
    assert.notMatch(ran.stderr, /\n\s+at /u, "no stack trace")
  }
  const run = (...args: ReadonlyArray<string>) => ["run", "--detach", ...args]

  it("a command that is not there, can't be executed, or is empty", async () => {
    await refused(run("--", "no-such-program"), 127, /no-such-program" was not found/u)
    await refused(run("--", "./missing"), 127, /does not exist/u)
    await refused(run("--", file("plain")), 126, /permission denied/u)
    await refused(run("--", "/tmp"), 126, /is a directory/u)
    await refused(run("--", file("orphan")), 126, /interpreter/u)
    await refused(run("--", ""), 1, /empty/u)
  })

  it("a directory that is missing, a file, or under /proc", async () => {
    await refused(run("--cwd", "/no/such", "--", "true"), 1, /does not exist/u)
    await refused(run("--cwd", file("plain"), "--", "true"), 1, /not a directory/u)
    await refused(run("--cwd", "/proc/1/nope/deeper", "--", "true"), 1, /does not exist/u)
  })

  it("an unknown command, flag, session, signal, or size", async () => {
    await refused(["frobnicate"], 2, /not a command/u)
    await refused(["ls", "--frobnicate"], 2, /not a flag/u)
    await refused(["show", "nobody"], 4, /No session matches "nobody"/u)
    await refused(["kill", "--signal", "NOTHING", "bystander"], 2, /not a signal/u)
    await refused(["output", "--since", "-1", "bystander"], 2, /whole number/u)
    await refused(run("--env", "=x", "--", "true"), 2, /./u)
  })

  it("an id that several sessions begin with: the error lists them", async () => {
    const ids: Array<string> = []
    const shared = () => {
      const seen = new Map<string, number>()
      for (const id of ids) seen.set(id.slice(0, 2), (seen.get(id.slice(0, 2)) ?? 0) + 1)
      return [...seen].find(([, count]) => count > 1)?.[0]
    }
    // With 256 beginnings of two characters, two sessions soon share one.
    while (shared() === undefined) {
      const started = await Promise.all(Array.from({ length: 8 }, () => home.ok(run("--", "true"))))
      ids.push(...started.map((line) => line.trim()))
    }
    const prefix = shared()!
    const ran = await home.hob(["show", prefix])
    assert.strictEqual(ran.code, 4)
    for (const id of ids.filter((id) => id.startsWith(prefix))) assert.include(ran.stderr, id)
  })

  it("bytes that are not UTF-8 come back as they were", async () => {
    const all = String.raw`printf '\000\001\377\376\300\200\342\202'; sleep 0.05; printf '\254 end'`
    await home.ok(run("--pipe", "--name", "bytes", "--", "sh", "-c", all))
    await home.ok(["wait", "--exit", "bytes"])
    const lines = (await home.ok(["export", "--format", "jsonl", "bytes"])).trim().split("\n")
    const bytes = Buffer.concat(lines.map((line) => Buffer.from((JSON.parse(line) as LogLine).data, "base64")))
    assert.strictEqual(bytes.toString("hex"), "0001fffec080e282ac20656e64")
  })

  it("64 MB of input in one send arrive whole at a program that reads, at its own pace", async () => {
    await home.ok(run("--pipe", "--name", "reader", "--", "md5sum"))
    const input = Buffer.alloc(64_000_000, "0123456789abcdef")
    await home.ok(["send", "reader", "--eof", "-"], { input })
    await home.ok(["wait", "--exit", "reader"])
    const { createHash } = await import("node:crypto")
    assert.include(await home.ok(["output", "reader"]), createHash("md5").update(input).digest("hex"))
  })

  it("a client that is killed while it is attached leaves the session as it was", async () => {
    const follower = home.start(["output", "-f", "bystander"])
    await until("it follows", async () => (await home.json<Session>(["show", "bystander"])).clients === 1)
    follower.kill("SIGKILL")
    await until("it is gone", async () => (await home.json<Session>(["show", "bystander"])).clients === 0)
    assert.isTrue(isAlive(bystander.pid!))
  })

  it("a home that can't be written: the error names it", async () => {
    const ran = await home.hob(["start"], { env: { HOB_HOME: "/proc/hob/home" } })
    assert.strictEqual(ran.code, 1)
    assert.match(ran.stderr, /\/proc\/hob/u)
    assert.deepStrictEqual(processesOf("/proc/hob/home"), [])
  })
})

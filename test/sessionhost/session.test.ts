import { existsSync, readFileSync, statSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { Direction } from "../../src/protocol/sessionFrames.ts"
import type { Session } from "../../src/sessionhost/Session.ts"
import { TestHost } from "./support/host.ts"

describe("a session of the host", () => {
  it("prints to its client and to its log, and its end is on disk", async () => {
    await using host = await TestHost.start()
    const { id, program, session } = await host.spawn()
    assert.strictEqual(session.pid, program.pid)
    assert.strictEqual(session.exit, null)

    const client = await host.open(id)
    program.print("hello ")
    program.print("world")
    await client.until(() => client.bytes === 11)
    program.exit({ code: 3 })
    program.print(" and more")
    program.close()
    await client.whenClosed()
    await host.control.event("closed", id)

    assert.strictEqual(client.output.toString(), "hello world and more")
    assert.strictEqual(client.exited?.code, 3)
    assert.isTrue(client.ended)
    assert.deepStrictEqual(client.misplaced, [])
    const exit = JSON.parse(readFileSync(join(host.directory(id), "exit.json"), "utf8")) as Record<string, unknown>
    assert.deepInclude(exit, { output: { oldest: 0, end: 20 }, logLostBytes: 0 })
    assert.strictEqual((exit["exit"] as { code: number }).code, 3)
    assert.strictEqual((await host.read(id)).output.toString(), "hello world and more")
    assert.deepStrictEqual((await host.control.ask<{ sessions: [] }>("list")).sessions, [])
  })

  it("hands output to clients first, then to those who only keep track of it", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn()
    const session = host.running.host.open(id)!
    const heard: Array<string> = []
    const reader = (name: string, counted: boolean) => ({
      counted,
      pendingFrom: Infinity,
      onOutput: () => void heard.push(name),
      onChange: () => {}
    })
    session.join(reader("tracker", false))
    session.join(reader("client", true))
    session.join(reader("another tracker", false))
    session.join(reader("another client", true))
    program.print("x")
    const client = await host.open(id)
    await client.until(() => client.bytes === 1)
    assert.deepStrictEqual(heard, ["client", "another client", "tracker", "another tracker"])
  })

  it("keeps everything to its owner: directory 0700, files 0600", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn({ logInput: true, segmentBytes: 200 })
    await host.control.ask("send", { session: id, data: Buffer.from("typed").toString("base64") })
    for (let line = 0; line < 10; line++) program.print("x".repeat(100))
    program.end()
    await host.control.event("closed", id)
    assert.strictEqual(statSync(host.directory(id)).mode & 0o777, 0o700)
    const files = readdirSync(host.directory(id))
    assert.isAbove(files.length, 5)
    assert.isFalse(existsSync(join(host.directory(id), "exit.json.new")))
    for (const file of files) assert.strictEqual(statSync(join(host.directory(id), file)).mode & 0o777, 0o600, file)
  })

  it("passes bytes on as they are, split inside a character and not UTF-8 at all", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn()
    const client = await host.open(id)
    const bytes = Buffer.concat([Buffer.from("äöü €uro 🙂"), Buffer.from([0xff, 0xc0, 0x00, 0x80, 0xed, 0xa0])])
    for (const byte of bytes) program.print(Buffer.from([byte]))
    program.end()
    await client.whenClosed()
    assert.deepStrictEqual(client.output, bytes)
    assert.deepStrictEqual((await host.read(id)).output, bytes)
  })

  it("keeps the directions of pipes apart in its records, in the order in which they came", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn({ kind: "pipe", logInput: true })
    await host.control.ask("send", { session: id, data: Buffer.from("in1").toString("base64") })
    program.print("out1", Direction.stdout)
    program.print("err1", Direction.stderr)
    program.print("out2", Direction.stdout)
    // In the same turn: what was printed before it was typed comes before it.
    ;(host.running.host.open(id) as Session).type(Buffer.from("now"))
    await host.control.ask("send", { session: id, data: Buffer.from("in2").toString("base64") })
    program.end()
    await host.control.event("closed", id)
    const client = await host.open(id, { mode: "records" })
    await client.whenClosed()
    assert.isTrue(client.ended)
    assert.deepStrictEqual(
      client.records.map(({ data, direction, offset }) => [direction, offset, data.toString()]),
      [
        [Direction.stdin, 0, "in1"],
        [Direction.stdout, 0, "out1"],
        [Direction.stderr, 4, "err1"],
        [Direction.stdout, 8, "out2"],
        [Direction.stdin, 3, "now"],
        [Direction.stdin, 6, "in2"]
      ]
    )
    for (const { time } of client.records) assert.isBelow(Math.abs(Date.now() - time), 60_000)
  })
})

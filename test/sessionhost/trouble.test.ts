import { randomUUID } from "node:crypto"
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmdirSync, rmSync, writeSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { makePaths } from "../../src/config/paths.ts"
import { runHost } from "../../src/sessionhost/runHost.ts"
import { byteAt, faulty, missing, sample } from "./log/support.ts"
import { scriptedPrograms } from "../../src/sessionhost/scriptedProgram.ts"
import { spawnRequest, TestHost } from "./support/host.ts"
import { onSmallDisk, smallDisk } from "./support/smallDisk.ts"

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe("a disk that is full", () => {
  it("stops no session: clients get everything, the loss is announced, counted and read as a gap", async () => {
    let full = false
    await using host = await TestHost.start({ logFs: faulty(() => (full ? "ENOSPC" : null)) })
    const { id, program } = await host.spawn({ recentBytes: 4_096, segmentBytes: 20_000 })
    const client = await host.open(id, { mode: "follow" })
    const print = async (bytes: number) => {
      const { offset } = client
      program.print(sample(offset, bytes))
      await client.until(() => client.offset === offset + bytes)
    }
    for (let piece = 0; piece < 30; piece++) await print(1_000)
    full = true
    for (let piece = 0; piece < 30; piece++) await print(1_000)
    const lost = await host.control.event("log-lost", id)
    assert.strictEqual(lost.session.output.end, 31_000)
    full = false
    // It tries again with back-off, when there is something to write.
    while (!host.control.events.some(({ event }) => event === "log-restored")) {
      await print(1_000)
      await turn()
    }
    await print(1_000)
    program.end()
    const { session } = await host.control.event("closed", id)
    await client.whenClosed()
    assert.strictEqual(client.bytes, session.output.end)
    assert.deepStrictEqual(client.gaps, [])
    assert.isAtLeast(session.logLostBytes, 30_000)
    assert.strictEqual(host.control.events.filter(({ event }) => event === "log-lost").length, 1)

    const read = await host.read(id)
    assert.strictEqual(missing(read.gaps), session.logLostBytes)
    assert.strictEqual(read.gaps.length, 1)
    assert.deepInclude(read.gaps[0]!, { from: 30_000, reason: "log-lost" })
    assert.strictEqual(read.output[0], byteAt(0))
    assert.strictEqual(read.offset, session.output.end)
    const exit = JSON.parse(readFileSync(join(host.directory(id), "exit.json"), "utf8")) as { logLostBytes: number }
    assert.strictEqual(exit.logLostBytes, session.logLostBytes)
  })

  onSmallDisk("does not keep a session's end from being recorded", async () => {
    using disk = smallDisk(512)
    await using host = await TestHost.start({ paths: makePaths({ HOB_HOME: join(disk.path, "h") }) })
    const { id, program } = await host.spawn({ recentBytes: 4_096 })
    const client = await host.open(id, { mode: "follow" })
    const total = 600_000
    for (let printed = 0; printed < total; printed += 5_000) program.print(sample(printed, 5_000))
    await host.control.event("log-lost", id)
    const fd = openSync(join(disk.path, "everything"), "w")
    assert.throws(() => {
      for (;;) writeSync(fd, Buffer.alloc(512))
    }, "ENOSPC")
    closeSync(fd)
    program.end({ code: 5 })
    const { session } = await host.control.event("closed", id)
    await client.until(() => client.ended)
    assert.strictEqual(client.bytes + missing(client.gaps), total)
    const exit = JSON.parse(readFileSync(join(host.directory(id), "exit.json"), "utf8")) as typeof session
    assert.strictEqual(exit.exit?.code, 5)
    assert.strictEqual(exit.logLostBytes, session.logLostBytes)
    const read = await host.read(id)
    assert.strictEqual(read.offset, total)
    assert.strictEqual(missing(read.gaps), session.logLostBytes)

    const refused = await host.control.request("spawn", spawnRequest(randomUUID()))
    assert.deepInclude(refused.error?.spawn, { reason: "system" })
    assert.include(refused.error?.message, "ENOSPC")
  })

  it("keeps a finished session in the host until its end can be written", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn()
    // Something in the way that can't be renamed over.
    mkdirSync(join(host.directory(id), "exit.json"))
    program.end({ code: 7 })
    const { session } = await host.control.event("closed", id)
    assert.strictEqual(session.exit?.code, 7)
    assert.strictEqual(host.running.host.held, 1)
    const { sessions } = await host.control.ask<{ sessions: ReadonlyArray<{ closedAt: string }> }>("list")
    assert.strictEqual(sessions[0]!.closedAt, session.closedAt)
    rmdirSync(join(host.directory(id), "exit.json"))
    while (host.running.host.held > 0) await turn()
    assert.include(readFileSync(join(host.directory(id), "exit.json"), "utf8"), '"code":7')
    assert.strictEqual(host.control.events.filter(({ event }) => event === "closed").length, 1)
  })
})

describe("a bug in one session", () => {
  it("is noted and hurts no other session, nor the host", async () => {
    await using host = await TestHost.start()
    const bad = await host.spawn()
    const good = await host.spawn()
    const session = host.running.host.open(bad.id)!
    session.join({
      counted: true,
      pendingFrom: Infinity,
      onOutput: () => {
        throw new Error("a bug in a reader")
      },
      onChange: () => {
        throw new Error("another bug")
      }
    })
    const client = await host.open(bad.id)
    const other = await host.open(good.id)
    bad.program.print("bad")
    good.program.print("good")
    await client.until(() => client.bytes === 3)
    await other.until(() => other.bytes === 4)
    bad.program.end()
    await client.whenClosed()
    assert.isTrue(client.ended)
    assert.isTrue(host.said.some((message) => message.includes("a bug in a reader")))
  })
})

describe("a host that nobody needs", () => {
  it("ends by itself after a while, but not while it holds a session, serves a client or has a daemon", async () => {
    const seen = { ends: 0 }
    const host = await TestHost.start({ idleMillis: 1000, onEnd: () => seen.ends++ })
    const { id, program } = await host.spawn()
    const client = await host.open(id, { mode: "follow" })
    host.control.socket.destroy()
    await host.control.whenClosed()
    await pause(1200)
    assert.strictEqual(seen.ends, 0)
    client.socket.pause()
    program.print(sample(0, 2_000_000))
    program.end()
    await pause(1200)
    assert.strictEqual(seen.ends, 0)
    client.socket.resume()
    await client.whenClosed()
    while (seen.ends === 0) await turn()
    assert.isFalse(existsSync(host.paths.hostSocket))
    assert.strictEqual(client.bytes, 2_000_000)
    await host[Symbol.asyncDispose]()
  })

  it("is told by SIGTERM: it goes at once when it holds nothing, else with the last session", async () => {
    const seen = { ends: 0 }
    await using empty = await TestHost.start({ onEnd: () => seen.ends++ })
    empty.running.terminate()
    while (seen.ends === 0) await turn()

    await using host = await TestHost.start({ onEnd: () => seen.ends++ })
    const { program } = await host.spawn()
    host.running.terminate()
    await pause(50)
    assert.strictEqual(seen.ends, 1)
    assert.isTrue(host.said.some((message) => message.includes("holds 1 session")))
    program.end()
    while (seen.ends === 1) await turn()
  })

  it.each([
    ["while it holds a session: when that has ended", true],
    ["while it holds nothing: at once", false]
  ])("ends without waiting when its home is deleted %s", async (_, holds) => {
    const ended = Promise.withResolvers<void>()
    // Longer than the test may take.
    const host = await TestHost.start({ idleMillis: 3_600_000, onEnd: ended.resolve })
    const session = holds ? await host.spawn() : null
    host.control.socket.destroy()
    await host.control.whenClosed()
    rmSync(host.paths.home, { recursive: true, force: true })
    session?.program.print("nobody reads this")
    session?.program.end()
    await ended.promise
    assert.isFalse(existsSync(host.paths.hostSocket))
    assert.strictEqual(host.running.host.held, 0)
    rmSync(host.paths.home, { recursive: true, force: true })
  })

  it("is the only one of its home", async () => {
    await using host = await TestHost.start()
    const scripted = scriptedPrograms()
    const programs = {
      pty: scripted.start,
      pipe: scripted.start,
      preflight: async () => "",
      ptyUnavailable: () => null
    }
    assert.isNull(await runHost({ paths: host.paths, programs, log: () => {}, onEnd: () => {} }))
    await host.control.ask("list")
  })
})

/** For what must not happen: time is the only thing that can pass. */
const pause = (millis: number) => new Promise<void>((resolve) => setTimeout(resolve, millis))

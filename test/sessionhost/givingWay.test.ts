import { spawn } from "node:child_process"
import { closeSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { assert, describe, it } from "vitest"
import { Burst, GIVING_WAY, Typing, typing } from "../../src/sessionhost/givingWay.ts"
import { posixSpawn } from "../../src/sessionhost/posixSpawn.ts"
import { PtyMaster } from "../../src/sessionhost/PtyMaster.ts"
import { startPty } from "../../src/sessionhost/pty.ts"
import { describePty, run, shell, until } from "./program/run.ts"

describe("who is typed into", () => {
  it("is known for half a second, and is somebody else for all others", () => {
    let now = 0
    const known = new Typing(() => now)
    const [ada, bob] = [{}, {}]
    assert.isFalse(known.elsewhere(ada))
    known.typed(ada)
    assert.deepStrictEqual([known.elsewhere(ada), known.elsewhere(bob)], [false, true])
    now += 400
    known.typed(bob)
    // Both of them: each is elsewhere for the other.
    assert.deepStrictEqual([known.elsewhere(ada), known.elsewhere(bob), known.elsewhere({})], [true, true, true])
    now += 200
    assert.deepStrictEqual([known.elsewhere(ada), known.elsewhere(bob)], [true, false])
    known.forget(bob)
    assert.isFalse(known.elsewhere(ada))
  })
})

describe("a session", () => {
  const { burstBytes, pauseMillis } = GIVING_WAY

  it("pauses when it has brought a lot in a short time, in however many turns, and somebody types elsewhere", () => {
    let [now, typed] = [0, false]
    const burst = new Burst(
      () => !typed,
      () => now
    )
    const flood = () => Array.from({ length: 4 }, () => burst.read(burstBytes / 4))
    assert.deepStrictEqual([flood(), burst.gaveWay], [[false, false, false, false], false])
    typed = true
    now += pauseMillis + 1
    assert.deepStrictEqual([flood(), burst.gaveWay], [[false, false, false, true], true])
    now += pauseMillis + 1
    typed = false
    assert.deepStrictEqual([flood(), burst.gaveWay], [[false, false, false, false], false])
  })

  it("that redraws its screen has no pause", () => {
    let now = 0
    const burst = new Burst(
      () => false,
      () => now
    )
    for (let frame = 0; frame < 100; frame++, now += 10) assert.isFalse(burst.read(burstBytes - 1))
  })
})

describe.skipIf(posixSpawn() === null)("a terminal that floods", () => {
  it("is not read in a pause, and behind it again", async () => {
    const { master, slave } = posixSpawn()!.openTerminal(80, 24)
    const pauses: Array<number> = []
    let asked: number | null = null
    const closed = Promise.withResolvers<void>()
    const reading = new PtyMaster(master, {
      mayGo: () => {
        asked = performance.now()
        return false
      },
      output: () => {
        if (asked !== null) pauses.push(performance.now() - asked)
        asked = null
      },
      closing: () => {},
      closed: closed.resolve
    })
    const yes = spawn("/usr/bin/yes", [], { stdio: ["ignore", slave, "ignore"] })
    await until(() => pauses.length >= 5)
    yes.kill("SIGKILL")
    closeSync(slave)
    await closed.promise
    assert.strictEqual(reading.fd, -1)
    // A timer may come one millisecond early.
    for (const millis of pauses) assert.isAtLeast(millis, GIVING_WAY.pauseMillis - 1)
  })
})

describePty("a session that floods", () => {
  it("gives way when another one is typed into, not when it is itself", () => {
    const asked: Array<boolean> = []
    const [flood, other] = [{}, {}]
    const burst = new Burst(() => (asked.push(typing.elsewhere(flood)), true))
    typing.typed(flood)
    burst.read(GIVING_WAY.burstBytes)
    typing.typed(other)
    burst.read(GIVING_WAY.burstBytes)
    typing.forget(other)
    typing.forget(flood)
    assert.deepStrictEqual(asked, [false, true])
  })

  it("is read again as it comes when nobody types any more, with every byte", async () => {
    const cat = run(startPty, "/bin/cat", [])
    const flood = run(startPty, "/bin/yes", [])
    await until(() => flood.chunks.length > 0)
    for (let key = 0; key < 40; key++) {
      cat.program.write(Buffer.from("x"))
      await sleep(5)
    }
    const read = () => flood.chunks.reduce((all, each) => all + each, 0)
    const after = read()
    await until(() => read() > after + 1024 * 1024)
    flood.program.signalAll("SIGKILL")
    cat.program.signalAll("SIGKILL")
    await Promise.all([flood.closed, cat.closed])
    assert.match(flood.text().slice(0, 100_000), /^(y\r\n)+(y(\r)?)?$/)
  })

  it("is read to its end when it ends in a pause", async () => {
    const cat = run(startPty, "/bin/cat", [])
    const flood = shell(startPty, "head -c 300000 /dev/zero | tr '\\0' x; echo; echo the end")
    while (!flood.isClosed()) {
      cat.program.write(Buffer.from("x"))
      await sleep(1)
    }
    assert.strictEqual(flood.bytes().length, 300_000 + "\r\nthe end\r\n".length)
    cat.program.signalAll("SIGKILL")
    await cat.closed
  })
})

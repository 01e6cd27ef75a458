import { setTimeout as sleep } from "node:timers/promises"
import { assert, describe, it } from "vitest"
import { GIVING_WAY, Typing, typing } from "../../src/sessionhost/givingWay.ts"
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

describePty("a session that floods", () => {
  it("is read with pauses while somebody types into another one, and then again as it comes, with every byte", async () => {
    const cat = run(startPty, "/bin/cat", [])
    const flood = run(startPty, "/bin/yes", [])
    await until(() => flood.chunks.length > 0)
    const read = () => flood.chunks.reduce((all, each) => all + each, 0)
    typing.typed(cat.program)
    // What was read before the key.
    await sleep(GIVING_WAY.pauseMillis)
    const [before, began] = [read(), performance.now()]
    for (let key = 0; key < 40; key++) {
      cat.program.write(Buffer.from("x"))
      await sleep(5)
    }
    const pauses = (performance.now() - began) / GIVING_WAY.pauseMillis
    // A turn that is only just not enough for a pause is followed by another one.
    assert.isBelow(read() - before, (pauses + 2) * 2 * GIVING_WAY.burstBytes)
    const after = read()
    await until(() => read() > after + 4 * 1024 * 1024)
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

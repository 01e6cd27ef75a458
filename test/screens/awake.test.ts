import { assert, describe, it } from "vitest"
import type { Screen, TextReply } from "../../src/protocol/screens.ts"
import { Awake, type Sleeper } from "../../src/screens/Awake.ts"
import { Emulator } from "../../src/terminal/Emulator.ts"
import { until } from "../support/home.ts"
import { stateOf } from "../terminal/state.ts"
import { inProcess } from "./support.ts"

class Fake implements Sleeper {
  awake = true
  usedAt: number
  standing: Sleeper["standing"]
  canSleep: boolean

  constructor(standing: Sleeper["standing"], usedAt: number, canSleep = true) {
    this.standing = standing
    this.usedAt = usedAt
    this.canSleep = canSleep
  }

  putToSleep(): boolean {
    if (this.canSleep) this.awake = false
    return this.canSleep
  }
}

/** Full of these. */
const full = (...sleepers: ReadonlyArray<Fake>): Awake => {
  const awake = new Awake({ most: sleepers.length })
  for (const sleeper of sleepers) awake.wakes(sleeper)
  return awake
}

const once = (awake: Awake) => new Promise<void>((resolve) => assert.isFalse(awake.hasRoom(resolve)))

describe("who is awake", () => {
  it("makes room for one with output when it has not been of use for a while, longest first", () => {
    const [newer, older] = [new Fake("idle", -2000), new Fake("idle", -3000)]
    assert.isTrue(full(newer, older).hasRoom(assert.fail))
    assert.deepStrictEqual([newer.awake, older.awake], [true, false])
  })

  it("makes room when it has had its share", () => {
    const [working, spent] = [new Fake("working", -2000), new Fake("spent", performance.now())]
    assert.isTrue(full(working, spent).hasRoom(assert.fail))
    assert.deepStrictEqual([working.awake, spent.awake], [true, false])
  })

  it("goes on while it is in use, and who waits is told to try again", async () => {
    const [working, idle] = [new Fake("working", -2000), new Fake("idle", performance.now() + 60_000)]
    const awake = full(working, idle)
    await once(awake)
    working.standing = "spent"
    assert.isTrue(awake.hasRoom(assert.fail))
    assert.isFalse(working.awake)
  })

  it("goes to sleep at once for one that is asked for something", () => {
    const [working, idle] = [new Fake("working", -2000), new Fake("idle", performance.now())]
    const awake = full(working, idle)
    awake.wakes(new Fake("idle", performance.now()))
    assert.deepStrictEqual([working.awake, idle.awake], [true, false])
    assert.strictEqual(awake.count, 2)
  })

  it("does not keep the others waiting because it can't sleep", () => {
    assert.isTrue(full(new Fake("spent", -2000, false), new Fake("idle", -2000, false)).hasRoom(assert.fail))
  })
})

describe("more sessions print than may be awake", () => {
  it("each screen, history and answer is as if it were alone, and no more than those are awake", async () => {
    let most = 0
    class Counted extends Awake {
      override wakes(sleeper: Sleeper): void {
        super.wakes(sleeper)
        most = Math.max(most, this.count + 1)
      }
    }
    await using test = await inProcess({ awake: new Counted({ most: 2, restMillis: 0 }) })
    const sessions: Array<Awaited<ReturnType<typeof test.host.spawn>>> = []
    for (let number = 0; number < 6; number++) sessions.push(await test.host.spawn())
    const printed = sessions.map(() => "")
    for (let round = 0; round < 12; round++) {
      for (const [number, { program }] of sessions.entries()) {
        const line = (each: number) => `\x1b[3${number}m${number}.${round}.${each}\x1b[m of what it prints\r\n`
        const lines = Array.from({ length: 150 }, (_, each) => line(each)).join("")
        // A question in each. One ends in the middle of a sequence, the rest of which comes with the next round.
        const text = number > 0 ? `${lines}\x1b[6n` : `${round === 0 ? "" : "1mbold\x1b[m"}${lines}\x1b[6n\x1b[`
        printed[number] += text
        program.print(text)
      }
    }
    for (const [number, { id, program }] of sessions.entries()) {
      const expected = new Emulator({ cols: 80, rows: 24, scrollback: 1000 })
      expected.onLines(() => {})
      expected.write(Buffer.from(printed[number]!))
      // The host reads what was printed in its own time.
      const screen = () => test.ask<Screen>({ op: "screen", session: id })
      await until("all is read", async () => (await screen()).offset >= printed[number]!.length)
      const { history } = await screen()
      const snapshot = (await test.host.running.host.screens.snapshot(id, { historyLines: 1000 }, 60_000))!
      const copy = new Emulator({ cols: snapshot.cols, rows: snapshot.rows, scrollback: 1000 })
      copy.write(snapshot.bytes)
      if (number === 0) copy.write(Buffer.from("\x1b["))
      assert.deepStrictEqual(stateOf(copy), stateOf(expected))
      assert.strictEqual(history.total, 12 * 150 - 23)
      const { lines } = await test.ask<TextReply>({ op: "text", session: id, from: 700 })
      assert.include(lines[0], "of what it prints")
      let typed = ""
      await until("all is answered", () => (typed += program.readInput().toString()).split("R").length > 12)
      assert.strictEqual(typed, "\x1b[24;1R".repeat(12))
    }
    assert.isAtMost(most, 2)
  }, 300_000)
})

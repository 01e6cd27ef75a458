import { afterEach, assert, beforeEach, describe, it, vi } from "vitest"
import { GiveBack } from "../../src/screens/GiveBack.ts"
import { mallocTrim } from "../../src/screens/mallocTrim.ts"
import { inProcess } from "./support.ts"

describe("giving memory back", () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it("happens once for all that let go of something together, and not all too often", () => {
    let times = 0
    const giveBack = new GiveBack(() => (times += 1))
    giveBack.later()
    giveBack.later()
    assert.strictEqual(times, 0)
    vi.runAllTimers()
    assert.strictEqual(times, 1)
    giveBack.later()
    vi.advanceTimersByTime(20_000)
    assert.strictEqual(times, 1)
    vi.advanceTimersByTime(10_000)
    assert.strictEqual(times, 2)
    assert.strictEqual(vi.getTimerCount(), 0)
  })

  it("does not happen to a process that ends", () => {
    const giveBack = new GiveBack(() => assert.fail("given back"))
    giveBack.later()
    giveBack.close()
    giveBack.later()
    vi.runAllTimers()
  })
})

describe("a session that is put to sleep", () => {
  it("has its emulator's memory given back", async () => {
    let given: () => void
    const once = new Promise<void>((resolve) => (given = resolve))
    await using test = await inProcess({ sleepMillis: 10, giveBack: new GiveBack(() => given(), 0) })
    const { program } = await test.host.spawn()
    program.print("hello")
    await once
  })

  it("malloc can be asked to, or there is nothing to ask", () => {
    mallocTrim()
    mallocTrim()
  })
})

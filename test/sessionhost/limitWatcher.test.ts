import { afterEach, assert, describe, it, vi } from "vitest"
import { LimitWatcher, type Watched } from "../../src/sessionhost/LimitWatcher.ts"

const MiB = 1024 * 1024

/** A watcher on a clock of the test, over processes that take what the test says. */
const watching = (given: Partial<Watched>, memory: { resident: number; proportional: number }) => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
  const reasons: Array<string> = []
  const watcher = new LimitWatcher({ resident: () => memory.resident, proportional: () => memory.proportional })
  watcher.watch("a", { pids: () => [1, 2], beyond: (reason) => reasons.push(reason), ...given })
  const look = () => {
    vi.advanceTimersByTime(600)
    return reasons
  }
  return { look, watcher }
}

describe("a session whose limits the kernel does not hold", () => {
  afterEach(() => void vi.useRealTimers())

  it("is beyond its memory when its processes take more together, and that is said once", () => {
    const memory = { resident: 4 * MiB, proportional: 4 * MiB }
    const { look } = watching({ memoryBytes: 10 * MiB }, memory)
    assert.deepStrictEqual(look(), [])
    memory.resident = memory.proportional = 6 * MiB
    assert.deepStrictEqual(look(), ["memory-limit"])
    assert.deepStrictEqual(look(), ["memory-limit"])
  })

  it("is not beyond its memory for pages that its processes share", () => {
    const { look } = watching({ memoryBytes: 10 * MiB }, { resident: 9 * MiB, proportional: 5 * MiB })
    assert.deepStrictEqual(look(), [])
  })

  it("is beyond its number of processes", () => {
    let pids = [1, 2]
    const { look } = watching({ processes: 2, pids: () => pids }, { resident: 0, proportional: 0 })
    assert.deepStrictEqual(look(), [])
    pids = [1, 2, 3]
    assert.deepStrictEqual(look(), ["process-limit"])
  })

  it("is beyond its memory when the kernel has ended one of its processes for it", () => {
    let kills = 0
    const { look } = watching({ memoryKills: () => kills }, { resident: 0, proportional: 0 })
    assert.deepStrictEqual(look(), [])
    kills = 1
    assert.deepStrictEqual(look(), ["memory-limit"])
  })

  it("is not looked at any more once it has ended", () => {
    const { look, watcher } = watching({ processes: 1 }, { resident: 0, proportional: 0 })
    watcher.forget("a")
    assert.deepStrictEqual(look(), [])
    assert.strictEqual(vi.getTimerCount(), 0)
  })
})

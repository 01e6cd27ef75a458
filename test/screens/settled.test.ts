import { afterEach, assert, beforeEach, describe, it, vi } from "vitest"
import type { Activity, ActivityState } from "../../src/protocol/activity.ts"
import type { HostSession } from "../../src/protocol/sessionHost.ts"
import { Activities } from "../../src/screens/Activities.ts"
import type { Keeper } from "../../src/screens/Keeper.ts"

describe("a session that slept when the screens process was started again", () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** How often it was woken. */
  const woken = (state: ActivityState): number => {
    let times = 0
    const wake = () => {
      times += 1
      throw new Error("woken")
    }
    const activity = { state, agent: null, since: new Date(0).toISOString() } as unknown as Activity
    const keeper = { id: "s", activity, position: 10, live: true, listen: () => () => {}, wake }
    const session = { id: "s", command: ["cat"], createdAt: activity.since, output: { oldest: 0, end: 10 }, pid: null }
    const activities = new Activities({ agents: "/nowhere/agents.json", log: () => {}, announce: () => {} })
    activities.watch(session as unknown as HostSession, keeper as unknown as Keeper)
    try {
      vi.advanceTimersByTime(10_000)
    } catch {
      // It was.
    }
    activities.close()
    return times
  }

  it("goes on sleeping when it waited for its user or was idle, and is looked at otherwise", () => {
    assert.deepStrictEqual((["waiting", "idle", "working", "unknown"] as const).map(woken), [0, 0, 1, 1])
  })
})

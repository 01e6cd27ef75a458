import { assert, describe, it } from "@effect/vitest"
import { SessionId } from "../../src/protocol/index.ts"
import type { Entry } from "../../src/sessions/entry.ts"
import { lifetimeOf } from "../../src/sessions/lifetimes.ts"
import { decideRestart, reasonOfRestart, successor } from "../../src/sessions/restarting.ts"
import { expired } from "../../src/sessions/retention.ts"

const began = Date.parse("2026-01-01T00:00:00.000Z")
const at = (millis: number) => new Date(began + millis).toISOString()
const second = 1000
const minute = 60 * second

const file = (given: Partial<Entry["file"]> = {}): Entry["file"] => ({
  id: SessionId.make("aa000000-0000-4000-8000-000000000000"),
  name: "web",
  tags: ["ci"],
  command: ["serve"],
  cwd: "/srv",
  kind: "pty",
  cols: 80,
  rows: 24,
  createdAt: at(0),
  ...given
})

interface End {
  readonly code?: number
  readonly reason?: string
  readonly after?: number
}

const ended = (given: Partial<Entry["file"]>, { after = second, code = 1, reason }: End = {}): Entry => ({
  file: file({ restart: { policy: "on-failure", max: 3, count: 0 }, ...given }),
  host: null,
  starting: false,
  exit: {
    exit: { code, signal: null, at: at(after), reason: reason ?? null },
    closedAt: at(after),
    output: { oldest: 0, end: 0 },
    logLostBytes: 0
  }
})

const lost = (given: Partial<Entry["file"]>): Entry => ({ ...ended(given), exit: null })
const always = { policy: "always", max: 0, count: 0 } as const
const decide = (entry: Entry, now = began + minute) => decideRestart(entry, second, now)

describe("a session is started anew", () => {
  it("after a failure, and with `always` also after a success", () => {
    assert.deepStrictEqual(decide(ended({})), { type: "restart", at: began + 2 * second, count: 1 })
    assert.deepStrictEqual(decide(ended({}, { code: 0 })), { type: "no" })
    assert.strictEqual(decide(ended({ restart: always }, { code: 0 })).type, "restart")
  })

  it("after it was ended by a limit of memory or processes, not when its end was meant", () => {
    for (const reason of ["memory-limit", "process-limit"]) {
      assert.strictEqual(decide(ended({}, { reason })).type, "restart", reason)
    }
    for (const reason of ["killed", "ttl", "idle-stop"]) {
      assert.strictEqual(decide(ended({ restart: always }, { reason })).type, "no", reason)
    }
  })

  it("at once when it was lost, and says whether the machine was started anew", () => {
    const entry = lost({ bootId: "boot-1" })
    assert.deepStrictEqual(decide(entry), { type: "restart", at: began, count: 1 })
    assert.strictEqual(reasonOfRestart(entry, "boot-1"), "lost")
    assert.strictEqual(reasonOfRestart(entry, "boot-2"), "reboot")
    assert.strictEqual(reasonOfRestart(lost({}), "boot-2"), "lost")
    assert.strictEqual(reasonOfRestart(ended({ bootId: "boot-1" }), "boot-2"), "exit")
  })

  it("never without being asked for, while it runs, or twice", () => {
    const { restart: _restart, ...plain } = file()
    assert.strictEqual(decide({ ...ended({}), file: plain }).type, "no")
    assert.strictEqual(decide({ ...lost({}), starting: true }).type, "no")
    const id = SessionId.make("bb000000-0000-4000-8000-000000000000")
    assert.strictEqual(decide(ended({ restartedAs: id })).type, "no")
    assert.strictEqual(decide(ended({ restartStopped: "it was ended on request" })).type, "no")
  })

  it("later each time in a row, a minute at most, and not more often than it may", () => {
    const delays = [0, 1, 2, 9].map((count) => {
      const decision = decide(ended({ restart: { ...always, count } }))
      return decision.type === "restart" ? decision.at - began - second : decision.type
    })
    assert.deepStrictEqual(delays, [second, 2 * second, 4 * second, minute])
    assert.deepStrictEqual(decide(ended({ restart: { policy: "on-failure", max: 3, count: 3 } })), {
      type: "exhausted",
      count: 3
    })
  })

  it("with its restarts counted anew once it has run for long, also when it was lost", () => {
    const tired = { policy: "on-failure", max: 3, count: 3 } as const
    const decision = decide(ended({ restart: tired }, { after: 10 * minute }))
    assert.deepStrictEqual(decision, { type: "restart", at: began + 10 * minute + second, count: 1 })
    assert.deepStrictEqual(decide(lost({ restart: tired }), began + 10 * minute), {
      type: "restart",
      at: began,
      count: 1
    })
    assert.strictEqual(decide(lost({ restart: tired }), began + minute).type, "exhausted")
  })

  it("as a new session that is the same in all that somebody chose", () => {
    const limits = { memoryBytes: 2 ** 30, ttlMillis: minute }
    const entry = lost({ limits, limitedBy: { memory: "cgroup" }, bootId: "boot-1", restart: always })
    const id = SessionId.make("bb000000-0000-4000-8000-000000000000")
    const next = successor(entry, { id, createdAt: at(minute), count: 4, because: "reboot" })
    assert.deepStrictEqual(next, {
      ...file({ limits }),
      id,
      createdAt: at(minute),
      restart: { ...always, count: 4 },
      restartedFrom: { id: entry.file.id, because: "reboot" }
    })
  })

  it("even where no ended session is kept: it stays until then", () => {
    const limits = { retainCount: 0, retainMillis: minute }
    assert.strictEqual(expired([ended({})], limits, began + 2 * second).length, 0)
    assert.strictEqual(expired([ended({}, { code: 0 })], limits, began + 2 * second).length, 1)
  })
})

describe("a session's time is up", () => {
  const running = (limits: Entry["file"]["limits"], quietSince = at(0)): Entry => ({
    ...lost(limits === undefined ? {} : { limits }),
    host: {
      ...file(),
      pid: 7,
      exit: null,
      closedAt: null,
      output: { oldest: 0, end: 0 },
      logLostBytes: 0,
      clients: 0,
      quietSince
    }
  })

  it("its `ttl` after its start, whatever it does", () => {
    assert.deepStrictEqual(lifetimeOf(running({ ttlMillis: minute }, at(50 * second)), began), {
      at: began + minute,
      reason: "ttl"
    })
  })

  it("after so long without output, input or a client, and not while it is at work", () => {
    const idle = running({ idleStopMillis: minute }, at(30 * second))
    assert.deepStrictEqual(lifetimeOf(idle, began), { at: began + 90 * second, reason: "idle-stop" })
    const now = began + 10 * minute
    const activity = { since: at(0), agent: "claude" }
    assert.deepStrictEqual(lifetimeOf({ ...idle, activity: { ...activity, state: "working" } }, now), {
      at: now + minute,
      reason: "idle-stop"
    })
    assert.isBelow(lifetimeOf({ ...idle, activity: { ...activity, state: "waiting" } }, now)!.at, now)
  })

  it("at the earlier of the two, and never when it has neither or has ended", () => {
    assert.strictEqual(lifetimeOf(running({ ttlMillis: minute, idleStopMillis: second }), began)?.reason, "idle-stop")
    assert.strictEqual(lifetimeOf(running({ ttlMillis: second, idleStopMillis: minute }), began)?.reason, "ttl")
    assert.isNull(lifetimeOf(running({ memoryBytes: 2 ** 30 }), began))
    assert.isNull(lifetimeOf(ended({ limits: { ttlMillis: second } }), began))
  })
})

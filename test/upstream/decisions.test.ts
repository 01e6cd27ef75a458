import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schedule } from "effect"
import * as fc from "fast-check"
import type { JobProgress } from "../../src/protocol/upstream.ts"
import { declarations } from "../../src/upstream/declarations.ts"
import type { RpcError } from "../../src/upstream/envelope.ts"
import { type Follower, Followers, readJob } from "../../src/upstream/jobs.ts"
import { outcomeOfRow } from "../../src/upstream/outcomes.ts"
import { FairSemaphore } from "../../src/upstream/FairSemaphore.ts"
import { decideRetry, reconnecting } from "../../src/upstream/retry.ts"
import { targetOf } from "../../src/upstream/target.ts"

const error = (change: Partial<RpcError>): RpcError => ({
  code: -32001,
  reason: "no",
  errno: null,
  errname: null,
  trace: null,
  extra: null,
  ...change
})

describe("what is sent again", () => {
  it("is what provably was not carried out", () => {
    const fresh = { mayLogIn: true, hasLoggedIn: false }
    assert.strictEqual(decideRetry(error({ code: -32000 }), fresh), "again")
    assert.strictEqual(decideRetry(error({ errno: 207 }), fresh), "login")
    assert.strictEqual(decideRetry(error({ errno: 207 }), { mayLogIn: true, hasLoggedIn: true }), "fail")
    assert.strictEqual(decideRetry(error({ errno: 207 }), { mayLogIn: false, hasLoggedIn: false }), "fail")
    for (const errno of [13, 14, 16, null]) assert.strictEqual(decideRetry(error({ errno }), fresh), "fail")
  })
})

describe("pauses between attempts to connect", () => {
  it.effect("double from the shortest to the longest, and are never quite the same", () =>
    Effect.gen(function* () {
      const step = yield* Schedule.toStep(reconnecting({ retryMinMillis: 1000, retryMaxMillis: 30_000 }))
      const pauses: Array<number> = []
      for (let at = 0; at < 12; at++) pauses.push(Duration.toMillis((yield* Effect.orDie(step(at, undefined)))[1]))
      pauses.forEach((pause, at) => {
        const middle = Math.min(1000 * 2 ** at, 25_000)
        assert.isTrue(pause >= middle * 0.8 && pause <= middle * 1.2 && pause <= 30_000, `${at}: ${pause}`)
      })
      assert.isAbove(new Set(pauses.slice(6)).size, 1)
    })
  )
})

describe("permits", () => {
  it("are handed on in the order in which they were asked for, also when some leave", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(fc.nat(9), { maxLength: 60 }), (count, steps) => {
        const permits = new FairSemaphore(count)
        const asked: Array<{ id: number; takeBack: () => void; state: "waits" | "has" | "left" }> = []
        const got: Array<number> = []
        const expected: Array<number> = []
        const hasCount = () => asked.filter(({ state }) => state === "has").length
        for (const step of steps) {
          if (step < 5) {
            const one: (typeof asked)[number] = { id: asked.length, takeBack: () => {}, state: "waits" }
            asked.push(one)
            if (hasCount() < count) expected.push(one.id)
            one.takeBack = permits.take(() => {
              one.state = "has"
              got.push(one.id)
            })
          } else if (step < 8) {
            const holder = asked.find(({ state }) => state === "has")
            if (holder === undefined) continue
            holder.state = "left"
            const next = asked.find(({ state }) => state === "waits")
            if (next !== undefined) expected.push(next.id)
            permits.release()
          } else {
            const leaving = asked.findLast(({ state }) => state === "waits")
            if (leaving === undefined) continue
            leaving.state = "left"
            leaving.takeBack()
          }
          assert.isAtMost(hasCount(), count)
        }
        assert.deepStrictEqual(got, expected)
      })
    )
  })
})

describe("jobs", () => {
  const event = (id: number, requests: ReadonlyArray<string>, state: string, percent: number | null = 0) =>
    readJob(
      `{"id": ${id}, "message_ids": ${JSON.stringify(requests)}, "arguments": [1e400, "}"], "state": "${state}", "progress": {"percent": ${percent}, "description": null, "extra": NaN}}`
    )!

  const follower = () => {
    const heard: Array<number | JobProgress["state"]> = []
    const it: Follower = { began: (job) => heard.push(job), progress: ({ state }) => heard.push(state) }
    return { heard, it }
  }

  it("are told to who began them, and to nobody else", () => {
    const followers = new Followers()
    const [mine, other] = [follower(), follower()]
    followers.expect("a", mine.it)
    followers.expect("b", other.it)
    followers.hear(event(7, ["x"], "RUNNING"))
    followers.hear(event(8, ["x", "a"], "WAITING"))
    followers.hear(event(8, ["x", "a"], "SUCCESS", 100))
    assert.deepStrictEqual(mine.heard, [8, "WAITING", "SUCCESS"])
    assert.deepStrictEqual(other.heard, [])
    followers.leave("a", 8, mine.it)
    followers.hear(event(8, ["x", "a"], "SUCCESS", 100))
    assert.lengthOf(mine.heard, 3)
    assert.strictEqual(followers.jobs, 0)
    followers.leave("b", null, other.it)
    assert.isTrue(followers.isEmpty)
  })

  it("that two have begun are told to both, from when each is known to have", () => {
    const followers = new Followers()
    const [first, second] = [follower(), follower()]
    followers.expect("a", first.it)
    followers.expect("b", second.it)
    followers.hear(event(1, ["a"], "WAITING"))
    followers.hear(event(1, ["a", "b"], "RUNNING"))
    assert.deepStrictEqual(first.heard, [1, "WAITING", "RUNNING"])
    assert.deepStrictEqual(second.heard, [1, "RUNNING"])
  })

  it("that have ended come to what their row says", () => {
    const which = { upstream: "nas", method: "mock.job" }
    const row = (members: string) => outcomeOfRow(which, `{"id": 3, ${members}}`)
    assert.deepStrictEqual(row('"state": "SUCCESS", "result": [1e400, 12345678901234567890]'), {
      result: "[1e400, 12345678901234567890]"
    })
    assert.deepInclude((row('"state": "ABORTED", "error": null') as { error: object }).error, {
      _tag: "UpstreamJobAborted",
      job: 3
    })
    const failure = row(
      '"state": "FAILED", "error": "[EFAULT] disk on fire", "exception": "Traceback", "exc_info": {"type": "CallError", "repr": "r", "errno": 14, "extra": [1]}'
    ) as { error: object }
    assert.deepInclude(failure.error, {
      reason: "[EFAULT] disk on fire",
      errno: 14,
      errname: "EFAULT",
      extra: "[1]",
      job: 3
    })
    assert.isUndefined(row('"state": "RUNNING"'))
  })
})

describe("addresses", () => {
  it("say where to connect, and what may be sent there", () => {
    assert.deepInclude(targetOf("ws://nas.lan/api/current"), { isPrivate: false, origin: "http://nas.lan" })
    assert.deepInclude(targetOf("wss://nas.lan:8443/api/v25.10.0"), {
      isPrivate: true,
      origin: "https://nas.lan:8443",
      url: "wss://nas.lan:8443/api/v25.10.0"
    })
    for (const uri of ["ws://127.0.0.1:6000/api/current", "ws://localhost/api/current", "ws://[::1]/api/current"])
      assert.deepInclude(targetOf(uri), { isPrivate: true, knowsPeers: false }, uri)
    assert.deepInclude(targetOf("ws+unix:///run/m.sock"), { socketPath: "/run/m.sock", knowsPeers: true })
    assert.deepInclude(targetOf("wss://nas.lan"), { url: "wss://nas.lan/api/current" })
    for (const uri of [
      "ws://ada:secret@nas.lan/",
      "http://nas.lan",
      "nas.lan",
      "ws://nas.lan/websocket",
      "ws://",
      "ws+unix://a"
    ]) {
      const problem = targetOf(uri)
      assert.isString(problem, uri)
      assert.notInclude(problem as string, "secret")
    }
    // What only looks like this machine is another one.
    assert.deepInclude(targetOf("ws://127.0.0.1.example.com/"), { isPrivate: false })
  })
})

describe("declarations", () => {
  const settings = { lifetimeMillis: 600_000, servers: {} } as Parameters<typeof declarations>[0]
  const row = {
    name: "nas",
    uri: "ws://a/",
    user: null,
    insecure: false,
    caFile: null,
    concurrency: 2,
    lifetimeMillis: null
  }

  it("of the configuration go before those that were added, and the local one is there where there is none", () => {
    assert.deepStrictEqual([...declarations(settings, []).keys()], ["local"])
    const both = declarations(
      {
        ...settings,
        servers: { nas: { uri: "wss://b/", lifetime: "0s" }, box: { uri: "wss://c/", caFile: "~/ca.pem" } }
      },
      [row]
    )
    assert.deepStrictEqual([...both.keys()], ["box", "nas"])
    assert.deepInclude(both.get("nas")!.declaration, { uri: "wss://b/", lifetimeMillis: 0, concurrency: 1 })
    assert.match(both.get("box")!.declaration.caFile!, /^\/.*\/ca\.pem$/)
    assert.deepInclude(declarations(settings, [row]).get("nas")!.declaration, {
      uri: "ws://a/",
      lifetimeMillis: 600_000
    })
  })
})

import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { NO_ANSWER } from "../support/middleware/Connection.ts"
import { connected } from "./inProcess.ts"
import { middlewareOf } from "./support.ts"

/** `HOB_UPSTREAM_CUTS=200`: as often as was promised. */
const CUTS = Number(process.env["HOB_UPSTREAM_CUTS"] ?? 20)
const CALLERS = 8

/** The same numbers each time, for the same seed. */
const numbers = (seed: number) => () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
  return seed / 2 ** 31
}

describe("a connection that is cut again and again", () => {
  it.live(
    "strands no caller, gives none another's answer, and has nothing carried out twice",
    () =>
      Effect.gen(function* () {
        const { middleware, ...started } = yield* middlewareOf()
        const { call, service } = yield* connected(
          started,
          { concurrency: 4 },
          { retryMinMillis: 1, retryMaxMillis: 20, pingMillis: 200, deadMillis: 400, loginsPerMinuteCount: 1000 }
        )
        const random = numbers(31)
        let cuts = 0
        const isGoingOn = () => cuts < CUTS
        const executed = (key: string) => middleware.marks.get(key) ?? 0
        const cut = (how: () => void): typeof NO_ANSWER => {
          cuts++
          how()
          return NO_ANSWER
        }
        middleware.methods.set("mock.own", async ({ connection, params: [key], signal }) => {
          const roll = random()
          if (roll < 0.05) return cut(() => connection.terminate())
          middleware.marks.set(String(key), executed(String(key)) + 1)
          if (roll < 0.1) return cut(() => connection.terminate())
          if (roll < 0.14) return cut(() => connection.close([1001, 1008, 1011][cuts % 3]!, "cut"))
          if (roll < 0.16) return cut(() => connection.send("{ no JSON"))
          if (roll < 0.18)
            return cut(() => connection.send(`{"jsonrpc": "2.0", "result": "not yours", "id": "nobody"}`))
          if (roll < 0.185) return cut(() => connection.freeze())
          // Out of order.
          if (roll < 0.5) await new Promise((go) => setTimeout(go, roll * 10))
          return signal.aborted ? NO_ANSWER : JSON.stringify([key])
        })

        const ended = { answered: 0, unknown: 0, unsent: 0, timedOut: 0 }
        const caller = (who: number) =>
          Effect.gen(function* () {
            for (let at = 0; isGoingOn(); at++) {
              const key = `${who}-${at}`
              const said = yield* Effect.result(call("mock.own", [key], { timeoutMillis: 3000 }))
              if (said._tag === "Success") {
                assert.deepEqual(said.success, [key])
                assert.strictEqual(executed(key), 1, key)
                ended.answered++
                continue
              }
              assert.isAtMost(executed(key), 1, key)
              const { failure } = said
              if (failure._tag === "UpstreamOutcomeUnknown") ended.unknown++
              else if (failure._tag === "UpstreamTimedOut" && failure.waitedFor === "answer") ended.timedOut++
              else {
                if (failure._tag !== "UpstreamTimedOut") assert.strictEqual(failure._tag, "UpstreamUnreachable")
                assert.strictEqual(executed(key), 0, key)
                ended.unsent++
              }
            }
          })
        yield* Effect.all(
          Array.from({ length: CALLERS }, (_, who) => caller(who)),
          { concurrency: "unbounded", discard: true }
        )

        assert.isAtLeast(cuts, CUTS)
        assert.isAbove(ended.answered, CUTS)
        assert.isAbove(ended.unknown, 0)
        // One answer of nobody's leaves its call to its time.
        assert.isAtMost(ended.timedOut, cuts)
        assert.isTrue([...middleware.marks.values()].every((count) => count === 1))
        assert.deepInclude(yield* service.status("nas"), { inFlight: 0, waiting: 0, jobs: 0 })
        assert.deepEqual(yield* call("mock.echo", ["well"]), ["well"])
        if (CUTS > 20)
          console.log(`${cuts} cuts: ${JSON.stringify(ended)}, ${middleware.counts.connections} connections`)
      }).pipe(Effect.scoped),
    120_000 + CUTS * 2000
  )
})

import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { eventually, hmac, listening, method, methodsOf, open, post } from "./support.ts"

const secret = "s"
const body = '{"ref":"main"}'
const headers = [
  ["X-Hub-Signature-256", `sha256=${hmac(secret, body)}`],
  ["X-GitHub-Delivery", "72d3162e"]
] as const

describe("a delivery that is sent a thousand times at once", () => {
  it.live("is run once, and everybody hears what it came to", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      let runs = 0
      const methods = methodsOf(() =>
        Effect.as(
          Effect.andThen(
            Effect.sync(() => void runs++),
            Deferred.await(gate)
          ),
          1
        )
      )
      const opened = yield* open({ methods, settings: { answerMillis: 60_000, maxConnectionCount: 2000 } })
      yield* opened.rpc["webhooks.allow"]({ method: method("hook"), scheme: "github", secrets: [secret] })
      const port = yield* listening(opened)
      const all = Array.from({ length: 1000 }, () => post(port, { body, headers }))
      const late = post(port, { body, headers })
      yield* Effect.promise(() => eventually(() => runs > 0))
      yield* Deferred.succeed(gate, undefined)
      for (const { body, headers, status } of yield* Effect.promise(() => Promise.all([...all, late]))) {
        assert.strictEqual(status, 200)
        assert.deepStrictEqual(body, { success: true, data: 1 })
        assert.strictEqual(headers.get("x-hob-delivery"), "1")
      }
      assert.strictEqual(runs, 1)
      const other = yield* Effect.promise(() => post(port, { body: '{"ref":"x"}', headers: signed('{"ref":"x"}') }))
      assert.strictEqual(other.status, 409)
    }).pipe(Effect.scoped)
  )
})

const signed = (text: string) => [["X-Hub-Signature-256", `sha256=${hmac(secret, text)}`], headers[1]] as const

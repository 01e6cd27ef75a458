import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import type { LoginItem, UpstreamCallItem } from "../../src/protocol/upstream.ts"
import { embedded } from "../support/embedded.ts"
import { middlewareOf } from "./support.ts"

const credential = { kind: "password", secret: "correct horse" } as const

describe("upstream.* on the native socket", () => {
  it.live("asks a caller for a one-time password, and nobody else can answer for it", () =>
    Effect.gen(function* () {
      const { uri } = yield* middlewareOf({ users: { ada: { password: "correct horse", otp: "123456" } } })
      const { connect } = yield* embedded()
      const [hob, other] = [yield* connect, yield* connect]
      yield* hob["upstream.add"]({ name: "nas", uri, user: "ada", credential })

      const answered: Array<string> = []
      const answering = (item: UpstreamCallItem | LoginItem) =>
        Effect.gen(function* () {
          answered.push(item.type)
          if (item.type !== "prompt") return
          assert.deepInclude(item.question, { type: "text", secret: true })
          const foreign = yield* Effect.flip(other["upstream.answer"]({ prompt: item.prompt, value: "123456" }))
          assert.strictEqual((foreign as { _tag: string })._tag, "UnknownPrompt")
          yield* hob["upstream.answer"]({ prompt: item.prompt, value: "123456" })
        })
      yield* Stream.runForEach(hob["upstream.call"]({ method: "mock.echo", params: "[1e400]" }), answering)
      assert.deepStrictEqual(answered, ["prompt", "result"])
      yield* Stream.runForEach(hob["upstream.login"]({}), answering)
      assert.deepStrictEqual(answered.slice(2), ["prompt", "up"])
    })
  )

  it.live("gives a question up whose caller has left, and the login with it", () =>
    Effect.gen(function* () {
      const { uri } = yield* middlewareOf({ users: { ada: { password: "correct horse", otp: "123456" } } })
      const { connect } = yield* embedded()
      const hob = yield* connect
      yield* hob["upstream.add"]({ name: "nas", uri, user: "ada", credential })
      // Leaves as soon as it is asked.
      yield* Stream.runDrain(Stream.take(hob["upstream.call"]({ method: "mock.echo" }), 1))
      while ((yield* hob["upstream.status"]({})).state !== "refused") yield* Effect.sleep(10)
      const next = yield* Effect.flip(Stream.runDrain(hob["upstream.call"]({ method: "mock.echo" })))
      assert.strictEqual((next as { _tag: string })._tag, "UpstreamLoginRefused")
    })
  )

  it.live("streams a job's progress, its result last, with the text as it was", () =>
    Effect.gen(function* () {
      const { uri } = yield* middlewareOf()
      const { connect } = yield* embedded()
      const hob = yield* connect
      yield* hob["upstream.add"]({ name: "nas", uri, user: "admin", credential })
      const items = Array.from(
        yield* Stream.runCollect(hob["upstream.call"]({ method: "mock.job", params: '[{"steps": 2}]', job: true }))
      )
      assert.strictEqual(items[0]!.type, "job")
      assert.deepStrictEqual(items.at(-1), { type: "result", result: '{"ok": true, "steps": 2}' })
      assert.isAbove(items.filter(({ type }) => type === "progress").length, 1)
    })
  )
})

import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { randomBytes } from "node:crypto"
import { makeCipher } from "../../src/machine/encryption.ts"
import { answer, CallRefused, type RemoteCall, remoteCall } from "../../src/machine/RemoteCall.ts"

const cipher = makeCipher({ kind: "legacy", secret: randomBytes(32) })
const Params = Schema.Struct({ of: Schema.optionalKey(Schema.String) })

/** Calls it; gives what was acknowledged before `answer` returned, and what has come in all. */
const called = (call: RemoteCall, params: unknown = {}) => {
  const said: Array<unknown> = []
  const rest = answer({
    cipher,
    calls: new Map([[call.name, call]]),
    name: call.name,
    params: cipher.encrypt(params),
    during: { announceStop: () => Effect.void },
    ack: (text) => void said.push(Result.getOrThrow(cipher.decrypt(text)))
  })
  return { atOnce: [...said], rest, said }
}

describe("the answer to a device's call", () => {
  it("is given at once where it is known at once, and nothing is left to be run", () => {
    const known = remoteCall("known", Params, () => Effect.succeed({ is: "known" }))
    assert.deepStrictEqual(called(known), { atOnce: [{ is: "known" }], rest: undefined, said: [{ is: "known" }] })
    const refused = remoteCall("refused", Params, () => Effect.fail(new CallRefused({ reason: "No." })))
    assert.deepStrictEqual(called(refused).atOnce, [{ error: "No." }])
    assert.isUndefined(called(refused).rest)
    assert.deepStrictEqual(called(known, { of: 1 }).atOnce, [
      { error: "The parameters of known are not of its shape." }
    ])
  })

  it.effect("comes once, when it has been waited for", () =>
    Effect.gen(function* () {
      const { atOnce, rest, said } = called(
        remoteCall("waits", Params, () => Effect.as(Effect.yieldNow, { is: "there" }))
      )
      assert.deepStrictEqual(atOnce, [])
      yield* rest!
      assert.deepStrictEqual(said, [{ is: "there" }])
    })
  )

  it.effect("is followed by what is to be done afterwards, unless the call was refused", () =>
    Effect.gen(function* () {
      const done: Array<string> = []
      const afterwards = Effect.sync(() => void done.push("afterwards"))
      const { atOnce, rest } = called(remoteCall("ends", Params, () => Effect.succeed({}), { afterwards }))
      assert.deepStrictEqual([atOnce, done], [[{}], []])
      yield* rest!
      assert.deepStrictEqual(done, ["afterwards"])
      const no = Effect.andThen(Effect.yieldNow, Effect.fail(new CallRefused({ reason: "No." })))
      const refused = called(remoteCall("ends", Params, () => no, { afterwards }))
      yield* refused.rest!
      assert.deepStrictEqual([refused.said, done], [[{ error: "No." }], ["afterwards"]])
    })
  )

  const bug = new Error("a bug")
  const endless: { self?: object } = {}
  endless.self = endless
  const bugs: Record<string, () => Effect.Effect<object, CallRefused>> = {
    "at once": () => {
      throw bug
    },
    "later on": () => Effect.andThen(Effect.yieldNow, Effect.die(bug)),
    "in a result that can't be sent": () => Effect.succeed(endless)
  }
  for (const [when, run] of Object.entries(bugs)) {
    it.effect(`is given where hob fails ${when}`, () =>
      Effect.gen(function* () {
        const { rest, said } = called(remoteCall("fails", Params, run))
        yield* rest!
        assert.deepStrictEqual(said, [{ error: "hob has failed; its log says how." }])
      })
    )
  }
})

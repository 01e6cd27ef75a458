import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { turnsOfLoop } from "../../src/actors/turns.ts"
import { longList, writeInPieces } from "../../src/connection/longAnswer.ts"
import { makeMethods } from "../../src/connection/methods.ts"

const Item = Schema.Struct({
  at: Schema.DateFromString,
  more: Schema.optional(Schema.String),
  note: Schema.NullOr(Schema.String)
})
const Group = RpcGroup.make(
  Rpc.make("some.list", {
    success: Schema.Struct({
      before: Schema.optional(Schema.String),
      items: Schema.Array(Item),
      truncated: Schema.optionalKey(Schema.Boolean),
      total: Schema.Int
    })
  })
)
type Answer = Rpc.Success<RpcGroup.Rpcs<typeof Group>>

const make = Effect.gen(function* () {
  const turns = yield* turnsOfLoop
  const handlers = yield* Group.toHandlers({ "some.list": () => Effect.never })
  const codec = makeMethods(Group, handlers).get("some.list")!.success
  return { codec, write: (answer: unknown) => writeInPieces(turns, codec, answer, longList(answer)!) }
})

const items = (count: number): Answer["items"] =>
  Array.from({ length: count }, (_, at) => ({
    at: new Date(at * 1000),
    more: at % 3 === 0 ? undefined : `"${at}"`,
    note: at % 2 === 0 ? null : "é\n"
  }))

describe("an answer with a long list", () => {
  it.effect("has the text that it would have if it were written at once", () =>
    Effect.gen(function* () {
      const { codec, write } = yield* make
      for (const answer of [
        { items: items(251), total: 251 },
        { before: undefined, items: items(500), truncated: true, total: 1 },
        { before: "x", items: items(1234), total: 2 }
      ] satisfies ReadonlyArray<Answer>) {
        assert.strictEqual(yield* write(answer), JSON.stringify(codec.now(answer)))
      }
    })
  )

  it("is one only where there is a list, and it is long", () => {
    assert.strictEqual(longList({ total: 1, items: items(251) }), "items")
    for (const answer of [{ items: items(250) }, items(1000), "x".repeat(1000), null, undefined, { total: 1 }]) {
      assert.isUndefined(longList(answer))
    }
  })

  it.effect("fails where an item does not fit, and is no list", () =>
    Effect.gen(function* () {
      const { write } = yield* make
      yield* Effect.flip(write({ items: [...items(600), { at: "never" }], total: 1 }))
      yield* Effect.flip(write({ items: items(600), total: "many" }))
    })
  )
})

import { Effect, Schema, Stream } from "effect"
import { Rpc, RpcGroup, type RpcServer } from "effect/rpc"
import { assert, describe, it } from "vitest"
import { turnsOfLoop } from "../../src/actors/turns.ts"
import { Calls } from "../../src/connection/Calls.ts"
import { makeMethods } from "../../src/connection/methods.ts"
import type { Outbox } from "../../src/wire/Outbox.ts"
import type { WireRequest } from "../../src/connection/requests.ts"

const Group = RpcGroup.make(Rpc.make("some.stream", { success: Schema.String, stream: true }))

/** Calls whose answers go to `sent`, and whose outbox has room when `room` says so. */
const make = Effect.gen(function* () {
  const handlers = yield* Group.toHandlers({ "some.stream": () => Stream.empty })
  const state = { sent: [] as Array<string>, room: undefined as Effect.Effect<void> | undefined }
  const outbox = {
    add: (text: string) => void state.sent.push(text),
    get room() {
      return state.room
    }
  }
  const server = { write: () => Effect.void, disconnect: () => Effect.void }
  const calls = new Calls(
    1,
    {
      methods: makeMethods(Group, handlers),
      server: server as unknown as RpcServer.RpcServer<any>,
      fork: Effect.runFork,
      turns: yield* turnsOfLoop,
      limits: { inFlight: 10, writeBufferBytes: 1024 },
      closing: false
    },
    outbox as unknown as Outbox
  )
  const request = (id: number): WireRequest => ({
    type: "request",
    id,
    method: "some.stream",
    params: {},
    paramsText: () => "{}",
    headers: [],
    discard: false
  })
  yield* calls.request(request(1), undefined)!
  yield* calls.request(request(2), undefined)!
  return { calls, state }
})

describe("a stream's chunks", () => {
  it("wait, of all streams of a client, while it is owed too much", async () => {
    const { calls, state } = await Effect.runPromise(make)
    let open = (): void => {}
    state.room = Effect.callback<void>((resume) => {
      open = () => {
        state.room = undefined
        resume(Effect.void)
      }
    })
    const chunks = Effect.runFork(Effect.all([calls.chunk(1, ["a"]), calls.chunk(2, ["b"])]))
    assert.isUndefined(chunks.pollUnsafe())
    assert.deepStrictEqual(state.sent, [])
    open()
    assert.isDefined(chunks.pollUnsafe())
    assert.lengthOf(state.sent, 2)
  })

  it("of a call that is over go nowhere", async () => {
    const { calls, state } = await Effect.runPromise(make)
    await Effect.runPromise(calls.chunk(3, ["a"]))
    assert.deepStrictEqual(state.sent, [])
  })

  it("that don't fit their schema end the call with an internal error, once", async () => {
    const { calls, state } = await Effect.runPromise(make)
    const exit = await Effect.runPromiseExit(calls.chunk(1, [1]))
    assert.strictEqual(exit._tag, "Failure")
    assert.lengthOf(state.sent, 1)
    assert.strictEqual(JSON.parse(state.sent[0]!).error.code, -32603)
    assert.strictEqual(calls.inFlight, 1)
  })
})

import { Cause, Effect, Exit, Fiber, Layer, Scope, Stream } from "effect"
import { RpcClient, RpcClientError, RpcSerialization } from "effect/rpc"
import { NodeSocket } from "@effect/platform-node"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import * as Bare from "../../src/client/wire/bare.ts"
import * as SocketProtocol from "../../src/client/wire/SocketProtocol.ts"
import { RpcErrorCode } from "../../src/protocol/errors.ts"
import { SocketConnectError } from "../../src/wire/unixSocket.ts"
import { closeDoors, NoSuchThing, openDoor, type ToyDoor, Toys } from "./toy.ts"

let door: ToyDoor
beforeAll(async () => {
  door = await openDoor({ inFlight: 32 })
})
afterAll(closeDoors)

const protocols: ReadonlyArray<readonly [string, () => Layer.Layer<RpcClient.Protocol, unknown>]> = [
  [
    "effect's own client (RpcClient.layerProtocolSocket, RpcSerialization.layerNdJsonRpc)",
    () =>
      RpcClient.layerProtocolSocket().pipe(
        Layer.provide([NodeSocket.layerNet({ path: door.path }), RpcSerialization.layerNdJsonRpc()])
      )
  ],
  ["our client protocol", () => SocketProtocol.layer(door.path)]
]

const withClientOf = <A>(
  protocol: () => Layer.Layer<RpcClient.Protocol, unknown>,
  f: (client: RpcClient.FromGroup<typeof Toys, RpcClientError.RpcClientError>) => Effect.Effect<A, unknown, Scope.Scope>
): Promise<A> =>
  Effect.runPromise(
    Effect.flatMap(RpcClient.make(Toys), f).pipe(Effect.scoped, Effect.provide(protocol())) as Effect.Effect<A>
  )

for (const [name, protocol] of protocols) {
  const withClient = <A>(f: Parameters<typeof withClientOf<A>>[1]) => withClientOf(protocol, f)

  describe(name, () => {
    it("calls immediate and other methods", async () => {
      const results = await withClient((client) =>
        Effect.all(
          [
            client["toy.echo"]({ text: "é😀\n" }),
            client["toy.slowEcho"]({ text: "b" }),
            client["toy.find"]({ thing: "a" }),
            client["toy.void"](undefined)
          ],
          { concurrency: "unbounded" }
        )
      )
      assert.deepStrictEqual(results, ["é😀\n", "b", { thing: "a" }, undefined])
    })

    it("gets a method's error as that error", async () => {
      const error = await withClient((client) => Effect.flip(client["toy.find"]({ thing: "nothing" })))
      assert.instanceOf(error, NoSuchThing)
      assert.strictEqual(error.message, "There is no nothing.")
    })

    it("gets a bug of a handler as a defect, and its other calls go on", async () => {
      const [exit, echo] = await withClient((client) =>
        Effect.all([Effect.exit(client["toy.bug"](undefined)), client["toy.slowEcho"]({ text: "on" })], {
          concurrency: "unbounded"
        })
      )
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.match(String(Exit.isFailure(exit) && Cause.squash(exit.cause)), /the toy is broken/)
      assert.strictEqual(echo, "on")
    })

    it("gets the door's own refusals as defects that say why, and its other calls go on", async () => {
      const [exits, echo] = await withClient((client) =>
        Effect.gen(function* () {
          const calls = Array.from({ length: 33 }, () => client["toy.wait"]({ gate: `${name} refusal` }))
          const fibers = yield* Effect.forEach(calls, (call) => Effect.forkChild(call))
          const refused = yield* Fiber.await(fibers[32]!)
          const echo = yield* client["toy.echo"]({ text: "on" })
          door.toy.open(`${name} refusal`)
          return [[...(yield* Effect.forEach(fibers.slice(0, 32), Fiber.await)), refused], echo] as const
        })
      )
      assert.isTrue(exits.slice(0, 32).every(Exit.isSuccess))
      const refused = exits[32]!
      assert.isTrue(Exit.isFailure(refused) && Cause.hasDies(refused.cause))
      assert.match(String(Exit.isFailure(refused) && Cause.squash(refused.cause)), /32 requests .* in flight/)
      assert.strictEqual(echo, "on")
    })

    it("runs streams with back-pressure, to their end and only as far as wanted", async () => {
      const before = door.toy.count("flood ended")
      const [all, some] = await withClient((client) =>
        Effect.all([
          Stream.runCollect(client["toy.count"]({ to: 1000 })),
          client["toy.flood"]({ bytes: 100 }).pipe(Stream.take(3), Stream.runCollect)
        ])
      )
      assert.deepStrictEqual(
        [...all],
        Array.from({ length: 1000 }, (_, i) => i + 1)
      )
      assert.lengthOf([...some], 3)
      await door.toy.seen("flood ended", before + 1)
    })

    it("interrupting a call interrupts its handler", async () => {
      const gate = `${name} interrupt`
      await withClient((client) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(client["toy.wait"]({ gate }))
          yield* Effect.promise(() => door.toy.seen(`waiting ${gate}`))
          yield* Fiber.interrupt(fiber)
          yield* Effect.promise(() => door.toy.seen(`interrupted ${gate}`))
        })
      )
    })

    it("is told that a call has begun when it does not want to know how it ends", async () => {
      await withClient((client) =>
        Effect.gen(function* () {
          const gate = `${name} discard`
          assert.isUndefined(yield* client["toy.wait"]({ gate }, { discard: true }))
          yield* Effect.promise(() => door.toy.seen(`waiting ${gate}`))
          assert.isUndefined(yield* client["toy.echo"]({ text: "immediate" }, { discard: true }))
          assert.strictEqual(yield* client["toy.slowEcho"]({ text: "still on" }), "still on")
          door.toy.open(gate)
        })
      )
    })

    it("carries megabytes both ways", async () => {
      const text = "0123456789".repeat(500_000)
      assert.isTrue((await withClient((client) => client["toy.echo"]({ text }))) === text)
    })
  })
}

describe("our client protocol, when the connection is lost,", () => {
  it("fails what is in flight and what comes later with an error that says so", async () => {
    const lostDoor = await openDoor({ drainMillis: 1 })
    const program = Effect.gen(function* () {
      const protocol = yield* SocketProtocol.make(lostDoor.path)
      const client = yield* RpcClient.make(Toys).pipe(Effect.provideService(RpcClient.Protocol, protocol))
      yield* client["toy.echo"]({ text: "up" })
      const fiber = yield* Effect.forkChild(Effect.exit(client["toy.stubborn"](undefined)))
      yield* Effect.promise(() => lostDoor.toy.seen("stubborn"))
      yield* Effect.promise(() => lostDoor.close())
      const inFlight = yield* Fiber.join(fiber)
      const lost = yield* protocol.lost
      const later = yield* Effect.flip(client["toy.echo"]({ text: "down" }))
      return { inFlight, lost, later }
    })
    const { inFlight, later, lost } = await Effect.runPromise(Effect.scoped(program))
    const failure = Exit.isFailure(inFlight) ? Cause.squash(inFlight.cause) : undefined
    assert.isTrue(SocketProtocol.isConnectionLost(failure), String(failure))
    assert.isTrue(SocketProtocol.isConnectionLost(lost))
    assert.isTrue(SocketProtocol.isConnectionLost(later))
  })

  it("or there never was one, says what is missing", async () => {
    const exit = await Effect.runPromiseExit(Effect.scoped(SocketProtocol.make("/nowhere/hob.sock")))
    const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
    assert.instanceOf(error, SocketConnectError)
    assert.strictEqual(error.reason, "missing")
  })
})

const failure = async (promise: Promise<unknown>): Promise<any> => {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error("it succeeded")
}

const readWrongly = async () => {
  for await (const _ of Bare.subscribe(door.path, "toy.flood", { bytes: "many" })) throw new Error("a value came")
}

describe("the bare client", () => {
  it("makes one call on a connection of its own", async () => {
    assert.strictEqual(await Bare.call(door.path, "toy.echo", { text: "hi" }), "hi")
    assert.isNull(await Bare.call(door.path, "toy.void"))
  })

  it("rejects with the code, the sentence and the method's own error", async () => {
    const error = await failure(Bare.call(door.path, "toy.find", { thing: "nothing" }))
    assert.instanceOf(error, Bare.CallError)
    assert.strictEqual(error.code, RpcErrorCode.failed)
    assert.strictEqual(error.message, "There is no nothing.")
    assert.deepStrictEqual(error.data, { _tag: "NoSuchThing", thing: "nothing" })
    const unknown = await failure(Bare.call(door.path, "toy.none"))
    assert.strictEqual(unknown.code, RpcErrorCode.methodNotFound)
    assert.isUndefined(unknown.data)
  })

  it("makes many calls on one connection, answered in any order", async () => {
    const client = await Bare.open(door.path)
    const waiting = client.call("toy.wait", { gate: "bare" })
    const texts = Array.from({ length: 100 }, (_, i) => `t${i}`)
    assert.deepStrictEqual(await Promise.all(texts.map((text) => client.call("toy.echo", { text }))), texts)
    door.toy.open("bare", "through")
    assert.strictEqual(await waiting, "through")
    client.close()
  })

  it("gives up after a time-out, and by a signal, and the handler is interrupted", async () => {
    const timedOut = await failure(Bare.call(door.path, "toy.wait", { gate: "slow" }, { timeoutMillis: 1 }))
    assert.instanceOf(timedOut, Bare.CallTimedOut)
    const client = await Bare.open(door.path)
    const controller = new AbortController()
    const call = failure(client.call("toy.wait", { gate: "aborted" }, { signal: controller.signal }))
    await door.toy.seen("waiting aborted")
    controller.abort(new Error("enough"))
    assert.strictEqual((await call).message, "enough")
    await door.toy.seen("interrupted aborted")
    assert.strictEqual(await client.call("toy.echo", { text: "on" }), "on")
    const aborted = await failure(client.call("toy.echo", { text: "" }, { signal: controller.signal }))
    assert.strictEqual(aborted.message, "enough")
    client.close()
  })

  it("reads streams to their end, no faster than they are read, and cancels what is left unread", async () => {
    const values: Array<unknown> = []
    for await (const value of Bare.subscribe(door.path, "toy.count", { to: 95 })) values.push(value)
    assert.deepStrictEqual(
      values,
      Array.from({ length: 95 }, (_, i) => i + 1)
    )
    const client = await Bare.open(door.path)
    const [floods, ended] = [door.toy.count("flood"), door.toy.count("flood ended")]
    let read = 0
    for await (const value of client.subscribe("toy.flood", { bytes: 5 })) {
      assert.strictEqual(value, "xxxxx")
      assert.strictEqual(await client.call("toy.echo", { text: "between" }), "between")
      assert.isAtMost(door.toy.count("flood") - floods, read + 3)
      if (++read === 5) break
    }
    await door.toy.seen("flood ended", ended + 1)
    client.close()
  })

  it("rejects a stream's error where it is read", async () => {
    assert.strictEqual((await failure(readWrongly())).code, RpcErrorCode.invalidParams)
  })

  it("says when the connection is lost, and when there is none", async () => {
    const lostDoor = await openDoor({ drainMillis: 1 })
    const client = await Bare.open(lostDoor.path)
    const call = failure(client.call("toy.stubborn"))
    await lostDoor.toy.seen("stubborn")
    await lostDoor.close()
    assert.instanceOf(await call, Bare.ConnectionLost)
    assert.instanceOf(await failure(client.call("toy.void")), Bare.ConnectionLost)
    const missing = await failure(Bare.call(lostDoor.path, "toy.void"))
    assert.instanceOf(missing, SocketConnectError)
    assert.strictEqual(missing.reason, "missing")
  })

  it("says why it is turned away", async () => {
    const full = await openDoor({ maxConnections: 1 })
    const first = await Bare.open(full.path)
    await first.call("toy.void")
    const error = await failure(Bare.call(full.path, "toy.void"))
    assert.instanceOf(error, Bare.ConnectionLost)
    assert.match(error.message, /1 connections/)
    first.close()
    await full.close()
  })
})

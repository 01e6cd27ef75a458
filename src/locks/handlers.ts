import { Effect, Layer, Stream } from "effect"
import { DirectMethods } from "../actors/DirectMethods.ts"
import { Acquire, type LockEvent, LocksRpcs, Release, Renew } from "../protocol/locks.ts"
import { defaultNamespace, type Namespace } from "../protocol/namespaces.ts"
import { effectOf, LockTable } from "./LockTable.ts"
import { acquiredText, readPlainAcquire, readPlainRelease, releasedText } from "./plain.ts"

interface Which {
  readonly namespace?: Namespace | undefined
  readonly name?: LockEvent["name"] | undefined
  readonly all?: boolean | undefined
}

const isOf =
  ({ all = false, name, namespace = defaultNamespace }: Which) =>
  (event: LockEvent): boolean =>
    (all || event.namespace === namespace) && (name === undefined || event.name === name)

/** Answers `locks.*`. */
export const layer = LocksRpcs.toLayer(
  Effect.gen(function* () {
    const locks = yield* LockTable
    return LocksRpcs.of({
      "locks.acquire": (request, { client }) => effectOf((answering) => locks.acquire(request, client.id, answering)),
      "locks.renew": (request) => effectOf((answering) => locks.renew(request, answering)),
      "locks.release": (request) => effectOf((answering) => locks.release(request, answering)),
      "locks.resume": ({ secret }, { client }) => Effect.sync(() => ({ locks: locks.resume(secret, client.id) })),
      "locks.list": (which) => Effect.sync(() => locks.list(which)),
      "locks.watch": (which) => Stream.filter(locks.events, isOf(which))
    })
  })
)

/** The same without a fiber, for doors: what is asked many thousands of times a second. */
export const layerDirect = Layer.effectDiscard(
  Effect.gen(function* () {
    const direct = yield* DirectMethods
    const locks = yield* LockTable
    yield* direct.answer(
      Acquire,
      (request, call) =>
        locks.acquire(request, call.clientId, {
          succeed: (acquired) => call.reply(acquiredText(acquired)),
          fail: (error) => call.fail(error)
        }),
      readPlainAcquire
    )
    yield* direct.answer(Renew, (request, call) => locks.renew(request, call))
    yield* direct.answer(
      Release,
      (request, call) =>
        locks.release(request, {
          succeed: (released) => call.reply(releasedText(released)),
          fail: (error) => call.fail(error)
        }),
      readPlainRelease
    )
  })
)

import { Effect, Stream } from "effect"
import { CallError, SocketConnectError } from "./wire/bare.ts"
import { NotRunning, StartFailed } from "./start.ts"
import { subscribe, type SubscribeOptions, type SubscriptionItem } from "./subscribe.ts"

/** Why a subscription could not begin, or can't go on. */
export type SubscribeFailure = NotRunning | StartFailed | SocketConnectError | CallError

/** {@link subscribe} as a Stream: it ends with its scope, and fails when there is no daemon or it refuses. */
export const subscribeStream = (
  patterns: ReadonlyArray<string>,
  options: Omit<SubscribeOptions, "signal"> = {}
): Stream.Stream<SubscriptionItem, SubscribeFailure> =>
  Stream.unwrap(
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => subscribe(patterns, options)),
        (items) => Effect.promise(() => items.return!())
      ),
      (items) => Stream.fromAsyncIterable(items, asFailure)
    )
  )

/** What a connection of the library can fail with, as one of these. */
export const asFailure = (error: unknown): SubscribeFailure => {
  if (error instanceof NotRunning || error instanceof StartFailed) return error
  if (error instanceof CallError || error instanceof SocketConnectError) return error
  return new StartFailed(String(error))
}

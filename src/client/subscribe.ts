/** Listening to channels, for programs: with Promises. {@link file://./subscribeStream.ts} has the same as a Stream. */
import { makePaths } from "../config/paths.ts"
import type { ChannelItem } from "../protocol/channels.ts"
import type { ConnectOptions } from "./HobClient.ts"
import { ensureDaemon } from "./start.ts"
import { open } from "./wire/bare.ts"
import { hear, type Lost, type Regained } from "./wire/hear.ts"

export type { Lost, Regained }

/** Where the daemon is, and what to listen to beside the patterns. */
export interface SubscribeOptions extends ConnectOptions {
  /** Default: `default`. */
  readonly namespace?: string
  /** The id of the last event that the caller has: what is kept and came behind it is heard first. Default: from now on. */
  readonly since?: string
  /** Ends the subscription: the iteration rejects with its reason. */
  readonly signal?: AbortSignal
}

/**
 * What a subscription tells, in order. First `subscribed`, then events; `gap` where some may be missing. `lost` and
 * `regained` tell of its connection: nothing is missing between them unless a gap follows.
 */
export type SubscriptionItem = ChannelItem | Lost | Regained

/**
 * Subscribes to every channel that one of the patterns matches, on a connection of its own: what this program publishes
 * through another one is heard too. When the connection is lost it subscribes again by itself, behind the last event that
 * it has handed on, after 100 ms at first and at most 5 s; it starts no daemon then, but waits for one.
 *
 * Leave the loop to end it. Rejects with {@link NotRunning} or {@link StartFailed}, and with `CallError` when the daemon
 * refuses the subscription.
 *
 * ```ts
 * for await (const item of subscribe(["build:**"], { since: lastId })) {
 *   if (item.type === "event") console.log(item.channel, item.message)
 * }
 * ```
 */
export const subscribe = (
  patterns: ReadonlyArray<string>,
  { namespace, paths = makePaths(process.env), signal, since, start = true }: SubscribeOptions = {}
): AsyncIterableIterator<SubscriptionItem, undefined> => {
  const ended = new AbortController()
  const either = signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal])
  const heard = hear({ namespace, patterns, since, signal: either }, async (isFirst) =>
    open((await ensureDaemon({ paths, start: start && isFirst })).socket)
  )
  const items = (async function* () {
    let hasBegun = false
    for await (const each of heard) {
      if (each.type !== "items") yield each
      else {
        for (const item of each.items) {
          // That of a later connection is told as `regained`.
          if (item.type === "event" || item.type === "gap" || (item.type === "subscribed" && !hasBegun)) yield item
        }
        hasBegun = true
      }
    }
  })()
  const next = async (): Promise<IteratorResult<SubscriptionItem, undefined>> => {
    try {
      const result = await items.next()
      return result.done === true ? { done: true, value: undefined } : result
    } catch (error) {
      if (ended.signal.aborted) return { done: true, value: undefined }
      throw error
    }
  }
  return {
    next,
    // Also while somebody waits for the next one, which a generator by itself would wait for in turn.
    return: async () => {
      ended.abort()
      await items.return(undefined).catch(() => undefined)
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    }
  }
}

/**
 * A subscription that outlives its connection: plain Node, for the library and the commands alike. It has a connection
 * of its own, so an event is heard however many other subscriptions there are, and who reads slowly holds up nobody.
 */
import { setTimeout as pause } from "node:timers/promises"
import type { ChannelItem } from "../../protocol/channels.ts"
import { type BareClient, CallError, ConnectionLost } from "./bare.ts"
import { isPassing } from "./passing.ts"

/** Behind the last attempt to come back, for the first time and at most. */
const FIRST_PAUSE_MILLIS = 100
const LAST_PAUSE_MILLIS = 5000

/** What to listen to. */
export interface Wanted {
  readonly patterns: ReadonlyArray<string>
  /** Default: `default`. */
  readonly namespace?: string | undefined
  /** The id behind which to begin. Default: now. */
  readonly since?: string | undefined
  /** Ends it: what waits for the next item rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** The connection is gone: to a daemon that has ended, or that has cut off a subscriber which reads too slowly. */
export interface Lost {
  readonly type: "lost"
  /** The id behind which it will go on: that of the last event, if there was one. */
  readonly after: string
  /** A sentence. */
  readonly reason: string
}

/** There is a connection again. Unless a gap follows, nothing is missing. */
export interface Regained {
  readonly type: "regained"
  readonly after: string
}

/** What a connection has brought: `line` is as it came, the items' texts are the elements of its `result`. */
export interface Items {
  readonly type: "items"
  readonly items: ReadonlyArray<ChannelItem>
  readonly line: string
}

/**
 * Listens, on and on: after a lost connection it subscribes again behind what it has heard. `open` makes a connection;
 * it is told whether there was one before, and then it must start no daemon: one that was stopped stays so until somebody
 * needs it. Throws what the first connection or subscription fails with, and later what no waiting mends.
 */
export async function* hear(
  { namespace, patterns, signal, since }: Wanted,
  open: (isFirst: boolean) => Promise<BareClient>
): AsyncGenerator<Items | Lost | Regained> {
  let after = since
  let wasSubscribed = false
  let isLost = false
  for (let wait = 0; ; wait = Math.min(Math.max(wait * 2, FIRST_PAUSE_MILLIS), LAST_PAUSE_MILLIS)) {
    // Many that lost the same daemon don't come back in the same instant.
    if (wait > 0) await pause(wait * (0.5 + Math.random() / 2), undefined, signal === undefined ? {} : { signal })
    let client: BareClient | undefined
    try {
      client = await open(!wasSubscribed)
      const params = { namespace, patterns, ...(after === undefined ? {} : { since: after }) }
      const chunks = client.subscribeDirect("channels.subscribe", params, signal === undefined ? {} : { signal })
      for await (const { line, values } of chunks) {
        const items = values as ReadonlyArray<ChannelItem>
        wait = 0
        wasSubscribed = true
        after = lastOf(items) ?? after
        if (isLost) yield { type: "regained", after: items[0]?.type === "subscribed" ? items[0].id : after! }
        isLost = false
        yield { type: "items", items, line }
      }
      throw new ConnectionLost("the daemon ended the subscription")
    } catch (error) {
      if (!wasSubscribed || signal?.aborted === true || !isMended(error)) throw error
      if (!isLost) yield { type: "lost", after: after!, reason: (error as Error).message }
      isLost = true
    } finally {
      client?.close()
    }
  }
}

/** What waiting mends, once a subscription has been accepted. */
const isMended = (error: unknown): boolean =>
  isPassing(error) || (error instanceof CallError && error.data !== undefined && mended.has(error.data._tag))

const mended: ReadonlySet<string> = new Set(["SubscriberTooSlow", "StorageBusy", "StorageFull", "StorageFailed"])

/** Where a subscriber is that has heard these. */
const lastOf = (items: ReadonlyArray<ChannelItem>): string | undefined => {
  const last = items.findLast(({ type }) => type === "event" || type === "gap" || type === "subscribed")
  return last?.type === "gap" ? last.through : last?.id
}

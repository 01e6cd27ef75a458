import { Cause, Effect, Queue, Semaphore, Stream } from "effect"
import type { Settings } from "../config/settings.ts"
import {
  type UpstreamCallError,
  type UpstreamEventItem,
  UpstreamListenerTooSlow,
  UpstreamUnsubscribed
} from "../protocol/upstream.ts"
import type { Connection } from "./Connection.ts"
import type { Link } from "./Link.ts"
import { failed } from "./outcomes.ts"
import { objectMembers, textOf } from "./scan.ts"
import { Lost } from "./Wire.ts"

/** Every collection there is. */
const ANY = "*"

export type ListenerError = UpstreamCallError | UpstreamUnsubscribed | UpstreamListenerTooSlow

/** Somebody here who hears a collection's events. */
interface Listener {
  readonly items: Queue.Queue<UpstreamEventItem, ListenerError | Cause.Done>
  /** Of events that wait for it. */
  bytes: number
}

interface Subscription {
  readonly listeners: Set<Listener>
  /** The upstream's name for it, as it wrote it; null before it has one. */
  id: string | null
  wasUp: boolean
}

export interface SubscriptionsOptions {
  readonly name: string
  readonly settings: () => Settings["upstream"]
  readonly link: () => Link
}

/**
 * What is listened to at an upstream. It has one subscription to a collection, however many listen here; it is made for
 * the first, made again on each new connection, and given up after the last.
 */
export class Subscriptions {
  readonly #options: SubscriptionsOptions
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #one = Semaphore.makeUnsafe(1)

  constructor(options: SubscriptionsOptions) {
    this.#options = options
  }

  get counts(): ReadonlyArray<{ readonly collection: string; readonly listeners: number }> {
    return Array.from(this.#subscriptions, ([collection, { listeners }]) => ({ collection, listeners: listeners.size }))
  }

  get isEmpty(): boolean {
    return this.#subscriptions.size === 0
  }

  /** Events from now on. Who is too slow is cut off, and nobody else. */
  listen(collection: string): Stream.Stream<UpstreamEventItem, ListenerError> {
    return Stream.unwrap(
      Effect.gen({ self: this }, function* () {
        const listener: Listener = {
          items: yield* Queue.unbounded<UpstreamEventItem, ListenerError | Cause.Done>(),
          bytes: 0
        }
        yield* Effect.acquireRelease(
          Effect.sync(() => this.#add(collection, listener)),
          () => this.#remove(collection, listener)
        )
        yield* this.#begin(collection, listener)
        return Stream.tap(Stream.fromQueue(listener.items), (item) =>
          Effect.sync(() => {
            if (item.type === "event") listener.bytes -= item.event.length
          })
        )
      })
    )
  }

  /** What the upstream says unasked. */
  hear(method: string, params: string): void {
    const members = objectMembers(params)
    const collection = textOf(members?.get("collection"))
    if (collection === undefined) return
    if (method === "collection_update") {
      for (const name of [collection, ANY]) this.#deliver(name, params)
    } else if (method === "notify_unsubscribed") {
      const reason = textOf(objectMembers(members?.get("error") ?? "null")?.get("reason")) ?? "it gave no reason."
      this.#fail(collection, new UpstreamUnsubscribed({ upstream: this.#options.name, collection, reason }))
    }
  }

  /** On a new connection: everything that somebody listens to. */
  renew(connection: Connection): Effect.Effect<void, Lost> {
    return Effect.forEach(Array.from(this.#subscriptions), ([collection]) => this.#subscribe(connection, collection), {
      discard: true
    })
  }

  /** The connection is gone, and every subscription with it. */
  down(): void {
    for (const subscription of this.#subscriptions.values()) subscription.id = null
  }

  /** There will be no other connection. */
  refuse(error: ListenerError): void {
    for (const collection of this.#subscriptions.keys()) this.#fail(collection, error)
  }

  #add(collection: string, listener: Listener): void {
    const subscription = this.#subscriptions.get(collection) ?? { listeners: new Set(), id: null, wasUp: false }
    subscription.listeners.add(listener)
    this.#subscriptions.set(collection, subscription)
  }

  #remove(collection: string, listener: Listener): Effect.Effect<void> {
    return Effect.suspend(() => {
      const subscription = this.#subscriptions.get(collection)
      subscription?.listeners.delete(listener)
      if (subscription === undefined || subscription.listeners.size > 0) return Effect.void
      this.#subscriptions.delete(collection)
      this.#options.link().used()
      // Nobody waits for the answer.
      if (subscription.id !== null)
        this.#options
          .link()
          .current()
          ?.send("core.unsubscribe", `[${subscription.id}]`, () => {})
      return Effect.void
    })
  }

  /** The first one to listen brings the subscription about; later ones find it there. */
  #begin(collection: string, listener: Listener): Effect.Effect<void, ListenerError> {
    return Effect.gen({ self: this }, function* () {
      const subscription = this.#subscriptions.get(collection)
      if (typeof subscription?.id === "string") {
        Queue.offerUnsafe(listener.items, { type: "subscribed", again: false })
        return
      }
      const connection = yield* this.#options.link().connection()
      const begin = Effect.suspend(() => {
        // A connection that came up meanwhile has brought it about, or another listener.
        if (subscription === undefined || subscription.id === null) return this.#subscribe(connection, collection)
        return Effect.void
      })
      // One that is lost meanwhile is renewed on the next.
      yield* Effect.ignore(this.#one.withPermit(begin))
    })
  }

  /** Tells each of its listeners that it is there, or why it can't be. */
  #subscribe(connection: Connection, collection: string): Effect.Effect<void, Lost> {
    const { name, settings } = this.#options
    const subscription = this.#subscriptions.get(collection)
    if (subscription === undefined) return Effect.void
    const asked = connection.ask("core.subscribe", `[${JSON.stringify(collection)}]`, settings().connectMillis)
    return asked.pipe(
      Effect.map((id) => {
        subscription.id = id
        for (const { items } of subscription.listeners)
          Queue.offerUnsafe(items, { type: "subscribed", again: subscription.wasUp })
        subscription.wasUp = true
      }),
      Effect.catch((error) => {
        if (error instanceof Lost) return Effect.fail(error)
        this.#fail(collection, failed({ upstream: name, method: "core.subscribe" }, error, null))
        return Effect.void
      })
    )
  }

  #deliver(collection: string, event: string): void {
    const subscription = this.#subscriptions.get(collection)
    if (subscription === undefined) return
    const { listenerBytes } = this.#options.settings()
    for (const listener of subscription.listeners) {
      if (listener.bytes > 0 && listener.bytes + event.length > listenerBytes) {
        subscription.listeners.delete(listener)
        const tooSlow = { upstream: this.#options.name, collection, bufferBytes: listenerBytes }
        Queue.failCauseUnsafe(listener.items, Cause.fail(new UpstreamListenerTooSlow(tooSlow)))
        continue
      }
      listener.bytes += event.length
      Queue.offerUnsafe(listener.items, { type: "event", event })
    }
  }

  #fail(collection: string, error: ListenerError): void {
    const subscription = this.#subscriptions.get(collection)
    if (subscription === undefined) return
    subscription.id = null
    for (const { items } of Array.from(subscription.listeners)) Queue.failCauseUnsafe(items, Cause.fail(error))
  }
}

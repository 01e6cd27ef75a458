import type { Gap } from "../protocol/channels.ts"
import type { Namespace } from "../protocol/namespaces.ts"
import type { StorageError } from "../protocol/storage.ts"
import { Cursor } from "./Cursor.ts"
import { type Channel, Directory, type Listener } from "./Directory.ts"
import { type Event, type Party, Run } from "./Event.ts"
import type { EventStore } from "./EventStore.ts"
import type { Epochs } from "./Epochs.ts"
import { outlives, type Rules } from "./retention.ts"

/** Where an event went: known at once, and told once it is kept as its channel's retention says. */
export interface Published {
  readonly position: number
  readonly receivers: number
}

/** Why a replay is not whole: see `Gap`. */
export interface Missing {
  readonly reason: Gap["reason"]
  /** Events up to here may be missing. */
  readonly through: number
}

export interface BrokerOptions {
  readonly namespace: Namespace
  /** Those of all namespaces. */
  readonly positions: Epochs
  /** Events of the namespace up to this position may have been forgotten. */
  readonly forgotten: number
  readonly rules: () => Rules
  /** Channels that may be known at once. */
  readonly maxChannels: () => number
  readonly store: EventStore
  readonly clock: { readonly wall: () => number; readonly monotonic: () => number }
}

/** On both clocks, in milliseconds. */
interface Instant {
  readonly wall: number
  readonly monotonic: number
}

/** Published, and not handed on yet: behind an event that the disk has to take first, its own perhaps. */
interface Waiting {
  readonly event: Event
  readonly channel: Channel
  readonly publisher: Party | undefined
  /** `undefined` when only its turn is waited for. */
  readonly answer: ((result: StorageError | undefined) => void) | undefined
  isKept: boolean
  isRefused: boolean
}

/**
 * The order of one namespace: takes events in, gives the disk what it is to keep, and hands them on. Synchronous
 * throughout; whatever is published in one turn of the loop is handed on together at its end, in order.
 */
export class Broker {
  /** Which channels are known, and who listens. Not to be changed past the broker. */
  readonly channels: Directory
  readonly #options: BrokerOptions
  #runs: Array<{ readonly run: Run; readonly channel: Channel }> = []
  #waiting: Array<Waiting> = []
  #isStoring = false
  #handedOn: number
  #isFlushing = false
  /** Of this turn: what is published within it has the same instant. */
  #now: Instant | undefined

  constructor(options: BrokerOptions) {
    const { clock, forgotten, maxChannels, namespace, positions, rules, store } = options
    const { began } = positions
    const { monotonic } = clock
    this.#options = options
    this.#handedOn = positions.newest
    this.channels = new Directory({ namespace, began, forgotten, rules, maxChannels, store, monotonic })
  }

  /** Nobody listens, nothing is kept, and nothing is on its way to the disk. */
  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.channels.isIdle
  }

  /** Every event up to this position has been handed on; those that are to come have greater ones. */
  get handedOn(): number {
    this.flush()
    return this.#handedOn
  }

  subscribe(listener: Listener, pattern: string): void {
    this.flush()
    this.channels.add(listener, pattern)
  }

  unsubscribe(listener: Listener, pattern: string): void {
    this.flush()
    this.channels.delete(listener, pattern)
  }

  /** Behind its last `unsubscribe`. */
  leave(listener: Listener): void {
    this.channels.leave(listener)
  }

  /** The rules have changed. */
  reconsider(): void {
    this.flush()
    this.channels.reconsider()
  }

  /**
   * Takes an event in, whose JSON is a text of its own ({@link file://./ownText.ts}). `answer` is called once it is kept:
   * now, or after the disk has it; with why it is not.
   */
  publish(
    name: string,
    json: string,
    publisher: Party | undefined,
    answer: (result: Published | StorageError) => void
  ): void {
    const channel = this.channels.open(name)
    const { positions } = this.#options
    const now = (this.#now ??= this.#look())
    const event: Event = {
      position: positions.next(),
      channel: name,
      at: now.wall,
      since: now.monotonic,
      json,
      bytes: Buffer.byteLength(json)
    }
    const receivers = this.channels.receivers(channel)
    const own = publisher === undefined ? 0 : receivers.some(({ party }) => party === publisher) ? 1 : 0
    const published = { position: event.position, receivers: receivers.length - own }
    if (channel.retention.keep === "disk") {
      const waiting: Waiting = {
        event,
        channel,
        publisher,
        answer: (problem) => answer(problem ?? published),
        isKept: false,
        isRefused: false
      }
      this.#waiting.push(waiting)
      return this.#flushSoon()
    }
    // Nobody may hear a later event before an earlier one: where they come back to would be past it.
    if (this.#waiting.length > 0) {
      this.#waiting.push({ event, channel, publisher, answer: undefined, isKept: true, isRefused: false })
    } else this.#handOn(event, channel, publisher)
    answer(published)
  }

  /** Hands on what was published in this turn. */
  flush(): void {
    this.#isFlushing = false
    this.#now = undefined
    const runs = this.#runs
    if (runs.length > 0) {
      this.#runs = []
      for (const { channel, run } of runs) {
        for (const listener of this.channels.receivers(channel)) {
          if (listener.party !== run.publisher) listener.hear(run)
        }
      }
    }
    this.#store()
  }

  /** A way through what is kept behind a position, up to another one, of channels that one of the patterns matches. */
  cursor(patterns: ReadonlySet<string>, after: number, through: number): Cursor {
    const { namespace, store } = this.#options
    const stored = (channel: string, behind: number, limit: number) => store.read(namespace, channel, behind, limit)
    return new Cursor({ directory: this.channels, stored, patterns, after, through })
  }

  /** Why somebody who had everything up to a position may miss what followed; undefined when all of it is there. */
  missing(patterns: ReadonlySet<string>, after: number): Missing | undefined {
    const { clock, positions, rules } = this.#options
    const { began, newest } = positions
    if (after > newest) return { reason: "unknown", through: newest }
    const now = clock.monotonic()
    let through = after
    for (const channel of this.channels.matching(patterns)) {
      this.channels.trim(channel, now)
      through = Math.max(through, channel.window.dropped)
    }
    const forgets = [...patterns].filter((pattern) => !outlives(rules(), pattern))
    if (forgets.length > 0) through = Math.max(through, began)
    if (forgets.some((pattern) => this.channels.find(pattern) === undefined)) {
      through = Math.max(through, this.channels.forgotten)
    }
    if (through <= after) return undefined
    return { reason: forgets.length > 0 && after < began && through <= began ? "restart" : "window", through }
  }

  #look(): Instant {
    const { monotonic, wall } = this.#options.clock
    this.#flushSoon()
    return { wall: wall(), monotonic: monotonic() }
  }

  #handOn(event: Event, channel: Channel, publisher: Party | undefined): void {
    channel.last = event
    this.#handedOn = event.position
    const { bytes, position, since } = event
    channel.window.append(channel.retention.keep === "memory" ? event : { bytes, position, since })
    this.channels.trim(channel, event.since)
    // Who subscribes later hears what is published later.
    if (this.channels.receivers(channel).length === 0) return
    const open = this.#runs.at(-1)
    if (open !== undefined && open.channel === channel && open.run.publisher === publisher) open.run.add(event)
    else {
      const run = new Run(channel.name, publisher)
      run.add(event)
      this.#runs.push({ run, channel })
    }
    this.#flushSoon()
  }

  #flushSoon(): void {
    if (this.#isFlushing) return
    this.#isFlushing = true
    queueMicrotask(() => this.flush())
  }

  /** Gives the disk what waits for it, all of a turn at once. */
  #store(): void {
    if (this.#isStoring) return
    const batch = this.#waiting.filter(({ isKept, isRefused }) => !isKept && !isRefused)
    if (batch.length === 0) return
    this.#isStoring = true
    const { namespace, store } = this.#options
    const newest = new Map<Channel, number>()
    const events = batch.map(({ channel, event }) => {
      const previous = newest.get(channel) ?? Math.max(channel.last?.position ?? 0, channel.window.dropped)
      newest.set(channel, event.position)
      return { event, previous }
    })
    store.append(namespace, events, (problem) => {
      this.#isStoring = false
      for (const waiting of batch) {
        if (problem === undefined) waiting.isKept = true
        else waiting.isRefused = true
        waiting.answer?.(problem)
      }
      this.#settle()
      this.flush()
    })
  }

  #settle(): void {
    let settled = 0
    for (const { channel, event, isKept, isRefused, publisher } of this.#waiting) {
      if (!isKept && !isRefused) break
      settled++
      if (isKept) this.#handOn(event, this.channels.find(channel.name) ?? channel, publisher)
    }
    this.#waiting = this.#waiting.slice(settled)
  }
}

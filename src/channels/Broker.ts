import type { ChannelInfo, Gap, PatternInfo } from "../protocol/channels.ts"
import type { ChannelName, ChannelPattern } from "../protocol/channelNames.ts"
import type { Namespace } from "../protocol/namespaces.ts"
import type { StorageError } from "../protocol/storage.ts"
import { type Event, instantText, type Party, Run } from "./Event.ts"
import type { EventStore } from "./EventStore.ts"
import type { Epochs } from "./Epochs.ts"
import { isName, matches, overlap, PatternIndex } from "./patterns.ts"
import { toId } from "./positions.ts"
import { outlives, type Retention, retentionOf, type Rules } from "./retention.ts"
import { type Kept, Window } from "./Window.ts"

/** Hears the events of the channels that its patterns match. */
export interface Listener {
  readonly party: Party
  /** In the order of their positions. Not to be changed: others hear the same one. */
  hear(run: Run): void
}

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
  readonly rules: () => Rules
  /** Channels that may be known at once. */
  readonly maxChannels: () => number
  readonly store: EventStore
  readonly clock: { readonly wall: () => number; readonly monotonic: () => number }
}

interface Channel {
  readonly name: string
  readonly retention: Retention
  /** Events themselves where they are kept in memory; what their bounds need where they are on disk. */
  readonly window: Window<Kept>
  last: { readonly position: number; readonly at: number } | undefined
  /** Found anew when subscriptions have changed. */
  receivers: ReadonlyArray<Listener> | undefined
  receiversOf: number
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
 * The channels of one namespace: who hears what, and what is kept. Synchronous throughout; whatever is published in one
 * turn of the loop is handed on together at its end, in order.
 */
export class Broker {
  readonly #options: BrokerOptions
  readonly #channels = new Map<string, Channel>()
  readonly #index = new PatternIndex<Listener>()
  readonly #order = new Map<Listener, number>()
  #listeners = 0
  /** Changes with every subscription to a pattern that is no name. */
  #patternsChanged = 0
  #runs: Array<{ readonly run: Run; readonly channel: Channel }> = []
  #waiting: Array<Waiting> = []
  #isStoring = false
  #handedOn: number
  #isFlushing = false
  /** Channels with events up to this position may have been forgotten altogether. */
  #forgotten = 0

  constructor(options: BrokerOptions) {
    this.#options = options
    this.#handedOn = options.positions.newest
    for (const { channel, dropped, kept } of options.store.load(options.namespace)) {
      const retention = retentionOf(options.rules(), channel)
      if (retention.keep !== "disk") continue
      const known = this.#makeChannel(channel, retention, dropped)
      for (const entry of kept) known.window.append(entry)
      const last = kept.at(-1)
      if (last !== undefined) known.last = { position: last.position, at: last.at }
    }
  }

  /** Nobody listens, and nothing is kept. */
  get isIdle(): boolean {
    return this.#order.size === 0 && [...this.#channels.values()].every(({ window }) => window.size === 0)
  }

  /** Every event up to this position has been handed on; those that are to come have greater ones. */
  get handedOn(): number {
    this.flush()
    return this.#handedOn
  }

  /** Bytes of messages that are kept in memory. */
  get memoryBytes(): number {
    let total = 0
    for (const { retention, window } of this.#channels.values()) if (retention.keep === "memory") total += window.bytes
    return total
  }

  /** Drops the older half of what is kept in memory. */
  halve(): void {
    for (const { retention, window } of this.#channels.values()) if (retention.keep === "memory") window.halve()
  }

  subscribe(listener: Listener, pattern: string): void {
    this.flush()
    if (!this.#order.has(listener)) this.#order.set(listener, this.#listeners++)
    this.#index.add(pattern, listener)
    this.#changed(pattern)
  }

  unsubscribe(listener: Listener, pattern: string): void {
    this.flush()
    this.#index.delete(pattern, listener)
    this.#changed(pattern)
  }

  /** Behind its last `unsubscribe`. */
  leave(listener: Listener): void {
    this.#order.delete(listener)
  }

  /** Takes an event in, whose JSON is a text of its own ({@link file://./ownText.ts}). `answer` is called once it is kept: now, or after the disk has it; with why it is not. */
  publish(
    name: string,
    json: string,
    publisher: Party | undefined,
    answer: (result: Published | StorageError) => void
  ): void {
    const channel = this.#channel(name)
    const { clock, positions } = this.#options
    const event: Event = {
      position: positions.next(),
      channel: name,
      at: clock.wall(),
      since: clock.monotonic(),
      json,
      bytes: Buffer.byteLength(json)
    }
    const receivers = this.#receivers(channel)
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
    const runs = this.#runs
    if (runs.length > 0) {
      this.#runs = []
      for (const { channel, run } of runs) {
        for (const listener of this.#receivers(channel)) if (listener.party !== run.publisher) listener.hear(run)
      }
    }
    this.#store()
  }

  /** Kept events behind a position that one of the patterns matches, in order, up to `limit`. */
  read(patterns: ReadonlySet<string>, after: number, limit: number): ReadonlyArray<Event> {
    const found: Array<Event> = []
    for (const channel of this.#matching(patterns)) {
      if (channel.last === undefined || channel.last.position <= after) continue
      if (channel.retention.keep === "disk") {
        found.push(...this.#options.store.read(this.#options.namespace, channel.name, after, limit))
      } else found.push(...(channel.window.after(after, limit) as ReadonlyArray<Event>))
    }
    return found.sort((one, other) => one.position - other.position).slice(0, limit)
  }

  /** Why somebody who had everything up to a position may miss what followed; undefined when all of it is there. */
  missing(patterns: ReadonlySet<string>, after: number): Missing | undefined {
    const { clock, positions, rules } = this.#options
    const { began, newest } = positions
    if (after > newest) return { reason: "unknown", through: newest }
    const now = clock.monotonic()
    let through = after
    for (const channel of this.#matching(patterns)) {
      this.#trim(channel, now)
      through = Math.max(through, channel.window.dropped)
    }
    const forgets = [...patterns].filter((pattern) => !outlives(rules(), pattern))
    if (forgets.length > 0) through = Math.max(through, began)
    if (forgets.some((pattern) => !this.#channels.has(pattern))) through = Math.max(through, this.#forgotten)
    if (through <= after) return undefined
    return { reason: forgets.length > 0 && after < began && through <= began ? "restart" : "window", through }
  }

  /** Drops what has grown too old, and channels of which nothing is left. */
  sweep(): void {
    const now = this.#options.clock.monotonic()
    for (const channel of this.#channels.values()) this.#trim(channel, now)
  }

  /** The rules have changed: what is kept elsewhere from now on is begun anew. */
  reconsider(): void {
    this.flush()
    const now = this.#options.clock.monotonic()
    for (const channel of this.#channels.values()) {
      const retention = retentionOf(this.#options.rules(), channel.name)
      const isMoved = retention.keep !== channel.retention.keep
      const dropped = channel.last?.position ?? channel.window.dropped
      if (isMoved && channel.retention.keep === "disk")
        this.#options.store.drop(this.#options.namespace, channel.name, dropped)
      const window = isMoved ? new Window<Kept>(dropped) : channel.window
      const changed = { ...channel, retention, window }
      this.#channels.set(channel.name, changed)
      this.#trim(changed, now)
    }
  }

  list(pattern: string | undefined): ReadonlyArray<ChannelInfo> {
    const patterns = new Set([pattern ?? "**"])
    this.sweep()
    return [...this.#matching(patterns)]
      .filter((channel) => channel.window.size > 0 || this.#receivers(channel).length > 0)
      .map((channel) => ({
        namespace: this.#options.namespace,
        channel: channel.name as ChannelName,
        subscribers: this.#receivers(channel).length,
        events: channel.window.size,
        bytes: channel.window.bytes,
        keep: channel.retention.keep,
        lastId: channel.last === undefined ? null : toId(channel.last.position),
        lastAt: channel.last === undefined ? null : instantText(channel.last.at)
      }))
      .sort((one, other) => (one.channel < other.channel ? -1 : 1))
  }

  /** The patterns that are no names and are listened to; of those that another one overlaps. */
  patterns(pattern = "**"): ReadonlyArray<PatternInfo> {
    return [...this.#index.entries()]
      .filter(([each]) => !isName(each) && overlap(pattern, each))
      .map(([each, listeners]) => ({
        namespace: this.#options.namespace,
        pattern: each as ChannelPattern,
        subscribers: new Set([...listeners].map(({ party }) => party)).size
      }))
      .sort((one, other) => (one.pattern < other.pattern ? -1 : 1))
  }

  #channel(name: string): Channel {
    const known = this.#channels.get(name)
    if (known !== undefined) return known
    if (this.#channels.size >= this.#options.maxChannels()) this.#forget()
    const retention = retentionOf(this.#options.rules(), name)
    const dropped = retention.keep === "disk" ? 0 : Math.max(this.#options.positions.began, this.#forgotten)
    return this.#makeChannel(name, retention, dropped)
  }

  #makeChannel(name: string, retention: Retention, dropped: number): Channel {
    const channel: Channel = {
      name,
      retention,
      window: new Window(dropped),
      last: undefined,
      receivers: undefined,
      receiversOf: -1
    }
    this.#channels.set(name, channel)
    return channel
  }

  /** Makes room: a tenth of the channels that are kept in memory and that nobody listens to, the quietest first. */
  #forget(): void {
    const quiet = [...this.#channels.values()]
      .filter((channel) => channel.retention.keep === "memory" && this.#receivers(channel).length === 0)
      .sort((one, other) => (one.last?.position ?? 0) - (other.last?.position ?? 0))
    for (const channel of quiet.slice(0, Math.max(1, Math.floor(quiet.length / 10)))) {
      this.#forgotten = Math.max(this.#forgotten, channel.last?.position ?? channel.window.dropped)
      this.#channels.delete(channel.name)
    }
  }

  #changed(pattern: string): void {
    if (!isName(pattern)) return void this.#patternsChanged++
    const channel = this.#channels.get(pattern)
    if (channel !== undefined) channel.receivers = undefined
    else this.#channel(pattern)
  }

  /** One for each party: of several that listen for it, the oldest. */
  #receivers(channel: Channel): ReadonlyArray<Listener> {
    if (channel.receivers !== undefined && channel.receiversOf === this.#patternsChanged) return channel.receivers
    const oldest = new Map<Party, Listener>()
    const found = [...this.#index.find(channel.name)]
    found.sort((one, other) => this.#order.get(one)! - this.#order.get(other)!)
    for (const listener of found) if (!oldest.has(listener.party)) oldest.set(listener.party, listener)
    channel.receivers = [...oldest.values()]
    channel.receiversOf = this.#patternsChanged
    return channel.receivers
  }

  *#matching(patterns: ReadonlySet<string>): Generator<Channel> {
    const wild = [...patterns].filter((pattern) => !isName(pattern))
    if (wild.length === 0) {
      for (const name of patterns) {
        const channel = this.#channels.get(name)
        if (channel !== undefined) yield channel
      }
      return
    }
    for (const channel of this.#channels.values()) {
      if (patterns.has(channel.name) || wild.some((pattern) => matches(pattern, channel.name))) yield channel
    }
  }

  #handOn(event: Event, channel: Channel, publisher: Party | undefined): void {
    channel.last = event
    this.#handedOn = event.position
    const { bytes, position, since } = event
    channel.window.append(channel.retention.keep === "memory" ? event : { bytes, position, since })
    this.#trim(channel, event.since)
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
      if (isKept) this.#handOn(event, this.#channels.get(channel.name) ?? channel, publisher)
    }
    this.#waiting = this.#waiting.slice(settled)
  }

  #trim(channel: Channel, now: number): void {
    const { namespace, store } = this.#options
    if (channel.window.trim(channel.retention, now) && channel.retention.keep === "disk") {
      store.drop(namespace, channel.name, channel.window.dropped)
    }
  }
}

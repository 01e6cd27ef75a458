import type { ChannelName, ChannelPattern } from "../protocol/channelNames.ts"
import type { ChannelInfo, PatternInfo } from "../protocol/channels.ts"
import type { Namespace } from "../protocol/namespaces.ts"
import { instantText, type Party, type Run } from "./Event.ts"
import type { EventStore } from "./EventStore.ts"
import { isName, matches, overlap, PatternIndex } from "./patterns.ts"
import { toId } from "./positions.ts"
import { type Retention, retentionOf, type Rules } from "./retention.ts"
import { type Kept, Window } from "./Window.ts"

/** Hears the events of the channels that its patterns match. */
export interface Listener {
  readonly party: Party
  /** In the order of their positions. Not to be changed: others hear the same one. */
  hear(run: Run): void
}

/** A channel that is known: it is listened to by its name, or something of it is kept. */
export interface Channel {
  readonly name: string
  readonly retention: Retention
  /** Events themselves where they are kept in memory; what their bounds need where they are on disk. */
  readonly window: Window<Kept>
  last: { readonly position: number; readonly at: number } | undefined
  /** Found anew when subscriptions have changed. */
  receivers: ReadonlyArray<Listener> | undefined
  receiversOf: number
}

export interface DirectoryOptions {
  readonly namespace: Namespace
  /** Events up to this position are of daemons before this one. */
  readonly began: number
  /** Events up to this position may have been forgotten with all channels of the namespace. */
  readonly forgotten: number
  readonly rules: () => Rules
  /** Channels that may be known at once. */
  readonly maxChannels: () => number
  readonly store: EventStore
  readonly monotonic: () => number
}

/** The channels of one namespace: which are known, what is kept of each, and who hears it. */
export class Directory {
  readonly #options: DirectoryOptions
  readonly #channels = new Map<string, Channel>()
  readonly #index = new PatternIndex<Listener>()
  readonly #order = new Map<Listener, number>()
  #listeners = 0
  /** Changes with every subscription to a pattern that is no name. */
  #patternsChanged = 0
  #forgotten: number

  constructor(options: DirectoryOptions) {
    this.#options = options
    this.#forgotten = options.forgotten
    for (const { channel, dropped, kept } of options.store.load(options.namespace)) {
      const retention = retentionOf(options.rules(), channel)
      if (retention.keep !== "disk") continue
      const known = this.#make(channel, retention, dropped)
      for (const entry of kept) known.window.append(entry)
      const last = kept.at(-1)
      if (last !== undefined) known.last = { position: last.position, at: last.at }
    }
  }

  /** Nobody listens, and nothing is kept. */
  get isIdle(): boolean {
    return this.#order.size === 0 && [...this.#channels.values()].every(({ window }) => window.size === 0)
  }

  /** Channels with events up to this position may have been forgotten altogether. */
  get forgotten(): number {
    return this.#forgotten
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

  add(listener: Listener, pattern: string): void {
    if (!this.#order.has(listener)) this.#order.set(listener, this.#listeners++)
    this.#index.add(pattern, listener)
    this.#changed(pattern)
  }

  delete(listener: Listener, pattern: string): void {
    this.#index.delete(pattern, listener)
    this.#changed(pattern)
  }

  /** Behind its last pattern. */
  leave(listener: Listener): void {
    this.#order.delete(listener)
  }

  find(name: string): Channel | undefined {
    return this.#channels.get(name)
  }

  /** The channel of this name, known from now on. */
  open(name: string): Channel {
    const known = this.#channels.get(name)
    if (known !== undefined) return known
    if (this.#channels.size >= this.#options.maxChannels()) this.#forget()
    const retention = retentionOf(this.#options.rules(), name)
    const dropped = retention.keep === "disk" ? 0 : Math.max(this.#options.began, this.#forgotten)
    return this.#make(name, retention, dropped)
  }

  /** One for each party: of several that listen for it, the oldest. */
  receivers(channel: Channel): ReadonlyArray<Listener> {
    if (channel.receivers !== undefined && channel.receiversOf === this.#patternsChanged) return channel.receivers
    const oldest = new Map<Party, Listener>()
    const found = [...this.#index.find(channel.name)]
    found.sort((one, other) => this.#order.get(one)! - this.#order.get(other)!)
    for (const listener of found) if (!oldest.has(listener.party)) oldest.set(listener.party, listener)
    channel.receivers = [...oldest.values()]
    channel.receiversOf = this.#patternsChanged
    return channel.receivers
  }

  /** Those that one of the patterns matches. */
  *matching(patterns: ReadonlySet<string>): Generator<Channel> {
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

  /** Drops what is beyond the channel's retention. */
  trim(channel: Channel, now: number): void {
    const { namespace, store } = this.#options
    if (channel.window.trim(channel.retention, now) && channel.retention.keep === "disk") {
      store.drop(namespace, channel.name, channel.window.dropped)
    }
  }

  /** Drops what has grown too old. */
  sweep(): void {
    const now = this.#options.monotonic()
    for (const channel of this.#channels.values()) this.trim(channel, now)
  }

  /** The rules have changed: what is kept elsewhere from now on is begun anew. */
  reconsider(): void {
    const { monotonic, namespace, rules, store } = this.#options
    const now = monotonic()
    for (const channel of this.#channels.values()) {
      const retention = retentionOf(rules(), channel.name)
      const isMoved = retention.keep !== channel.retention.keep
      const dropped = channel.last?.position ?? channel.window.dropped
      if (isMoved && channel.retention.keep === "disk") store.drop(namespace, channel.name, dropped)
      const window = isMoved ? new Window<Kept>(dropped) : channel.window
      const changed = { ...channel, retention, window }
      this.#channels.set(channel.name, changed)
      this.trim(changed, now)
    }
  }

  /** Channels that are listened to, or of which something is kept. */
  list(pattern = "**"): ReadonlyArray<ChannelInfo> {
    this.sweep()
    return [...this.matching(new Set([pattern]))]
      .filter((channel) => channel.window.size > 0 || this.receivers(channel).length > 0)
      .map((channel) => ({
        namespace: this.#options.namespace,
        channel: channel.name as ChannelName,
        subscribers: this.receivers(channel).length,
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

  #make(name: string, retention: Retention, dropped: number): Channel {
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
      .filter((channel) => channel.retention.keep === "memory" && this.receivers(channel).length === 0)
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
    else this.open(pattern)
  }
}

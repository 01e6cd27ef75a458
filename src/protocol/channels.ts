import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { ChannelName, ChannelPattern } from "./channelNames.ts"
import { Endless } from "./endless.ts"
import { Timestamp } from "./ids.ts"
import { Namespace } from "./namespaces.ts"
import { StorageBusy, StorageFailed, StorageFull } from "./storage.ts"

/**
 * An event's id: `<epoch>-<sequence>`. Ids grow within a namespace, also over restarts of the daemon: each start has an
 * epoch of its own, each event the next number. They come from no clock, and need not follow one another without holes.
 */
export const EventId = Schema.String.check(
  Schema.isPattern(/^(?:0|[1-9]\d{0,6})-(?:0|[1-9]\d{0,9})$/u, { expected: 'an id such as "3-1204"' })
).pipe(Schema.brand("EventId"))
export type EventId = typeof EventId.Type

/** The most patterns of one subscription. */
export const MAX_PATTERNS = 1000

/** Something that was published. */
export const ChannelEvent = Schema.Struct({
  type: Schema.Literal("event"),
  id: EventId,
  channel: ChannelName,
  at: Timestamp,
  /** Whatever was published: any JSON value, as its publisher wrote it. */
  message: Schema.Json
})
export type ChannelEvent = typeof ChannelEvent.Type

/** The first thing that a subscriber hears: from here on. */
export const Subscribed = Schema.Struct({
  type: Schema.Literal("subscribed"),
  /** The id behind which it begins: what to ask for with `since` when nothing has come before the connection is lost. */
  id: EventId
})

/**
 * Events may be missing here: the window of a channel no longer reaches back to where the subscriber was, or hob was
 * restarted and the channel is kept in memory alone. What follows is complete again.
 */
export const Gap = Schema.Struct({
  type: Schema.Literal("gap"),
  /** Events behind this one, */
  after: EventId,
  /** and up to this one may be missing. */
  through: EventId,
  /** - `window`: they are no longer kept. - `restart`: hob was started anew. - `unknown`: hob never gave this id. */
  reason: Schema.Literals(["window", "restart", "unknown"])
})
export type Gap = typeof Gap.Type

/** What a subscriber hears, in order. Others may be added: ignore a `type` that is not known. */
export const ChannelItem = Schema.Union([Subscribed, ChannelEvent, Gap])
export type ChannelItem = typeof ChannelItem.Type

/** One channel that is subscribed to, or of which something is kept. */
export const ChannelInfo = Schema.Struct({
  namespace: Namespace,
  channel: ChannelName,
  /** Connections that hear it now. */
  subscribers: Schema.Int,
  /** Events that a subscriber can still have with `since`, and their messages' bytes. */
  events: Schema.Int,
  bytes: Schema.Int,
  /** `disk`: what is acknowledged survives the daemon's death. */
  keep: Schema.Literals(["memory", "disk"]),
  /** The newest event; null when there was none since the daemon started. */
  lastId: Schema.NullOr(EventId),
  lastAt: Schema.NullOr(Timestamp)
})
export type ChannelInfo = typeof ChannelInfo.Type

/** A pattern, no name of a channel, that somebody listens to; whether there are channels that it matches or not. */
export const PatternInfo = Schema.Struct({
  namespace: Namespace,
  pattern: ChannelPattern,
  /** Connections that hear what it matches. Those of its channels count them too. */
  subscribers: Schema.Int
})
export type PatternInfo = typeof PatternInfo.Type

/** hob alone publishes to this channel. */
export class ChannelReserved extends Schema.TaggedError<ChannelReserved>()("ChannelReserved", {
  channel: Schema.String
}) {
  override get message() {
    return `hob alone publishes to "${this.channel}": choose a name that begins otherwise.`
  }
}

/** The message is longer than `channels.messageBytes`. */
export class MessageTooLarge extends Schema.TaggedError<MessageTooLarge>()("MessageTooLarge", {
  bytes: Schema.Int,
  limit: Schema.Int
}) {
  override get message() {
    return `The message is ${this.bytes} bytes long, and ${this.limit} may be: put what is large into a file and publish its name.`
  }
}

/** As many namespaces are in use as may be. */
export class TooManyNamespaces extends Schema.TaggedError<TooManyNamespaces>()("TooManyNamespaces", {
  limit: Schema.Int
}) {
  override get message() {
    return `${this.limit} namespaces are in use, as many as may be (channels.maxNamespaceCount): use one of them.`
  }
}

/** The connection has as many patterns as one may. */
export class TooManySubscriptions extends Schema.TaggedError<TooManySubscriptions>()("TooManySubscriptions", {
  limit: Schema.Int
}) {
  override get message() {
    return `This connection is subscribed to ${this.limit} patterns, as many as it may (channels.maxPatternCount): use a pattern with * or ** in place of many names.`
  }
}

/** The subscriber has read too slowly and is cut off; nobody else has noticed. Subscribe again with `since`. */
export class SubscriberTooSlow extends Schema.TaggedError<SubscriberTooSlow>()("SubscriberTooSlow", {
  /** The last event that it was sent. */
  lastId: EventId,
  bufferBytes: Schema.Int
}) {
  override get message() {
    return `The subscriber is more than ${this.bufferBytes} bytes behind. Its last event was ${this.lastId}: it can come back with that as "since".`
  }
}

/**
 * Publishes a message. Answers with the event's id and how many connections it goes to, once it is kept: where the
 * channel is kept on disk, once it would survive the daemon's death. The publisher's own connection never hears it.
 */
export const Publish = Rpc.make("channels.publish", {
  payload: {
    namespace: Schema.optionalKey(Namespace),
    channel: ChannelName,
    /** Any JSON value. It is carried as it was written. */
    message: Schema.Json
  },
  success: Schema.Struct({ id: EventId, receivers: Schema.Int }),
  error: Schema.Union([ChannelReserved, MessageTooLarge, TooManyNamespaces, StorageFull, StorageFailed, StorageBusy])
})

/**
 * Subscribes to every channel that one of the patterns matches. First comes `subscribed`; with `since`, then what is
 * kept and was published behind that event, in order, and then, without a hole and with nothing twice, what is published
 * from now on. A connection gets an event once, however many of its patterns match, those of its other subscriptions
 * among them: the oldest subscription of the connection carries it. Ends with the connection.
 */
export const Subscribe = Rpc.make("channels.subscribe", {
  payload: {
    namespace: Schema.optionalKey(Namespace),
    patterns: Schema.NonEmptyArray(ChannelPattern).check(
      Schema.isMaxLength(MAX_PATTERNS, { expected: `at most ${MAX_PATTERNS} patterns` })
    ),
    since: Schema.optionalKey(EventId)
  },
  success: ChannelItem,
  error: Schema.Union([
    TooManySubscriptions,
    TooManyNamespaces,
    SubscriberTooSlow,
    StorageFull,
    StorageFailed,
    StorageBusy
  ]),
  stream: true
}).annotate(Endless, true)

/**
 * The channels of a namespace, or with `all` of every one; with `pattern` those that it matches. By name. And the patterns
 * that somebody listens to: with `pattern` those that may match the same channels.
 */
export const ListChannels = Rpc.make("channels.list", {
  payload: {
    namespace: Schema.optionalKey(Namespace),
    all: Schema.optionalKey(Schema.Boolean),
    pattern: Schema.optionalKey(ChannelPattern)
  },
  success: Schema.Struct({ channels: Schema.Array(ChannelInfo), patterns: Schema.Array(PatternInfo) })
})

export const ChannelsRpcs = RpcGroup.make(Publish, Subscribe, ListChannels)

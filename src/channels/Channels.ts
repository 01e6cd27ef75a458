import { Clock, Context, Effect, Latch, Layer, Result, Stream } from "effect"
import { Announcer, messageText } from "../actors/Announcer.ts"
import { Concerns } from "../actors/Concerns.ts"
import { boundsOf } from "../config/channelRules.ts"
import { HobConfig } from "../config/HobConfig.ts"
import type { Settings } from "../config/settings.ts"
import {
  type ChannelInfo,
  type PatternInfo,
  ChannelReserved,
  MessageTooLarge,
  TooManyNamespaces,
  TooManySubscriptions
} from "../protocol/channels.ts"
import { isReserved } from "../protocol/channelNames.ts"
import { defaultNamespace, type Namespace } from "../protocol/namespaces.ts"
import { type StorageError, StorageFailed } from "../protocol/storage.ts"
import { Database } from "../storage/Database.ts"
import { Broker, type Published } from "./Broker.ts"
import { Epochs } from "./Epochs.ts"
import type { Party } from "./Event.ts"
import * as EventStore from "./EventStore.ts"
import { Feed, type FeedOptions } from "./Feed.ts"
import { ownText } from "./ownText.ts"
import type { Rules } from "./retention.ts"

export type PublishError = ChannelReserved | MessageTooLarge | TooManyNamespaces | StorageError

/** How often what has grown too old is dropped, where anything is kept. Nobody gets it in between. */
const SWEEP = "10 seconds"
/** Memory is measured anew when so much has been published at least. */
const MEASURE_BYTES = 1024 * 1024

/** What one subscription asks for; `replay` what it wants of the past. */
export interface Subscribing extends Omit<FeedOptions, "broker" | "bufferBytes"> {
  readonly namespace?: Namespace | undefined
}

/** Messages between processes. Callback-first: a message takes no fiber on its way. */
export class Channels extends Context.Service<
  Channels,
  {
    /**
     * Publishes a JSON text for `party`, which will not hear it. `answer` is called once, now or when the disk has it.
     */
    publish(
      event: {
        readonly namespace?: Namespace | undefined
        readonly channel: string
        readonly json: string
        readonly party: Party | undefined
      },
      answer: (result: Published | PublishError) => void
    ): void
    /** A subscriber of a namespace, without patterns at first. */
    subscribe(subscribing: Subscribing): Result.Result<Feed, TooManyNamespaces | StorageError>
    /** Adds patterns to one of a party's feeds, or none: a party has as many as one may. */
    addPatterns(feed: Feed, patterns: ReadonlyArray<string>): Result.Result<void, TooManySubscriptions>
    readonly list: (which: {
      readonly namespace?: Namespace
      readonly all?: boolean
      readonly pattern?: string
    }) => Effect.Effect<{
      readonly channels: ReadonlyArray<ChannelInfo>
      readonly patterns: ReadonlyArray<PatternInfo>
    }>
  }
>()("hob/channels/Channels") {}

export const layer = Layer.effect(
  Channels,
  Effect.gen(function* () {
    const announcer = yield* Announcer
    const concerns = yield* Concerns
    const config = yield* HobConfig
    const database = yield* Database
    const clock = yield* Clock.Clock
    const clocks = {
      wall: () => clock.currentTimeMillisUnsafe(),
      monotonic: () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
    }
    const store = EventStore.make(database, clocks)
    const first = yield* config.get
    let settings = first.channels
    let rules = rulesOf(first)
    const brokers = new Map<string, Broker>()
    const keeps = yield* Latch.make()
    let published = 0
    /** So much can be published, in UTF-16 units, before what is kept can have grown too large. */
    let spare = 0
    /** A namespace that is not known may have had events up to this position. */
    let forgotten = 0

    // Ids must never come again: without an epoch of its own this daemon publishes nothing, and asks for one again.
    let epochs = yield* Effect.result(Epochs.begin(database))
    if (Result.isFailure(epochs)) yield* Effect.logError(`channels can't be used yet: ${epochs.failure.message}`)

    const open = (namespace: Namespace): Result.Result<Broker, TooManyNamespaces | StorageError> => {
      const known = brokers.get(namespace)
      if (known !== undefined) return Result.succeed(known)
      if (Result.isFailure(epochs)) {
        Epochs.beginNow(database, (again) => void (epochs = again))
        return Result.fail(epochs.failure)
      }
      const positions = epochs.success
      if (brokers.size >= settings.maxNamespaceCount && forgetIdle(brokers)) forgotten = positions.newest
      if (brokers.size >= settings.maxNamespaceCount) {
        return Result.fail(new TooManyNamespaces({ limit: settings.maxNamespaceCount }))
      }
      try {
        const broker = new Broker({
          namespace,
          positions,
          forgotten,
          rules: () => rules,
          maxChannels: () => settings.maxChannelCount,
          store,
          clock: clocks
        })
        brokers.set(namespace, broker)
        return Result.succeed(broker)
      } catch (error) {
        if (error instanceof StorageFailed) return Result.fail(error)
        throw error
      }
    }

    const measure = (bytes: number): void => {
      published += bytes
      if (published < MEASURE_BYTES || published < spare) return
      published = 0
      let total = 0
      for (const broker of brokers.values()) total += broker.channels.memoryBytes
      if (total > settings.memoryBytes) for (const broker of brokers.values()) broker.channels.halve()
      // There may be a hundred thousand channels; and what is kept grows by no more than what is published, of which a
      // unit is three bytes at most.
      spare = (settings.memoryBytes - total) / 3
    }

    const publishAny: Channels["Service"]["publish"] = (
      { channel, json, namespace = defaultNamespace, party },
      answer
    ) => {
      const broker = open(namespace)
      if (Result.isFailure(broker)) return answer(broker.failure)
      broker.success.publish(channel, json, party, answer)
      measure(json.length)
      keeps.openUnsafe()
    }

    const publish: Channels["Service"]["publish"] = (event, answer) => {
      if (isReserved(event.channel)) return answer(new ChannelReserved({ channel: event.channel }))
      const limit = settings.messageBytes
      // At most three bytes for each unit.
      if (event.json.length * 3 > limit) {
        const bytes = Buffer.byteLength(event.json)
        if (bytes > limit) return answer(new MessageTooLarge({ bytes, limit }))
      }
      const { channel, json, namespace, party } = event
      publishAny({ channel, namespace, party, json: ownText(json) }, answer)
    }

    const subscribe: Channels["Service"]["subscribe"] = ({ namespace = defaultNamespace, ...options }) =>
      Result.map(open(namespace), (broker) => new Feed({ ...options, broker, bufferBytes: () => settings.bufferBytes }))

    const addPatterns: Channels["Service"]["addPatterns"] = (feed, patterns) => {
      const added = patterns.filter((pattern, at) => !feed.patterns.has(pattern) && patterns.indexOf(pattern) === at)
      const limit = settings.maxPatternCount
      if (feed.party.patterns + added.length > limit) return Result.fail(new TooManySubscriptions({ limit }))
      for (const pattern of added) feed.add(pattern)
      return Result.void
    }

    yield* announcer.listen(({ channel, message, namespace }) =>
      publishAny({ namespace, channel, json: messageText(message), party: undefined }, () => {})
    )

    yield* concerns.supervise("channels", (up) =>
      Effect.andThen(
        up,
        Effect.raceFirst(
          Effect.andThen(
            Stream.runForEach(config.changes, (next) =>
              Effect.sync(() => {
                settings = next.channels
                spare = 0
                rules = rulesOf(next)
                for (const broker of brokers.values()) broker.reconsider()
              })
            ),
            Effect.never
          ),
          Effect.gen(function* () {
            for (;;) {
              yield* keeps.await
              yield* Effect.sleep(SWEEP)
              for (const broker of brokers.values()) broker.channels.sweep()
              if ([...brokers.values()].every((broker) => broker.channels.memoryBytes === 0)) yield* keeps.close
            }
          })
        )
      )
    )

    return Channels.of({
      publish,
      subscribe,
      addPatterns,
      list: ({ all = false, namespace = defaultNamespace, pattern }) =>
        Effect.sync(() => {
          const chosen = all ? [...brokers.values()] : [brokers.get(namespace)].filter((broker) => broker !== undefined)
          return {
            channels: chosen.flatMap((broker) => broker.channels.list(pattern)),
            patterns: chosen.flatMap((broker) => broker.channels.patterns(pattern))
          }
        })
    })
  })
)

/** What is announced of a lock is mostly told in its state: many locks with many events each would be most of all memory. */
const rulesOf = ({ channels, locks }: Pick<Settings, "channels" | "locks">): Rules => {
  const { keep, retainBytes, retainCount, retainMillis, rules } = channels
  const otherwise = { keep, events: retainCount, bytes: retainBytes, ageMillis: retainMillis }
  const own = Object.entries(rules).map(([pattern, rule]) => Object.assign({ pattern }, otherwise, boundsOf(rule)))
  const ofLocks = { ...otherwise, pattern: "locks:**", events: Math.min(locks.retainCount, retainCount) }
  return { otherwise, rules: [...own, ofLocks] }
}

/** Whether there was any. */
const forgetIdle = (brokers: Map<string, Broker>): boolean => {
  const before = brokers.size
  for (const [namespace, broker] of brokers) if (broker.isIdle) brokers.delete(namespace)
  return brokers.size < before
}

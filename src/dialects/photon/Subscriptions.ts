import { Result } from "effect"
import type { Channels } from "../../channels/Channels.ts"
import { Party } from "../../channels/Event.ts"
import type { Feed, Pipe } from "../../channels/Feed.ts"
import type { Namespace } from "../../protocol/namespaces.ts"
import { toPatterns } from "./names.ts"
import { channelMessages, refreshNeeded, replayedMessages, sentences, toPosition } from "./translate.ts"

/** Subscriptions of one connection that began with a replay. Each has a feed of its own; the others share one. */
const MAX_REPLAYS = 256

export interface SubscriptionsOptions {
  readonly channels: Channels["Service"]
  readonly namespace: Namespace
  readonly pipe: Pipe
  /** The client reads too slowly to be told everything. */
  readonly onTooSlow: () => void
}

/** One that began with a replay. */
interface Replayed {
  readonly feed: Feed
  /** Its request has been answered: what it missed has been sent, or will not be. */
  isAnswered: boolean
  readonly answer: (problem?: string) => void
}

/** What one connection is subscribed to. It gets each event once, and none of its own. */
export class Subscriptions {
  readonly #options: SubscriptionsOptions
  readonly #party = new Party()
  #live: Feed | undefined
  readonly #replayed = new Map<string, Replayed>()
  #isFinishing = false

  constructor(options: SubscriptionsOptions) {
    this.#options = options
  }

  /** Whoever publishes here: undefined while it hears nothing, and so not itself. */
  get party(): Party | undefined {
    return this.#party.patterns === 0 ? undefined : this.#party
  }

  /**
   * Subscribes to a channel as photon names it, from behind `lastEventId` if there is one. `answer` is called behind
   * what that brings: with what is wrong, if something is; where its client leaves it meanwhile, then. `id` is JSON.
   */
  subscribe(id: string, channel: string, lastEventId: unknown, answer: (problem?: string) => void): void {
    const patterns = toPatterns(channel)
    if (patterns === undefined) return answer(sentences.nameTooLong("channel"))
    const after = toPosition(lastEventId)
    if (after === undefined) return answer(this.#replayed.has(channel) ? undefined : this.#listen(patterns))
    if (this.#replayed.size >= MAX_REPLAYS && !this.#replayed.has(channel)) {
      return answer(sentences.tooManyReplays(MAX_REPLAYS))
    }
    this.unsubscribe(channel)
    const { channels } = this.#options
    const opened = channels.subscribe({
      ...this.#feedOptions,
      // Who has to read everything anew gets nothing of what was before.
      onGap: () => {
        this.#replayed.delete(channel)
        replayed.feed.close()
        const problem = this.#isFinishing ? undefined : this.#listen(patterns)
        if (problem === undefined) this.#options.pipe.write(refreshNeeded(id, JSON.stringify(channel)))
        replayed.answer(problem)
      }
    })
    if (Result.isFailure(opened)) return answer(opened.failure.message)
    const feed = opened.success
    const added = channels.addPatterns(feed, patterns)
    if (Result.isFailure(added)) return answer(added.failure.message)
    const replayed: Replayed = {
      feed,
      isAnswered: false,
      answer: (problem) => {
        if (replayed.isAnswered) return
        replayed.isAnswered = true
        if (this.#isFinishing) feed.close()
        answer(problem)
      }
    }
    this.#replayed.set(channel, replayed)
    feed.replay(feed.patterns, after, replayed.answer)
  }

  unsubscribe(channel: string): void {
    const replayed = this.#replayed.get(channel)
    this.#replayed.delete(channel)
    replayed?.feed.close()
    replayed?.answer()
    for (const pattern of toPatterns(channel) ?? []) this.#live?.remove(pattern)
  }

  /** Its client has ended its side: it is sent what it missed and asked for, and nothing newer. */
  finish(): void {
    this.#isFinishing = true
    this.#closeLive()
    for (const { feed, isAnswered } of this.#replayed.values()) if (isAnswered) feed.close()
  }

  /** Nothing more is sent; who still waits for an answer gets that. */
  close(): void {
    this.#closeLive()
    for (const { answer, feed } of this.#replayed.values()) {
      feed.close()
      answer(sentences.cutShort)
    }
    this.#replayed.clear()
  }

  #closeLive(): void {
    this.#live?.close()
    this.#live = undefined
  }

  /** Hears it from now on. Gives what is wrong, if something is. */
  #listen(patterns: ReadonlyArray<string>): string | undefined {
    const { channels } = this.#options
    if (this.#live === undefined) {
      const opened = channels.subscribe({ ...this.#feedOptions, onGap: () => {} })
      if (Result.isFailure(opened)) return opened.failure.message
      this.#live = opened.success
    }
    const added = channels.addPatterns(this.#live, patterns)
    return Result.isFailure(added) ? added.failure.message : undefined
  }

  get #feedOptions() {
    const { namespace, onTooSlow, pipe } = this.#options
    const party = this.#party
    return { namespace, party, pipe, format: channelMessages, replayFormat: replayedMessages, onTooSlow }
  }
}

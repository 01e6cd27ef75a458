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

/** What one connection is subscribed to. It gets each event once, and none of its own. */
export class Subscriptions {
  readonly #options: SubscriptionsOptions
  readonly #party = new Party()
  #live: Feed | undefined
  readonly #replayed = new Map<string, Feed>()

  constructor(options: SubscriptionsOptions) {
    this.#options = options
  }

  /** Whoever publishes here: undefined while it hears nothing, and so not itself. */
  get party(): Party | undefined {
    return this.#party.patterns === 0 ? undefined : this.#party
  }

  /**
   * Subscribes to a channel as photon names it, from behind `lastEventId` if there is one. `answer` is called behind
   * what that brings: with what is wrong, if something is. `id` is JSON.
   */
  subscribe(id: string, channel: string, lastEventId: unknown, answer: (problem?: string) => void): void {
    const patterns = toPatterns(channel)
    if (patterns === undefined) return answer(sentences.nameTooLong("channel"))
    const after = toPosition(lastEventId)
    if (after === undefined) return answer(this.#replayed.has(channel) ? undefined : this.#listen(patterns))
    this.unsubscribe(channel)
    if (this.#replayed.size >= MAX_REPLAYS) return answer(sentences.tooManyReplays(MAX_REPLAYS))
    const { channels } = this.#options
    const opened = channels.subscribe({
      ...this.#feedOptions,
      // Who has to read everything anew gets nothing of what was before.
      onGap: () => {
        feed?.close()
        this.#replayed.delete(channel)
        const problem = this.#listen(patterns)
        if (problem === undefined) this.#options.pipe.write(refreshNeeded(id, JSON.stringify(channel)))
        answer(problem)
      }
    })
    if (Result.isFailure(opened)) return answer(opened.failure.message)
    const feed: Feed | undefined = opened.success
    const added = channels.addPatterns(feed, patterns)
    if (Result.isFailure(added)) return answer(added.failure.message)
    this.#replayed.set(channel, feed)
    feed.replay(feed.patterns, after, () => answer())
  }

  unsubscribe(channel: string): void {
    this.#replayed.get(channel)?.close()
    this.#replayed.delete(channel)
    for (const pattern of toPatterns(channel) ?? []) this.#live?.remove(pattern)
  }

  close(): void {
    this.#live?.close()
    this.#live = undefined
    for (const feed of this.#replayed.values()) feed.close()
    this.#replayed.clear()
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

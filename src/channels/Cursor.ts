import { Deadlines } from "../actors/Deadlines.ts"
import type { Channel, Directory } from "./Directory.ts"
import type { Event } from "./Event.ts"
import type { Kept } from "./Window.ts"

export interface CursorOptions {
  readonly directory: Directory
  /** Up to `limit` events of a channel that is kept on disk, behind a position, in order. */
  readonly stored: (channel: string, after: number, limit: number) => ReadonlyArray<Event>
  readonly patterns: ReadonlySet<string>
  /** From behind this position, */
  readonly after: number
  /** up to this one. */
  readonly through: number
}

/** Some of what is kept, in order; or that it is gone up to a position, which nobody has been told yet. */
export type Page =
  | { readonly type: "events"; readonly events: ReadonlyArray<Event> }
  | { readonly type: "gone"; readonly through: number }

/**
 * The way of one replay through the windows. It finds its channels once; from then on a page costs what it holds, however
 * many channels there are.
 */
export class Cursor {
  readonly #options: CursorOptions
  /** Each channel under the position of its next event. */
  readonly #next = new Deadlines()
  #after: number
  #told = 0

  constructor(options: CursorOptions) {
    const { after, directory, patterns } = options
    this.#options = options
    this.#after = after
    for (const channel of directory.matching(patterns)) this.#await(channel)
  }

  /** Up to `limit` events; none at the end. */
  read(limit: number): Page {
    const { directory, through } = this.#options
    const events: Array<Event> = []
    while (events.length < limit) {
      const expected = this.#next.next
      const name = this.#next.take(through)
      if (expected === undefined || name === undefined) break
      const channel = directory.find(name)
      const dropped = Math.min(channel?.window.dropped ?? directory.forgotten, through)
      if (dropped >= expected && dropped > this.#told) {
        if (events.length > 0) {
          this.#next.add(expected, name)
          break
        }
        this.#told = dropped
        if (channel !== undefined) this.#await(channel)
        return { type: "gone", through: dropped }
      }
      if (channel === undefined) continue
      events.push(...this.#take(channel, limit - events.length))
      this.#after = Math.max(this.#after, events.at(-1)?.position ?? 0)
      this.#await(channel)
    }
    return { type: "events", events }
  }

  #await(channel: Channel): void {
    if (channel.last === undefined || channel.last.position <= this.#after) return
    const [next] = channel.window.after(this.#after, 1)
    if (next !== undefined) this.#next.add(next.position, channel.name)
  }

  /** What the channel has before the next event of any other. */
  #take(channel: Channel, limit: number): ReadonlyArray<Event> {
    const { stored, through } = this.#options
    const before = Math.min(this.#next.next ?? Infinity, through + 1)
    const kept = channel.window.after(this.#after, limit)
    let count = 0
    while (count < kept.length && kept[count]!.position < before) count++
    if (count === 0) return []
    if (channel.retention.keep === "memory") return kept.slice(0, count) as ReadonlyArray<Kept> as ReadonlyArray<Event>
    // The store may still have what the window has dropped.
    const found = stored(channel.name, kept[0]!.position - 1, count).filter(({ position }) => position < before)
    // A row that can't be read any more is passed over.
    this.#after = kept[count - 1]!.position
    return found
  }
}

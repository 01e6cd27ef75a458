import type { Event } from "./Event.ts"
import type { Retention } from "./retention.ts"

/** What a window has to know of an event to keep its bounds; events kept on disk are no more than this in memory. */
export type Kept = Pick<Event, "position" | "bytes" | "since">

/** Evicted entries stay in the array until they are this many, and more than those that are kept. */
const SLACK = 64

/** The newest events of one channel within its retention, in order. */
export class Window<A extends Kept> {
  #entries: Array<A> = []
  #head = 0
  #bytes = 0
  #dropped: number

  /** `dropped`: events up to this position are not there. */
  constructor(dropped: number) {
    this.#dropped = dropped
  }

  get size(): number {
    return this.#entries.length - this.#head
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Events up to this position are no longer there. */
  get dropped(): number {
    return this.#dropped
  }

  get oldest(): A | undefined {
    return this.#entries[this.#head]
  }

  append(entry: A): void {
    this.#entries.push(entry)
    this.#bytes += entry.bytes
  }

  /** Drops what is beyond the retention. True when something was. */
  trim(retention: Retention, now: number): boolean {
    return this.#dropWhile(
      ({ since }) => this.size > retention.events || this.#bytes > retention.bytes || now - since > retention.ageMillis
    )
  }

  /** Drops the older half. */
  halve(): void {
    const left = Math.floor(this.size / 2)
    this.#dropWhile(() => this.size > left)
  }

  #dropWhile(isTooMuch: (oldest: A) => boolean): boolean {
    const before = this.#head
    for (let oldest = this.oldest; oldest !== undefined && isTooMuch(oldest); oldest = this.oldest) {
      this.#bytes -= oldest.bytes
      this.#dropped = oldest.position
      this.#head++
    }
    const changed = this.#head !== before
    if (this.#head > SLACK && this.#head > this.size) {
      this.#entries = this.#entries.slice(this.#head)
      this.#head = 0
    }
    return changed
  }

  /** Up to `limit` entries behind a position. */
  after(position: number, limit: number): ReadonlyArray<A> {
    let low = this.#head
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#entries[middle]!.position <= position) low = middle + 1
      else high = middle
    }
    return this.#entries.slice(low, low + limit)
  }
}

import type { Event } from "./Event.ts"
import type { Retention } from "./retention.ts"

/** What a window has to know of an event to keep its bounds; events kept on disk are no more than this in memory. */
export type Kept = Pick<Event, "position" | "bytes" | "since">

/** Slots of the smallest ring. As all others a power of two, so that a mask wraps around. */
const LEAST_SLOTS = 8

/**
 * The newest events of one channel within its retention, in order: a ring whose slots are used again. What is dropped is
 * taken out of its slot at once. Left in an array that is thrown away some day, it would look alive to V8 whenever that
 * clears out young objects, and every event of a busy channel would be copied, twice, to the old ones.
 */
export class Window<A extends Kept> {
  #slots: Array<A | undefined> = []
  /** The oldest one's slot. */
  #head = 0
  #size = 0
  #bytes = 0
  #dropped: number

  /** `dropped`: events up to this position are not there. */
  constructor(dropped: number) {
    this.#dropped = dropped
  }

  get size(): number {
    return this.#size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Events up to this position are no longer there. */
  get dropped(): number {
    return this.#dropped
  }

  append(entry: A): void {
    if (this.#size === this.#slots.length) this.#resize(Math.max(LEAST_SLOTS, 2 * this.#size))
    this.#slots[this.#slotOf(this.#size)] = entry
    this.#size++
    this.#bytes += entry.bytes
  }

  /** Drops what is beyond the retention. True when something was. */
  trim({ ageMillis, bytes, events }: Retention, now: number): boolean {
    let changed = false
    for (let oldest = this.#at(0); oldest !== undefined; oldest = this.#at(0)) {
      if (this.#size <= events && this.#bytes <= bytes && now - oldest.since <= ageMillis) break
      this.#drop(oldest)
      changed = true
    }
    return changed
  }

  /** Drops the older half. */
  halve(): void {
    const left = Math.floor(this.#size / 2)
    while (this.#size > left) this.#drop(this.#at(0)!)
  }

  /** Up to `limit` entries behind a position. */
  after(position: number, limit: number): ReadonlyArray<A> {
    let low = 0
    let high = this.#size
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#at(middle)!.position <= position) low = middle + 1
      else high = middle
    }
    const found: Array<A> = []
    for (; low < this.#size && found.length < limit; low++) found.push(this.#at(low)!)
    return found
  }

  #slotOf(index: number): number {
    return (this.#head + index) & (this.#slots.length - 1)
  }

  /** Undefined behind the newest, unless the ring is full. */
  #at(index: number): A | undefined {
    return this.#slots[this.#slotOf(index)]
  }

  #drop(oldest: A): void {
    this.#bytes -= oldest.bytes
    this.#dropped = oldest.position
    this.#slots[this.#head] = undefined
    this.#head = this.#slotOf(1)
    this.#size--
    if (this.#slots.length > LEAST_SLOTS && this.#size * 4 <= this.#slots.length) this.#resize(this.#slots.length / 2)
  }

  #resize(capacity: number): void {
    const slots = Array.from<A | undefined>({ length: capacity })
    for (let index = 0; index < this.#size; index++) slots[index] = this.#at(index)
    this.#slots = slots
    this.#head = 0
  }
}

/** Links (OSC 8) by number, as cells refer to them. */
import type { LinkService } from "./xterm.ts"

export interface Link {
  readonly uri: string
  /** What makes pieces of it one link. Links without one are one for as long as they are open. */
  readonly id: string | undefined
}

/**
 * The form of an id that a snapshot gives a link without one, when it is not in one piece: read back it is a link
 * without an id again, still the same in all its pieces.
 */
const given = /^hob\.\d+$/

/** Longer addresses are nobody's link; nor are they kept. */
const LONGEST = 8192
/** Links beyond this have those that no cell refers to any more forgotten. */
const SWEEP = 1024

export class Links implements LinkService {
  readonly #byNumber = new Map<number, Link>()
  readonly #numbers = new Map<string, number>()
  #next = 1
  #sweepAt = SWEEP
  /** Numbers that are in use, told by whoever owns the cells. */
  inUse: () => Set<number> = () => new Set(this.#byNumber.keys())

  registerLink(link: { id?: string | undefined; uri: string }): number {
    if (link.uri.length > LONGEST || (link.id?.length ?? 0) > LONGEST) return 0
    const key = link.id === undefined ? undefined : `${link.id};${link.uri}`
    const known = key === undefined ? undefined : this.#numbers.get(key)
    if (known !== undefined) return known
    if (this.#byNumber.size >= this.#sweepAt) this.#sweep()
    const number = this.#next++
    this.#byNumber.set(number, { uri: link.uri, id: link.id })
    if (key !== undefined) this.#numbers.set(key, number)
    return number
  }

  /** The library asks for it; which lines a link is on is of no interest here. */
  addLineToLink(): void {}

  getLinkData(number: number): { id?: string | undefined; uri: string } | undefined {
    return this.#byNumber.get(number)
  }

  get size(): number {
    return this.#byNumber.size
  }

  get(number: number): Link | undefined {
    return this.#byNumber.get(number)
  }

  /** The id that the program gave, not one that a snapshot did. */
  givenId(number: number): string | undefined {
    const id = this.#byNumber.get(number)?.id
    return id === undefined || given.test(id) ? undefined : id
  }

  #sweep(): void {
    const used = this.inUse()
    for (const [number, link] of this.#byNumber) {
      if (used.has(number)) continue
      this.#byNumber.delete(number)
      if (link.id !== undefined) this.#numbers.delete(`${link.id};${link.uri}`)
    }
    this.#sweepAt = Math.max(SWEEP, this.#byNumber.size * 2)
  }
}

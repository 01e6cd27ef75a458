/** A terminal's size from a byte of output on. */
export interface SizeChange {
  readonly offset: number
  readonly cols: number
  readonly rows: number
}

/**
 * The sizes that a session's terminal has had, by offset. Changes are numbered as they come, so that a reader can ask
 * for the next one also when older ones are forgotten.
 */
export class Sizes {
  /** Has the number before `#first`. */
  #initial: SizeChange
  /** In order; several may be at the same offset. */
  readonly #changes: Array<SizeChange> = []
  /** The number of the first one in `#changes`. */
  #first = 0

  /** `initial` is the size at the beginning of the output. */
  constructor(initial: { readonly cols: number; readonly rows: number }) {
    this.#initial = { offset: 0, cols: initial.cols, rows: initial.rows }
  }

  /** The newest. */
  get last(): SizeChange {
    return this.#changes.at(-1) ?? this.#initial
  }

  /** The number of the oldest one that is remembered: the size before all others, −1 while that is the initial one. */
  get oldest(): number {
    return this.#first - 1
  }

  /** A change, not before the ones added already. One that changes nothing is left out: then false. */
  add(change: SizeChange): boolean {
    const { cols, rows } = this.last
    if (cols === change.cols && rows === change.rows) return false
    this.#changes.push(change)
    return true
  }

  /** The size of the terminal when it was given the byte at `offset`. */
  at(offset: number): SizeChange {
    return this.get(this.numberAfter(offset) - 1)!
  }

  /** The number of the first change behind `offset`, or that the next one will have. */
  numberAfter(offset: number): number {
    let low = 0
    let high = this.#changes.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#changes[middle]!.offset <= offset) low = middle + 1
      else high = middle
    }
    return this.#first + low
  }

  /** The change with this number; null when it is forgotten or there is none yet. */
  get(number: number): SizeChange | null {
    if (number === this.oldest) return this.#initial
    return this.#changes[number - this.#first] ?? null
  }

  /** Forgets what is of no use to readers that begin at `oldest` or behind. */
  trim(oldest: number): void {
    const useless = this.numberAfter(oldest) - this.#first
    if (useless === 0) return
    this.#initial = this.#changes[useless - 1]!
    this.#changes.splice(0, useless)
    this.#first += useless
  }
}

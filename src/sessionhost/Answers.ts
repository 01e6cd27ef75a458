/** A program that has printed since it asked, this long ago, waits no more: an answer would be taken for typing. */
const STALE_MILLIS = 10_000

/** {@link Answers} without a clock of its own: `newerAge` in milliseconds. */
export interface WrittenAnswers {
  readonly answeredTo: number
  readonly older: number
  readonly newer: number
  readonly newerAge: number
}

/** Which questions of a program to its terminal are still to be answered. */
export class Answers {
  /** Questions before this offset were answered. */
  #answeredTo = 0
  /** Where the output stood: `older` at least {@link STALE_MILLIS} ago, as soon as there has been output for longer. */
  #older = 0
  #newer = { offset: 0, at: 0 }

  /** As it stands, for another process. */
  written(now: number): WrittenAnswers {
    return {
      answeredTo: this.#answeredTo,
      older: this.#older,
      newer: this.#newer.offset,
      newerAge: now - this.#newer.at
    }
  }

  /** Goes on from there. */
  restore({ answeredTo, newer, newerAge, older }: WrittenAnswers, now: number): void {
    this.#answeredTo = answeredTo
    this.#older = older
    this.#newer = { offset: newer, at: now - newerAge }
  }

  /** Output has come up to `offset`. */
  printed(offset: number, now: number): void {
    if (now - this.#newer.at < STALE_MILLIS) return
    this.#older = this.#newer.offset
    this.#newer = { offset, at: now }
  }

  /** Whether the question before `offset` is waited for, now that output has come up to `head`. */
  wanted(offset: number, head: number, now: number): boolean {
    if (offset <= this.#answeredTo) return false
    const stale = now - this.#newer.at < STALE_MILLIS ? this.#older : this.#newer.offset
    return offset > stale || offset >= head
  }

  given(offset: number): void {
    this.#answeredTo = Math.max(this.#answeredTo, offset)
  }
}

/**
 * What a client that acknowledges chunks has not acknowledged yet. Whether it does shows in its first acknowledgement:
 * clients need not, and then the socket alone holds a stream back.
 */
export class Unread {
  readonly #limitBytes: number
  /** Chunks that were sent before the client was known to acknowledge: counted, not measured. */
  #unmeasured = 0
  #isMeasured = false
  #sizes: Array<number> = []
  #bytes = 0
  #waiting: Array<() => void> = []

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /** More of it than may be: nothing more should be sent. */
  get isTooMuch(): boolean {
    return this.#bytes > this.#limitBytes
  }

  sent(bytes: number): void {
    if (!this.#isMeasured) return void this.#unmeasured++
    this.#sizes.push(bytes)
    this.#bytes += bytes
  }

  /** The client has taken the oldest one. */
  acknowledged(): void {
    this.#isMeasured = true
    if (this.#unmeasured > 0) return void this.#unmeasured--
    this.#bytes -= this.#sizes.shift() ?? 0
    if (this.isTooMuch || this.#waiting.length === 0) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const go of waiting) go()
  }

  /** Calls back once it is too much no more. */
  whenLess(go: () => void): void {
    this.#waiting.push(go)
  }
}

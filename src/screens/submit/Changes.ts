/** Notices of change, to be waited for: one that comes while nobody waits is not missed. */
export class Changes {
  readonly #stop: () => void
  #count = 0
  #seen = 0
  #wake: (() => void) | null = null

  constructor(onChange: (listener: () => void) => () => void) {
    this.#stop = onChange(() => {
      this.#count++
      this.#wake?.()
    })
  }

  /** True at the next change, or at once if there was one since the last call; false at `until`, by `performance.now()`. */
  async next(until: number): Promise<boolean> {
    if (this.#count === this.#seen) await this.#pause(until)
    const isChanged = this.#count > this.#seen
    this.#seen = this.#count
    return isChanged
  }

  /** Resolves when nothing has changed for `millis`, or at `until`. */
  async quiet(millis: number, until: number): Promise<void> {
    for (let end = performance.now() + millis; ;) {
      const isChanged = await this.next(Math.min(end, until))
      const now = performance.now()
      if (now >= until || (!isChanged && now >= end)) return
      if (isChanged) end = now + millis
    }
  }

  close(): void {
    this.#stop()
  }

  #pause(until: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, Math.max(0, until - performance.now()))
      const wake = () => done()
      this.#wake = wake
      function done() {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/**
 * A semaphore whose permits are handed on in the order in which they were asked for: one that is given back goes to the
 * first who waits, and nobody who comes meanwhile is quicker. For callbacks: a wait costs no fiber.
 */
export class FairSemaphore {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor(permits: number) {
    this.#free = permits
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Calls `go` once there is a permit, at once if there is one now. Gives what ends the wait. */
  take(go: () => void): () => void {
    if (this.#free > 0) {
      this.#free--
      go()
      return () => {}
    }
    this.#waiting.add(go)
    return () => void this.#waiting.delete(go)
  }

  release(): void {
    const [next] = this.#waiting
    if (next === undefined) this.#free++
    else {
      this.#waiting.delete(next)
      next()
    }
  }
}

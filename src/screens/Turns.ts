/** Something with work to do, a slice at a time. */
export interface Worker {
  /** Does a slice; true when there is more. */
  readonly work: () => boolean
}

/**
 * Who has something to do gets its turn, one slice each, round and round: a session that floods delays the others by
 * its slice and no more. Between slices the event loop runs, so that questions and new output are heard.
 */
export class Turns {
  readonly #waiting = new Set<Worker>()
  readonly #failed: (worker: Worker, error: unknown) => void
  #scheduled = false

  /** `failed`: a worker's slice threw; it gets no further turn until it asks again. */
  constructor(failed: (worker: Worker, error: unknown) => void) {
    this.#failed = failed
  }

  /** Puts `worker` at the end of the row, if it isn't in it. */
  add(worker: Worker): void {
    this.#waiting.add(worker)
    this.#schedule()
  }

  remove(worker: Worker): void {
    this.#waiting.delete(worker)
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.size === 0) return
    this.#scheduled = true
    setImmediate(this.#turn)
  }

  readonly #turn = (): void => {
    this.#scheduled = false
    const [worker] = this.#waiting
    if (worker === undefined) return
    this.#waiting.delete(worker)
    try {
      if (worker.work()) this.#waiting.add(worker)
    } catch (error) {
      this.#failed(worker, error)
    }
    this.#schedule()
  }
}

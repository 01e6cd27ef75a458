import type { Outcome } from "./decide.ts"

/** Hears what a delivery has come to: its end, or that it has not ended by the deadline. */
export type Hear = (outcome: Outcome) => void

interface Waiter {
  readonly deadline: number
  readonly hear: Hear
}

/** Who waits for deliveries to end, and for how long. Instants are milliseconds of the monotonic clock. */
export class Waiters {
  readonly #waiters = new Map<number, Array<Waiter>>()
  /** The earliest deadline there may be. */
  #next = Infinity

  get next(): number | undefined {
    return this.#waiters.size === 0 ? undefined : this.#next
  }

  wait(delivery: number, deadline: number, hear: Hear): void {
    const waiting = this.#waiters.get(delivery)
    if (waiting === undefined) this.#waiters.set(delivery, [{ deadline, hear }])
    else waiting.push({ deadline, hear })
    this.#next = Math.min(this.#next, deadline)
  }

  tell(delivery: number, outcome: Outcome): void {
    const waiting = this.#waiters.get(delivery)
    if (waiting === undefined) return
    this.#waiters.delete(delivery)
    for (const { hear } of waiting) hear(outcome)
  }

  /** Tells those whose time is over that nothing has ended yet. `now` Infinity: all of them. */
  expire(now: number): void {
    if (now < this.#next) return
    this.#next = Infinity
    for (const [delivery, waiting] of this.#waiters) {
      const patient = waiting.filter(({ deadline }) => deadline > now)
      for (const { deadline } of patient) this.#next = Math.min(this.#next, deadline)
      if (patient.length === waiting.length) continue
      if (patient.length === 0) this.#waiters.delete(delivery)
      else this.#waiters.set(delivery, patient)
      for (const { deadline, hear } of waiting) if (deadline <= now) hear({ state: "running" })
    }
  }
}

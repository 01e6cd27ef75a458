/** What locks promise, said as simply as can be: plain arrays, one thing after the other, no store and no batches. */

export interface ModelAsk {
  readonly id: number
  readonly lock: string
  readonly holder: string
  readonly ttl: number
  readonly wait: number
  /** The connection it is bound to. */
  readonly client: number | undefined
}

interface Held extends Omit<ModelAsk, "id" | "wait" | "lock"> {
  deadline: number
  /** Of one whose client a restart has cut off. */
  resumeBy?: number | undefined
}

export const endOf = ({ deadline, resumeBy = Infinity }: Held): number => Math.min(deadline, resumeBy)

interface Waiting extends ModelAsk {
  readonly until: number
}

export interface ModelLock {
  held: Held | undefined
  queue: Array<Waiting>
}

/** How a token is to the lease there is: its own, of an earlier one, or never given. Without one any lease is meant. */
export type Relation = "own" | "past" | "never" | undefined

export class Model {
  now = 0
  readonly locks = new Map<string, ModelLock>()
  /** What each request has come to: `granted`, `renewed`, `released` or the tag of an error. */
  readonly answers = new Map<number, string>()
  lock(name: string): ModelLock {
    let lock = this.locks.get(name)
    if (lock === undefined) this.locks.set(name, (lock = { held: undefined, queue: [] }))
    return lock
  }

  #give(lock: ModelLock, ask: ModelAsk): void {
    const mine = lock.held?.holder === ask.holder ? lock.held : undefined
    this.answers.set(ask.id, mine === undefined ? "granted" : "renewed")
    lock.held = { holder: ask.holder, ttl: ask.ttl, client: ask.client, deadline: this.now + ask.ttl }
  }

  #free(lock: ModelLock, at: number): void {
    lock.held = undefined
    const first = lock.queue.find(({ until }) => until >= at)
    if (first === undefined) return
    for (const waiting of lock.queue.slice()) {
      if (waiting.holder !== first.holder || waiting.until < at) continue
      lock.queue.splice(lock.queue.indexOf(waiting), 1)
      this.#give(lock, waiting)
    }
  }

  /** What time has done to a lock. */
  settle(lock: ModelLock): void {
    if (lock.held !== undefined && endOf(lock.held) <= this.now) this.#free(lock, endOf(lock.held))
    for (const waiting of lock.queue.slice()) {
      if (waiting.until > this.now) continue
      lock.queue.splice(lock.queue.indexOf(waiting), 1)
      this.answers.set(waiting.id, "LockWaitTimedOut")
    }
  }

  acquire(ask: ModelAsk): void {
    const lock = this.lock(ask.lock)
    this.settle(lock)
    if (lock.held === undefined || lock.held.holder === ask.holder) return this.#give(lock, ask)
    if (ask.wait === 0) this.answers.set(ask.id, "LockHeld")
    else lock.queue.push({ ...ask, until: this.now + ask.wait })
  }

  renew(id: number, name: string, holder: string, token: Relation, ttl: number): void {
    const lock = this.lock(name)
    this.settle(lock)
    const mine = this.#check(id, lock, holder, token)
    if (mine === undefined) return
    Object.assign(mine, { deadline: this.now + ttl, ttl })
    this.answers.set(id, "renewed")
  }

  release(id: number, name: string, holder: string, token: Relation): void {
    const lock = this.lock(name)
    this.settle(lock)
    if (this.#check(id, lock, holder, token) === undefined) return
    this.answers.set(id, "released")
    this.#free(lock, this.now)
  }

  #check(id: number, { held }: ModelLock, holder: string, token: Relation): Held | undefined {
    if (held !== undefined && held.holder === holder && (token === undefined || token === "own")) return held
    if (token === "past") this.answers.set(id, "LockExpired")
    else if (held === undefined) this.answers.set(id, "LockNotHeld")
    else this.answers.set(id, held.holder === holder ? "LockTokenMismatch" : "LockHeldByAnother")
    return undefined
  }

  leave(id: number): void {
    for (const lock of this.locks.values()) lock.queue = lock.queue.filter((waiting) => waiting.id !== id)
  }

  disconnect(client: number, name: string): void {
    const lock = this.lock(name)
    this.settle(lock)
    if (lock.held?.client === client) this.#free(lock, this.now)
  }

  /** Everybody who waits is gone; what is bound waits for its client. */
  restart(resumeMillis: number, sameBoot: boolean): void {
    for (const lock of this.locks.values()) {
      lock.queue = []
      const { held } = lock
      if (held === undefined) continue
      const left = sameBoot ? held.deadline - this.now : held.ttl
      const resumeBy = held.client === undefined ? undefined : this.now + resumeMillis
      lock.held = { ...held, deadline: this.now + left, resumeBy }
    }
  }
}

import { Exit } from "effect"
import type { ChannelName } from "../protocol/channelNames.ts"
import { type LockEvent, LockWaitTimedOut } from "../protocol/locks.ts"
import type { StorageError } from "../protocol/storage.ts"
import { type Database, problemOf } from "../storage/Database.ts"
import type { Sql } from "../storage/sqlite.ts"
import { type Ask, type Batch, decideAll, deltaOf, type Ground, type Outcome } from "./Batch.ts"
import { Deadlines } from "../actors/Deadlines.ts"
import { type Effect, type LockError, resumed, without } from "./decide.ts"
import { BusyMap } from "../actors/BusyMap.ts"
import { Journal, JOURNAL_BATCHES, type Written } from "./Journal.ts"
import { LockIndex } from "./LockIndex.ts"
import * as rows from "./rows.ts"
import { endOf, eventOf, freeLock, type Grant, type HeldState, keyOf, type LockState } from "./state.ts"

/** What a request comes to: an effect with its id, or why it failed. */
export type Answer = Effect | { readonly type: "failed"; readonly error: LockError | StorageError }

export interface TableOptions {
  readonly submit: Database["Service"]["submit"]
  /** Milliseconds on the monotonic clock. */
  readonly now: () => number
  /** Milliseconds on the wall clock; only ever shown. */
  readonly wall: () => number
  readonly bootId: string | null
  readonly limits: () => {
    readonly maxCount: number
    readonly maxWaiterCount: number
    readonly resumeMillis: number
  }
  /** Batches after which the journal is folded. */
  readonly journalBatches?: number
  /**
   * Asks of one batch while more wait; of very many, half are taken. While the rest is decided those who were answered
   * prepare their next ones, in place of waiting with everybody for the end of all.
   */
  readonly batchAsks: () => number
  /** Of a connection that a lock is bound to: whether it is gone. */
  readonly hasLeft: (client: number) => boolean
  readonly announce: (event: LockEvent, channel: ChannelName) => void
  /** Something is due earlier than it was. */
  readonly wake: () => void
}

/** Locks that are free and remembered, beside as many as are held. */
const FREE_LOCKS = 1024

/** Stale deadlines that are let be before they are swept out. */
const STALE_DEADLINES = 1024

/**
 * The locks in memory, always as the store has them. What is asked in one turn is one batch: decided within its
 * transaction, taken over and answered after the COMMIT. While a batch is under way nothing else is decided.
 */
export class Table {
  readonly #options: TableOptions
  #states = new Map<string, LockState>()
  readonly #index = new LockIndex()
  readonly #deadlines = new Deadlines()
  #sweepAt = STALE_DEADLINES
  readonly #answers = new BusyMap<number, (answer: Answer) => void>()
  #pending: Array<Ask> = []
  #isSubmitted = false
  #held = 0
  #nextToken = 1
  #ceiling = 0
  #lastId = 0
  /** Leases that ended while the store could not be written. */
  readonly #leftover = new Set<number>()
  readonly #journal: Journal

  /** Takes over what the store has. Of two leases of one lock, which only damage can leave, the newer one counts. */
  constructor(options: TableOptions, stored: rows.Loaded, leastToken: number) {
    this.#options = options
    const { bootId, journalBatches = JOURNAL_BATCHES, limits, now } = options
    const at = { now: now(), bootId, resumeMillis: limits().resumeMillis }
    this.#ceiling = Math.max(stored.ceiling, leastToken - 1)
    this.#nextToken = this.#ceiling + 1
    const held = new Map<number, HeldState>()
    for (const row of stored.rows) {
      const key = keyOf(row.namespace, row.name)
      const before = this.#states.get(key)
      if (before?.grant !== undefined) this.#leftover.add(before.grant.token)
      const state = { ...freeLock(row.namespace, row.name, key), grant: rows.restore(row, at) }
      this.#put(state)
      held.set(row.token, state)
    }
    this.#journal = new Journal({ ...stored, ceiling: this.#ceiling }, held, { bootId, most: journalBatches })
    this.#plan()
  }

  /** Locks that are held, as of the last commit. */
  get held(): number {
    return this.#held
  }

  /** Every lock that is held now. */
  *list(): Iterable<HeldState> {
    const now = this.#options.now()
    for (const state of this.#states.values()) {
      if (state.grant !== undefined && endOf(state.grant) > now) yield state as HeldState
    }
  }

  newId(): number {
    return ++this.#lastId
  }

  /** Hands in a request with the id that its happening has; `answer` is called once, now or after a COMMIT. */
  ask({ happening, name, namespace }: Omit<Ask, "key">, id: number, answer: (answer: Answer) => void): void {
    this.#answers.set(id, answer)
    this.#hand({ key: keyOf(namespace, name), namespace, name, happening })
  }

  /** Whoever asked for a lock wants it no more: it is not given to it, if it has not been. */
  leave({ name, namespace }: Pick<Ask, "name" | "namespace">, id: number): void {
    if (!this.#answers.delete(id)) return
    const key = keyOf(namespace, name)
    const state = this.#states.get(key)
    if (state !== undefined) this.#states.set(key, without(state, id))
  }

  /** A connection is gone: what was bound to it is free. */
  disconnect(client: number): void {
    for (const { key, name, namespace } of this.#boundTo(LockIndex.client(client))) {
      this.#hand({ key, namespace, name, happening: { type: "disconnect", client } })
    }
  }

  /** Binds to this connection what its secret is good for. */
  resume(client: number, secretHash: string): ReadonlyArray<HeldState> {
    const now = this.#options.now()
    const found = this.#boundTo(LockIndex.secret(secretHash)).flatMap((state) => {
      const next = resumed(state, { client, now, secretHash })
      if (next?.grant === undefined) return []
      this.#put(next)
      this.#deadlines.add(endOf(next.grant), next.key)
      return [next as HeldState]
    })
    return found
  }

  /** Sees to what is due, and gives the instant of what comes next. */
  expire(): number | undefined {
    const now = this.#options.now()
    for (let key = this.#deadlines.take(now); key !== undefined; key = this.#deadlines.take(now)) {
      const state = this.#states.get(key)
      if (state === undefined) continue
      this.#schedule(state, now)
      if (!isDue(state, now)) continue
      this.#hand({ key, namespace: state.namespace, name: state.name, happening: { type: "tick" } })
    }
    return this.#deadlines.next
  }

  #boundTo(owner: string): ReadonlyArray<LockState> {
    return [...this.#index.keys(owner)].map((key) => this.#states.get(key)!)
  }

  #hand(ask: Ask): void {
    this.#pending.push(ask)
    this.#submit()
  }

  #submit(): void {
    if (this.#isSubmitted || this.#pending.length === 0) return
    this.#isSubmitted = true
    let asks: ReadonlyArray<Ask> | undefined
    this.#options.submit(
      (sql) => {
        asks = this.#takePending(Math.max(this.#options.batchAsks(), Math.ceil(this.#pending.length / 2)))
        return this.#decide(asks, sql)
      },
      (exit) => {
        this.#isSubmitted = false
        if (Exit.isSuccess(exit)) this.#takeOver(...exit.value)
        else this.#fail(asks ?? this.#takePending(Infinity), problemOf(exit))
        this.#submit()
      }
    )
  }

  /** So many of the first, without the requests of those who have left. */
  #takePending(most: number): ReadonlyArray<Ask> {
    const asks = this.#pending
    this.#pending = most < asks.length ? asks.splice(most) : []
    return asks.filter(({ happening }) => happening.type !== "acquire" || this.#answers.has(happening.id))
  }

  #decide(asks: ReadonlyArray<Ask>, sql: Sql): readonly [Batch, Written] {
    const { limits, now, wall } = this.#options
    const { maxCount, maxWaiterCount } = limits()
    const ground: Ground = {
      states: this.#states,
      held: this.#held,
      nextToken: this.#nextToken,
      ceiling: this.#ceiling,
      now: now(),
      wall: wall(),
      maxLocks: maxCount,
      maxWaiters: maxWaiterCount
    }
    const batch = decideAll(asks, ground)
    if (batch.ceiling !== ground.ceiling) rows.reserve(sql, batch.ceiling)
    const { leases, over } = deltaOf(batch, ground)
    return [batch, this.#journal.write(sql, { leases, over: [...this.#leftover, ...over] })]
  }

  #takeOver(batch: Batch, written: Written): void {
    this.#journal.take(written)
    this.#nextToken = batch.nextToken
    this.#ceiling = batch.ceiling
    this.#leftover.clear()
    const before = this.#deadlines.next
    for (const state of batch.states.values()) this.#put(state)
    for (const { effect, lock } of batch.outcomes) this.#note(lock, effect)
    this.#sweep()
    const { next } = this.#deadlines
    if (next !== undefined && (before === undefined || next < before)) this.#options.wake()
    for (const outcome of batch.outcomes) this.#tell(outcome)
  }

  #note({ key }: LockState, effect: Effect): void {
    if (effect.type === "waiting") this.#deadlines.add(effect.until, key)
    else if (effect.type === "granted" || effect.type === "renewed") {
      this.#deadlines.add(effect.grant.deadline, key)
    }
  }

  #tell({ effect, lock }: Outcome): void {
    switch (effect.type) {
      case "granted":
        if (!effect.renewed) this.#announce(lock, effect.grant, "acquired")
        break
      case "released":
        this.#announce(lock, effect.grant, effect.id === undefined ? "disconnected" : "released")
        break
      case "expired":
        this.#announce(lock, effect.grant, "expired")
    }
    if ("id" in effect && effect.id !== undefined) this.#answer(effect.id, effect)
    if (effect.type !== "granted" || effect.grant.client === undefined) return
    // It may have left after its request was taken up, and before it was given.
    if (this.#options.hasLeft(effect.grant.client)) this.disconnect(effect.grant.client)
  }

  /**
   * The store can't be written: who asked hears so, and nothing has changed but what needs no store. A lease that is over
   * or whose connection is gone is over all the same; its row is void when it is read. Nobody can be given the lock, so
   * those who wait for it hear so too.
   */
  #fail(asks: ReadonlyArray<Ask>, error: StorageError): void {
    const now = this.#options.now()
    const failed: Array<number> = []
    for (const { happening, key, name, namespace } of asks) {
      if ("id" in happening) failed.push(happening.id)
      const state = this.#states.get(key)
      if (state?.grant === undefined) continue
      const { grant, waiters } = state
      const isGone = happening.type === "disconnect" && happening.client === grant.client
      if (endOf(grant) > now && !isGone) {
        const [late, patient] = partition(waiters, ({ until }) => until <= now)
        if (late.length > 0) this.#states.set(key, { ...state, waiters: patient })
        for (const { id, since } of late) {
          const error = new LockWaitTimedOut({ name, holder: grant.holder, waitedMillis: now - since })
          this.#answer(id, { type: "failed", error })
        }
        continue
      }
      this.#leftover.add(grant.token)
      failed.push(...waiters.map(({ id }) => id))
      this.#put(freeLock(namespace, name, key))
      this.#announce(state, grant, isGone ? "disconnected" : "expired")
    }
    for (const id of failed) this.#answer(id, { type: "failed", error })
  }

  #announce(lock: LockState, grant: Grant, what: Parameters<typeof eventOf>[2]): void {
    this.#options.announce(eventOf(lock, grant, what), lock.channel)
  }

  #answer(id: number, answer: Answer): void {
    const tell = this.#answers.get(id)
    this.#answers.delete(id)
    tell?.(answer)
  }

  /** One that is free is kept until there are many such: names come back, and a table that shrinks and grows is slow. */
  #put(state: LockState): void {
    const { grant, key } = state
    const before = this.#states.get(key)?.grant
    this.#held += Number(grant !== undefined) - Number(before !== undefined)
    this.#index.change(key, before, grant)
    this.#states.set(key, state)
    if (this.#states.size > 2 * this.#held + FREE_LOCKS) this.#forget()
  }

  #forget(): void {
    for (const [key, { grant }] of this.#states) if (grant === undefined) this.#states.delete(key)
  }

  /** When a lock has next to be looked at, later than `after`. */
  #schedule({ grant, key, waiters }: LockState, after: number): void {
    let next = grant === undefined ? Infinity : endOf(grant)
    if (next <= after) next = Infinity
    for (const { until } of waiters) if (until > after && until < next) next = until
    if (next < Infinity) this.#deadlines.add(next, key)
  }

  #sweep(): void {
    if (this.#deadlines.size >= this.#sweepAt) this.#plan()
  }

  /** Every deadline anew, and no stale ones. */
  #plan(): void {
    this.#deadlines.clear()
    for (const state of this.#states.values()) this.#schedule(state, -Infinity)
    this.#sweepAt = 2 * this.#deadlines.size + STALE_DEADLINES
  }
}

const partition = <A>(all: ReadonlyArray<A>, isFirst: (a: A) => boolean): [Array<A>, Array<A>] => [
  all.filter(isFirst),
  all.filter((a) => !isFirst(a))
]

const isDue = ({ grant, waiters }: LockState, now: number): boolean =>
  (grant !== undefined && endOf(grant) <= now) || waiters.some(({ until }) => until <= now)

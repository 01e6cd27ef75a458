import { Effect, Exit, Latch, type Scope } from "effect"
import type { StorageError } from "../protocol/storage.ts"
import { type Database, problemOf } from "../storage/Database.ts"
import type { Sql } from "../storage/sqlite.ts"
import * as deliveries from "./deliveries.ts"

/** Turns of the loop that a write waits for others: a transaction costs far more than what is in it. */
const TURNS = 8

/** What recording a delivery came to. */
export type Recorded =
  | { readonly type: "new"; readonly number: number }
  /** Its sender has sent it before. */
  | { readonly type: "known"; readonly stored: deliveries.Stored }
  /** Its sender has sent something else under this name. */
  | { readonly type: "conflict" }
  | { readonly type: "failed"; readonly error: StorageError }

interface Ask {
  readonly work: (sql: Sql) => unknown
  readonly answer: (result: { readonly value: unknown } | { readonly error: StorageError }) => void
}

interface Beginning {
  readonly run: deliveries.Begun
  readonly answer: (error: StorageError | undefined) => void
}

/** Runs of one write that have begun and not ended. */
interface Batch {
  readonly id: number
  readonly runs: Map<number, deliveries.Begun>
}

/**
 * Changes of deliveries: what is asked for in a few turns of the loop is one write to the store, and is answered once it
 * is safe from the death of every process.
 */
export class Inbox {
  readonly #submit: Database["Service"]["submit"]
  readonly #waiting = Latch.makeUnsafe()
  readonly #batches = new Map<number, Batch>()
  #newest: number
  #lastBatch: number
  #asks: Array<Ask> = []
  #beginnings: Array<Beginning> = []

  constructor(
    database: Pick<Database["Service"], "submit">,
    last: { readonly newest: number; readonly batch: number }
  ) {
    this.#submit = database.submit
    this.#newest = last.newest
    this.#lastBatch = last.batch
  }

  /** `isSame`: whether a body that came under the same name is the same delivery. */
  record(
    delivery: deliveries.NewDelivery,
    isSame: (body: Uint8Array) => boolean,
    answer: (recorded: Recorded) => void
  ): void {
    this.#ask(
      (sql): Recorded => {
        const number = this.#newest + 1
        if (deliveries.insert(sql, number, delivery)) {
          this.#newest = number
          return { type: "new", number }
        }
        const { body, stored } = deliveries.known(sql, delivery)!
        return body === null || isSame(body) ? { type: "known", stored } : { type: "conflict" }
      },
      (result) => answer("error" in result ? { type: "failed", error: result.error } : (result.value as Recorded))
    )
  }

  /** Notes that a run begins, before it does. */
  begin(run: deliveries.Begun, answer: (error: StorageError | undefined) => void): void {
    this.#beginnings.push({ run, answer })
    this.#waiting.openUnsafe()
  }

  /** Of a run that was noted as begun and never was. */
  giveBack(number: number): void {
    this.#ask(
      (sql) => {
        const batch = this.#over(sql, number)
        if (batch !== undefined && batch.runs.size > 0) deliveries.rebegin(sql, batch.id, [...batch.runs.values()])
      },
      () => {}
    )
  }

  end(number: number, ended: deliveries.Ended, answer: (error: StorageError | undefined) => void): void {
    this.#ask(
      (sql) => {
        deliveries.end(sql, number, ended)
        this.#over(sql, number)
      },
      (result) => answer("error" in result ? result.error : undefined)
    )
  }

  /** The store was told that nothing has begun that has not ended. */
  forgetBegun(): void {
    this.#batches.clear()
  }

  /** Hands in what is asked for, for as long as the scope is open. */
  readonly handIn: Effect.Effect<void, never, Scope.Scope> = Effect.gen({ self: this }, function* () {
    for (;;) {
      yield* this.#waiting.await
      for (let turn = 0; turn < TURNS; turn++) yield* Effect.yieldNow
      yield* this.#waiting.close
      this.#write()
    }
  }).pipe(Effect.forkScoped({ startImmediately: true }), Effect.asVoid)

  #ask(work: Ask["work"], answer: Ask["answer"]): void {
    this.#asks.push({ work, answer })
    this.#waiting.openUnsafe()
  }

  #write(): void {
    const asks = this.#asks
    const beginnings = this.#beginnings
    if (asks.length + beginnings.length === 0) return
    this.#asks = []
    this.#beginnings = []
    let newest = this.#newest
    const id = ++this.#lastBatch
    this.#submit(
      (sql) => {
        newest = this.#newest
        if (beginnings.length > 0)
          deliveries.begin(
            sql,
            id,
            beginnings.map(({ run }) => run)
          )
        return asks.map(({ work }) => work(sql))
      },
      (exit) => {
        if (Exit.isFailure(exit)) {
          // A number that was not committed is not given away.
          this.#newest = newest
          const error = problemOf(exit)
          for (const { answer } of asks) answer({ error })
          for (const { answer } of beginnings) answer(error)
          return
        }
        if (beginnings.length > 0) {
          const batch = { id, runs: new Map(beginnings.map(({ run }) => [run[0], run])) }
          for (const { run } of beginnings) this.#batches.set(run[0], batch)
        }
        asks.forEach(({ answer }, at) => answer({ value: exit.value[at] }))
        for (const { answer } of beginnings) answer(undefined)
      }
    )
  }

  /** Undone with the write that fails, it would be done again by the next one: a run that is not there is no mistake. */
  #over(sql: Sql, number: number): Batch | undefined {
    const batch = this.#batches.get(number)
    if (batch === undefined) return undefined
    this.#batches.delete(number)
    batch.runs.delete(number)
    if (batch.runs.size === 0) deliveries.rebegin(sql, batch.id, [])
    return batch
  }
}

import { Effect, Exit, Latch, type Scope } from "effect"
import type { StorageError } from "../protocol/storage.ts"
import { type Database, problemOf } from "../storage/Database.ts"
import type { Sql } from "../storage/sqlite.ts"
import * as deliveries from "./deliveries.ts"

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

/** Turns of the loop that a write waits for others: a transaction costs far more than what is in it. */
const TURNS = 64

/**
 * Changes of deliveries: what is asked for in a few turns of the loop is one write to the store, and is answered once it
 * is safe from the death of every process.
 */
export class Inbox {
  readonly #submit: Database["Service"]["submit"]
  #newest: number
  readonly #waiting = Latch.makeUnsafe()
  #asks: Array<Ask> = []

  constructor(database: Pick<Database["Service"], "submit">, newest: number) {
    this.#submit = database.submit
    this.#newest = newest
  }

  record(delivery: deliveries.NewDelivery, answer: (recorded: Recorded) => void): void {
    this.#ask(
      (sql): Recorded => {
        const number = this.#newest + 1
        if (deliveries.insert(sql, number, delivery)) {
          this.#newest = number
          return { type: "new", number }
        }
        const { digest, stored } = deliveries.known(sql, delivery)!
        const isSame = digest === null || delivery.digest === undefined || delivery.digest.equals(digest)
        return isSame ? { type: "known", stored } : { type: "conflict" }
      },
      (result) => answer("error" in result ? { type: "failed", error: result.error } : (result.value as Recorded))
    )
  }

  /** Notes that a delivery's run begins, before it does. False: it does not wait for one. */
  begin(number: number, answer: (begun: boolean | StorageError) => void): void {
    this.#ask(
      (sql) => deliveries.begin(sql, number),
      (result) => answer("error" in result ? result.error : (result.value as boolean))
    )
  }

  /** Of one that was begun and never ran. */
  giveBack(number: number, nowMillis: number): void {
    this.#ask(
      (sql) => deliveries.giveBack(sql, number, nowMillis),
      () => {}
    )
  }

  end(number: number, ended: deliveries.Ended, answer: (error: StorageError | undefined) => void): void {
    this.#ask(
      (sql) => deliveries.end(sql, number, ended),
      (result) => answer("error" in result ? result.error : undefined)
    )
  }

  #ask(work: Ask["work"], answer: Ask["answer"]): void {
    this.#asks.push({ work, answer })
    if (this.#asks.length === 1) this.#waiting.openUnsafe()
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

  #write(): void {
    let asks: ReadonlyArray<Ask> = []
    const take = () => {
      asks = this.#asks
      this.#asks = []
    }
    let newest = this.#newest
    this.#submit(
      (sql) => {
        take()
        newest = this.#newest
        return asks.map(({ work }) => work(sql))
      },
      (exit) => {
        if (Exit.isSuccess(exit)) return asks.forEach(({ answer }, at) => answer({ value: exit.value[at] }))
        if (asks.length === 0) take()
        // A number that was not committed is not given away.
        this.#newest = newest
        const error = problemOf(exit)
        for (const { answer } of asks) answer({ error })
      }
    )
  }
}

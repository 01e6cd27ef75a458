import { Effect, Exit, Result } from "effect"
import type { StorageError } from "../protocol/storage.ts"
import { type Database, problemOf } from "../storage/Database.ts"
import type { Sql } from "../storage/sqlite.ts"
import { leftIn, MAX_EPOCH, startOf } from "./positions.ts"

/** So many events before its end, the next epoch is written down. */
const AHEAD = 1_000_000

/**
 * The positions of events: they grow from one event to the next and from one daemon to the next, because an epoch is
 * used only once it stands in the store that it is used.
 */
export class Epochs {
  /** Behind it are the events of this daemon; up to it those of the ones before. */
  readonly began: number
  readonly #database: Database["Service"]
  #newest: number
  #reserved: number
  #isReserving = false

  /** With an epoch that nobody has used, written down before it is used. */
  static begin(database: Database["Service"]): Effect.Effect<Epochs, StorageError> {
    return Effect.callback((resume) => Epochs.beginNow(database, (result) => resume(Effect.fromResult(result))))
  }

  /** The same for callers without a fiber. */
  static beginNow(database: Database["Service"], answer: (result: Result.Result<Epochs, StorageError>) => void): void {
    database.submit(takeNext, (exit) =>
      answer(Exit.isSuccess(exit) ? Result.succeed(new Epochs(database, exit.value)) : Result.fail(problemOf(exit)))
    )
  }

  private constructor(database: Database["Service"], epoch: number) {
    this.#database = database
    this.began = this.#newest = startOf(epoch)
    this.#reserved = epoch
  }

  /** Of the newest event; of the beginning, before there is one. */
  get newest(): number {
    return this.#newest
  }

  next(): number {
    const left = leftIn(this.#newest)
    if (left <= AHEAD) this.#reserve()
    if (left === 0) this.#newest = startOf(this.#reserved)
    return ++this.#newest
  }

  #reserve(): void {
    if (this.#isReserving || startOf(this.#reserved) > this.#newest) return
    this.#isReserving = true
    this.#database.submit(takeNext, (exit) => {
      this.#isReserving = false
      if (Exit.isSuccess(exit)) this.#reserved = exit.value
    })
  }
}

/** Writes down that the epoch behind all others is used; which it is. */
const takeNext = (sql: Sql): number => {
  const newest = Number(sql.get("SELECT max(epoch) AS epoch FROM channel_epochs")?.["epoch"] ?? 0)
  // Past the last one, 262,144 starts away, ids would no longer be exact numbers.
  if (newest >= MAX_EPOCH) throw new Error("there are no more epochs")
  sql.run("INSERT INTO channel_epochs (epoch) VALUES (?)", newest + 1)
  sql.run("DELETE FROM channel_epochs WHERE epoch <= ?", newest)
  return newest + 1
}

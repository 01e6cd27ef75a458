import { Exit } from "effect"
import { StorageBusy, type StorageError, StorageFailed, StorageFull, type StorageStatus } from "../protocol/storage.ts"
import { type Connection, type Sql, troubleOf } from "./sqlite.ts"

/** Writes of one transaction: more wait for the next one, so that the loop turns in between. */
const GROUP = 1024
/** So many share a transaction in any case, however long they take. */
const LEAST = 32
/** Writes and answers after which it is asked whether that is enough. */
const LOOK_EACH = 8

/** The log is copied into the file at this size, after the answers: the next group waits for it. */
const LOG_BYTES = 4 * 1024 * 1024

/** Groups after which its size is looked at: that costs as much as a tenth of a small group. */
const LOOK_AFTER = 8

interface Waiting {
  readonly work: (sql: Sql) => unknown
  readonly answer: (exit: Exit.Exit<unknown, StorageError>) => void
  exit: Exit.Exit<unknown, StorageError> | undefined
}

/** Thrown through a group's transaction when it can't go on, with what SQLite said. */
class Abandoned extends Error {}

/**
 * The writes of one turn in one transaction. A write that throws is undone alone (its asker sees a defect); when the
 * disk is full or fails, the whole group is undone and every asker hears so. Nobody is answered before the COMMIT.
 */
export class GroupCommit {
  readonly #connection: Connection
  readonly #path: string
  readonly #capacity: number
  readonly #waiting = new Set<Waiting>()
  /** Their group is committed, or undone. */
  readonly #owed: Array<Waiting> = []
  #state: StorageStatus["state"] = "ok"
  #problem: StorageStatus["problem"] = null
  #closed = false
  #groups = 0
  /** A group that was undone may have left frames in the log, which would look like damage should we be killed. */
  #logIsSoiled = false

  constructor(connection: Connection, options: { readonly path: string; readonly capacity: number }) {
    this.#connection = connection
    this.#path = options.path
    this.#capacity = options.capacity
  }

  get size(): number {
    return this.#waiting.size
  }

  get state(): Pick<StorageStatus, "state" | "problem"> {
    return { state: this.#state, problem: this.#problem }
  }

  /** Takes a write in, or answers at once why not. Returns a way to take it back while it waits. */
  submit<A>(work: (sql: Sql) => A, answer: (exit: Exit.Exit<A, StorageError>) => void): () => void {
    const refusal = this.#refusal()
    if (refusal !== undefined) {
      answer(Exit.fail(refusal))
      return () => {}
    }
    const waiting: Waiting = { work, answer: answer as Waiting["answer"], exit: undefined }
    this.#waiting.add(waiting)
    return () => void this.#waiting.delete(waiting)
  }

  #refusal(): StorageError | undefined {
    if (this.#closed) return new StorageFailed({ path: this.#path, reason: "is closed: the daemon is stopping" })
    if (this.#state === "read-only") return this.#readOnly()
    if (this.#waiting.size >= this.#capacity) return new StorageBusy({ capacity: this.#capacity })
    return undefined
  }

  #readOnly(): StorageFailed {
    return new StorageFailed({
      path: this.#path,
      reason: `is read-only since ${this.#problem?.since}: ${this.#problem?.reason}. Restart hob once the disk is well.`
    })
  }

  /**
   * Runs what waits in one transaction, up to a group, or some of it until that has been `enough`. Those who asked are
   * owed their answers. Never throws.
   */
  commit(enough: () => boolean): void {
    if (this.#waiting.size === 0) return
    const group: Array<Waiting> = []
    const error = this.#state === "read-only" ? this.#readOnly() : this.#transact(group, enough)
    // Nothing can be written, or the transaction could not even begin: a whole group hears so.
    if (group.length === 0) while (group.length < GROUP && this.#waiting.size > 0) this.#takeInto(group)
    if (error !== undefined) for (const waiting of group) waiting.exit = Exit.fail(error)
    this.#owed.push(...group)
  }

  /** Gives the answers that are owed, in order, some at least, until that has been `enough`. Whether there are more. */
  answer(enough: () => boolean): boolean {
    for (let count = 1; this.#owed.length > 0; count++) {
      const { answer, exit } = this.#owed.shift()!
      try {
        answer(exit!)
      } catch (bug) {
        // The others are owed their answers.
        queueMicrotask(() => {
          throw bug
        })
      }
      if (count % LOOK_EACH === 0 && this.#owed.length > 0 && enough()) return true
    }
    if (this.#logIsSoiled || this.#logIsLarge()) this.checkpoint()
    return false
  }

  #logIsLarge(): boolean {
    if (++this.#groups % LOOK_AFTER !== 0) return false
    return this.#connection.logBytes() >= LOG_BYTES
  }

  /** The one that has waited longest. */
  #takeInto(group: Array<Waiting>): Waiting {
    const waiting = this.#waiting.values().next().value!
    this.#waiting.delete(waiting)
    group.push(waiting)
    return waiting
  }

  /** Undefined once the group is committed. */
  #transact(group: Array<Waiting>, enough: () => boolean): StorageError | undefined {
    const { run } = this.#connection
    try {
      run("BEGIN IMMEDIATE")
      if (this.#waiting.size === 1) this.#runOnly(this.#takeInto(group))
      else {
        while (
          this.#waiting.size > 0 &&
          group.length < GROUP &&
          !(group.length >= LEAST && group.length % LOOK_EACH === 0 && enough())
        ) {
          this.#runOne(this.#takeInto(group))
        }
      }
      if (this.#connection.db.isTransaction) {
        run("COMMIT")
        this.#state = "ok"
        this.#problem = null
      }
      return undefined
    } catch (error) {
      this.#rollback()
      return this.#trouble(error instanceof Abandoned ? error.cause : error)
    }
  }

  #runOnly(waiting: Waiting): void {
    if (!this.#attempt(waiting)) this.#rollback()
  }

  #runOne(waiting: Waiting): void {
    const { run } = this.#connection
    run("SAVEPOINT one")
    if (!this.#attempt(waiting)) run("ROLLBACK TO one")
    run("RELEASE one")
  }

  /** False when the work threw for a reason of its own. Throws when the store is in trouble. */
  #attempt(waiting: Waiting): boolean {
    try {
      waiting.exit = Exit.succeed(waiting.work(this.#connection))
      return true
    } catch (error) {
      if (troubleOf(error) !== "other") throw new Abandoned("", { cause: error })
      waiting.exit = Exit.die(error)
      return false
    }
  }

  /** SQLite may have rolled back by itself. */
  #rollback(): void {
    this.#logIsSoiled = true
    try {
      if (this.#connection.db.isTransaction) this.#connection.run("ROLLBACK")
    } catch (error) {
      this.#becomeReadOnly(error)
    }
  }

  #trouble(error: unknown): StorageError {
    if (troubleOf(error) !== "full") {
      this.#becomeReadOnly(error)
      return this.#readOnly()
    }
    if (this.#state === "ok") {
      this.#state = "full"
      this.#problem = { reason: "the disk is full", since: new Date().toISOString() }
    }
    return new StorageFull({ path: this.#path })
  }

  #becomeReadOnly(error: unknown): void {
    if (this.#state === "read-only") return
    this.#state = "read-only"
    this.#problem = { reason: (error as Error).message, since: new Date().toISOString() }
  }

  /** Copies the log into the file. What an fsync once failed to write must never be trusted: then nothing more is written. */
  checkpoint(): void {
    if (this.#state === "read-only") return
    try {
      this.#connection.checkpoint()
      this.#logIsSoiled = false
    } catch (error) {
      if (troubleOf(error) !== "full") this.#becomeReadOnly(error)
    }
  }

  /** Refuses further writes, and finishes those that wait. */
  close(): void {
    this.#closed = true
    const never = () => false
    do {
      this.answer(never)
      this.commit(never)
    } while (this.#owed.length > 0)
    this.checkpoint()
  }
}

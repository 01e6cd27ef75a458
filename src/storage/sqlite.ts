/** SQLite as hob uses it: one connection, one process, a write-ahead log, statements prepared once. Plain Node. */
import { statSync } from "node:fs"
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from "node:sqlite"
import { rowCrc } from "./rowCrc.ts"

/** What an acknowledged write survives: see the setting `storage.durability`. */
export type Durability = "process-crash" | "power-loss"

export type Row = Readonly<Record<string, SQLOutputValue>>

/** Reading. Statements are prepared once and kept: pass values, never write them into the text. */
export interface Reads {
  /** The first row. */
  readonly get: (sql: string, ...values: ReadonlyArray<SQLInputValue>) => Row | undefined
  readonly all: (sql: string, ...values: ReadonlyArray<SQLInputValue>) => ReadonlyArray<Row>
}

/** Reading and writing, within a transaction. */
export interface Sql extends Reads {
  /** How many rows were changed. */
  readonly run: (sql: string, ...values: ReadonlyArray<SQLInputValue>) => number
}

/** More statements than any daemon has; whoever builds texts at run time loses the oldest ones. */
const STATEMENTS = 256

export class Connection implements Sql {
  readonly db: DatabaseSync
  readonly #log: string
  readonly #statements = new Map<string, StatementSync>()

  /**
   * Opens the file, which nobody else may have open: the lock on it is exclusive, so the index of the log needs no
   * shared memory and a second process fails at once. Throws SQLite's errors.
   */
  constructor(path: string, durability: Durability) {
    this.db = new DatabaseSync(path, { timeout: 0 })
    this.#log = `${path}-wal`
    try {
      this.db.function("row_crc", { deterministic: true, varargs: true, useBigIntArguments: true }, rowCrc)
      this.db.exec(`
        PRAGMA locking_mode = EXCLUSIVE;
        PRAGMA journal_mode = WAL;
        PRAGMA wal_autocheckpoint = 0;
        PRAGMA temp_store = MEMORY;
        PRAGMA cell_size_check = ON;
      `)
      this.setDurability(durability)
    } catch (error) {
      this.db.close()
      throw error
    }
  }

  setDurability(durability: Durability): void {
    this.db.exec(`PRAGMA synchronous = ${durability === "power-loss" ? "FULL" : "NORMAL"}`)
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement !== undefined) return statement
    statement = this.db.prepare(sql)
    if (this.#statements.size >= STATEMENTS) this.#statements.delete(this.#statements.keys().next().value!)
    this.#statements.set(sql, statement)
    return statement
  }

  get = (sql: string, ...values: ReadonlyArray<SQLInputValue>): Row | undefined => this.#prepare(sql).get(...values)

  all = (sql: string, ...values: ReadonlyArray<SQLInputValue>): ReadonlyArray<Row> => this.#prepare(sql).all(...values)

  run = (sql: string, ...values: ReadonlyArray<SQLInputValue>): number =>
    Number(this.#prepare(sql).run(...values).changes)

  /** How large the write-ahead log is. */
  logBytes(): number {
    return statSync(this.#log, { throwIfNoEntry: false })?.size ?? 0
  }

  /** Copies the log into the file and empties it. Throws SQLite's errors, which its automatic form would swallow. */
  checkpoint(): void {
    this.#prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()
  }

  close(): void {
    this.#statements.clear()
    this.db.close()
  }
}

/** What an error of SQLite means to the store. `other`: a mistake in a statement or a broken constraint. */
export type Trouble = "full" | "failed" | "corrupt" | "locked" | "other"

const troubles: Readonly<Record<number, Trouble>> = {
  5: "locked", // BUSY
  6: "locked", // LOCKED
  7: "failed", // NOMEM
  8: "failed", // READONLY
  10: "failed", // IOERR
  11: "corrupt", // CORRUPT
  13: "full", // FULL
  14: "failed", // CANTOPEN
  15: "failed", // PROTOCOL
  22: "failed", // NOLFS
  26: "corrupt" // NOTADB
}

/** SQLITE_IOERR_SHORT_READ: the file ends before what it says it holds. */
const SHORT_READ = 522

export const troubleOf = (error: unknown): Trouble => {
  const code = (error as { errcode?: number } | null)?.errcode
  if (code === SHORT_READ) return "corrupt"
  return code === undefined ? "other" : (troubles[code & 0xff] ?? "other")
}

import { Equal } from "effect"
import { closeSync, openSync, readSync, statSync } from "node:fs"
import { appliedSteps, expectedSchema, schemaOf, tables } from "./migrate.ts"
import type { Migration } from "./migrations.ts"
import type { Connection, Row } from "./sqlite.ts"

/** Above this size indexes are no longer compared with their tables at every start: a start must stay short. */
const THOROUGH_BYTES = 256 * 1024 * 1024

/** What is wrong with a file's first bytes, before SQLite has seen it; null when nothing is. */
export const headerProblem = (path: string): string | null => {
  const header = Buffer.alloc(100)
  const fd = openSync(path, "r")
  try {
    // A store is written under another name and renamed once it is whole: it is never empty.
    if (readSync(fd, header, 0, 100, 0) < 100) return "is cut off"
  } finally {
    closeSync(fd)
  }
  if (header.toString("latin1", 0, 16) !== "SQLite format 3\0") return "is not an SQLite file"
  // Otherwise SQLite would not look at the write-ahead log, and the newest changes would silently be gone.
  if (header[18] !== 2 || header[19] !== 2) return "has a damaged header"
  return null
}

/** What is wrong with the file as a whole; null when nothing is. Throws what SQLite throws while it reads. */
export const fileProblem = (connection: Connection, path: string, steps: ReadonlyArray<Migration>): string | null => {
  const check = statSync(path).size > THOROUGH_BYTES ? "quick_check" : "integrity_check"
  const [first] = connection.all(`PRAGMA ${check}(1)`)
  const verdict = String(first?.[check])
  if (verdict !== "ok") return verdict.replace(/^\*\*\* in database main \*\*\*\n/, "")
  if (!tables(connection).includes("migrations")) return "is not a store of hob"
  if (damagedRows(connection, "migrations").length > 0) return "has a damaged record of its version"
  const applied = appliedSteps(connection).length
  // A newer store has steps whose schema is not known here.
  if (applied > steps.length) return null
  return Equal.equals(schemaOf(connection), expectedSchema(steps.slice(0, applied))) ? null : "has a damaged schema"
}

export interface DamagedRow {
  readonly table: string
  readonly content: Row
}

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** The columns of a table that its checksum covers, quoted; empty when it has no checksum. */
export const checkedColumns = (connection: Connection, table: string): ReadonlyArray<string> => {
  const names = connection.all("SELECT name FROM pragma_table_xinfo(?)", table).map(({ name }) => String(name))
  return names.includes("crc") ? names.filter((name) => name !== "crc").map(quote) : []
}

/** The rows of a table whose checksum is not theirs. A table without checksums has none. */
export const damagedRows = (connection: Connection, table: string): ReadonlyArray<DamagedRow> => {
  const columns = checkedColumns(connection, table).join(", ")
  if (columns === "") return []
  const statement = connection.db.prepare(`SELECT ${columns} FROM ${quote(table)} WHERE crc IS NOT row_crc(${columns})`)
  // A flipped bit makes integers that no number can hold.
  statement.setReadBigInts(true)
  return statement.all().map((content) => ({ table, content }))
}

/** Takes the damaged rows out of their tables and keeps what is left of them in `damaged_rows`. */
export const setAsideDamagedRows = (connection: Connection, at: string): ReadonlyArray<DamagedRow> => {
  const damaged = tables(connection).flatMap((table) => damagedRows(connection, table))
  if (damaged.length === 0) return []
  connection.run("BEGIN IMMEDIATE")
  for (const table of new Set(damaged.map(({ table }) => table))) {
    const columns = checkedColumns(connection, table).join(", ")
    connection.run(`DELETE FROM ${quote(table)} WHERE crc IS NOT row_crc(${columns})`)
  }
  for (const { content, table } of damaged) {
    const sql = "INSERT INTO damaged_rows (found_at, table_name, content) VALUES (?, ?, ?)"
    connection.run(sql, at, table, describe(content))
  }
  connection.run("COMMIT")
  return damaged
}

/** A row as text: blobs as hexadecimal digits, integers that JSON can't hold as decimal ones. */
export const describe = (content: Row): string =>
  JSON.stringify(content, (_, value: unknown) => {
    if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
    return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value
  })

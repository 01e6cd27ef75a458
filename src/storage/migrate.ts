import { Connection, type Row, type Sql } from "./sqlite.ts"
import type { Migration } from "./migrations.ts"

const bookkeeping = `
  CREATE TABLE migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at TEXT NOT NULL,
    crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(version, name, applied_at)) STORED
  ) STRICT;
  CREATE TABLE damaged_rows (
    id INTEGER PRIMARY KEY,
    found_at TEXT NOT NULL,
    table_name TEXT NOT NULL,
    content TEXT NOT NULL,
    crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(id, found_at, table_name, content)) STORED
  ) STRICT;
`

/** The names of the steps a store has been through, in order. */
export const appliedSteps = (sql: Pick<Sql, "all">): ReadonlyArray<string> =>
  sql.all("SELECT name FROM migrations ORDER BY version").map(({ name }) => String(name))

/** Takes an empty store, or one at an earlier version, to the newest; all steps or none. */
export const migrate = (connection: Connection, steps: ReadonlyArray<Migration>): void => {
  const { db } = connection
  db.exec("BEGIN IMMEDIATE")
  try {
    if (tables(connection).length === 0) db.exec(bookkeeping)
    const from = appliedSteps(connection).length
    for (const [index, { name, sql }] of steps.entries()) {
      if (index < from) continue
      db.exec(sql)
      connection.run(
        "INSERT INTO migrations (version, name, applied_at) VALUES (?, ?, ?)",
        index + 1,
        name,
        new Date().toISOString()
      )
    }
    db.exec("COMMIT")
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK")
    throw error
  }
}

export const tables = (sql: Pick<Sql, "all">): ReadonlyArray<string> =>
  sql.all("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid").map(({ name }) => String(name))

/** The schema as SQLite holds it, to be compared. */
export const schemaOf = (sql: Pick<Sql, "all">): ReadonlyArray<Row> =>
  sql
    .all("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name")
    // Statistics belong to SQLite.
    .filter(({ name }) => !String(name).startsWith("sqlite_stat"))

/** The schema that these steps make. */
export const expectedSchema = (steps: ReadonlyArray<Migration>): ReadonlyArray<Row> => {
  const memory = new Connection(":memory:", "process-crash")
  try {
    migrate(memory, steps)
    return schemaOf(memory)
  } finally {
    memory.close()
  }
}

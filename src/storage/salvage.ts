/** Bringing over from a damaged store what its checksums vouch for. */
import { closeSync, constants, copyFileSync, existsSync, openSync, rmSync, writeSync } from "node:fs"
import { checkedColumns } from "./inspect.ts"
import { tables } from "./migrate.ts"
import { Connection } from "./sqlite.ts"

/** Tables that are the store's own and are made anew. */
const own = new Set(["migrations", "damaged_rows"])

/**
 * Copies every row that can be read and whose checksum is right from the store at `damaged` (which stays as it is) into
 * `target`, table by table; how many, and from which tables something is missing or might be.
 */
export const salvage = (
  damaged: string,
  target: Connection
): { readonly rows: number; readonly incomplete: ReadonlyArray<string> } => {
  const wanted = tables(target).filter((table) => !own.has(table) && !table.startsWith("sqlite_"))
  const copy = `${damaged}.copy`
  let source: Connection | undefined
  try {
    for (const suffix of ["", "-wal"]) {
      if (existsSync(damaged + suffix)) copyFileSync(damaged + suffix, copy + suffix, constants.COPYFILE_FICLONE)
    }
    restoreHeader(copy)
    source = new Connection(copy, "process-crash")
    let rows = 0
    const incomplete: Array<string> = []
    for (const table of wanted) {
      const outcome = copyTable(source, target, table)
      rows += outcome.rows
      if (!outcome.complete) incomplete.push(table)
    }
    return { rows, incomplete }
  } catch {
    return { rows: 0, incomplete: wanted }
  } finally {
    source?.close()
    for (const suffix of ["", "-wal"]) rmSync(copy + suffix, { force: true })
  }
}

/** The bytes of the header that are the same in every store of hob. */
const restoreHeader = (path: string): void => {
  const fd = openSync(path, "r+")
  try {
    writeSync(fd, Buffer.from("SQLite format 3\0\x10\x00\x02\x02\x00\x40\x20\x20", "latin1"), 0, 24, 0)
  } finally {
    closeSync(fd)
  }
}

/** From both ends: a page that can't be read hides what lies behind it, from one side only. */
const copyTable = (
  source: Connection,
  target: Connection,
  table: string
): { readonly rows: number; readonly complete: boolean } => {
  let rows = 0
  let complete = true
  target.run("BEGIN IMMEDIATE")
  for (const order of ["", " ORDER BY 1 DESC"]) {
    try {
      const known = checkedColumns(source, table)
      const columns = checkedColumns(target, table).filter((column) => known.includes(column))
      const list = columns.join(", ")
      if (columns.length === 0) throw new Error("no checksums")
      const insert = `INSERT OR IGNORE INTO "${table}" (${list}) VALUES (${columns.map(() => "?").join(", ")})`
      const select = source.db.prepare(
        `SELECT ${list}, crc IS row_crc(${known.join(", ")}) AS "_whole" FROM "${table}"${order}`
      )
      select.setReadBigInts(true)
      for (const row of select.iterate()) {
        const values = Object.values(row)
        if (values.pop() === 1n) rows += target.run(insert, ...values)
        else complete = false
      }
      if (complete) break
    } catch {
      complete = false
    }
  }
  target.run("COMMIT")
  return { rows, complete }
}

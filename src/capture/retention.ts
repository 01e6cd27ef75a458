/** How long captures stay open, and how long they are kept. */
import type { Settings } from "../config/settings.ts"
import type { Sql } from "../storage/sqlite.ts"
import * as rows from "./rows.ts"

/** How often it is looked. */
export const SWEEP = "10 minutes"

/** Closes captures of which nothing was heard for long, and forgets closed ones. Gives those that were closed. */
export const sweep = (
  sql: Sql,
  { closeMillis, retainMillis }: Pick<Settings["capture"], "closeMillis" | "retainMillis">,
  now: number
): ReadonlyArray<rows.Stored> => {
  const closed: Array<rows.Stored> = []
  for (const row of rows.all(sql, { state: "closed", quietSince: now - retainMillis })) rows.remove(sql, row.number)
  for (const row of rows.all(sql, { state: "open", quietSince: now - closeMillis })) {
    const next = { ...row, state: "closed" as const }
    rows.update(sql, next)
    closed.push(next)
  }
  return closed
}

/** What is forgotten of deliveries, and when. */
import type { Reads, Sql } from "../storage/sqlite.ts"

/** So many at a time: others write in between. */
const PIECE = 500

/** What has not ended is not forgotten; nor is the newest, for its number must not come again. */
const FORGETTABLE = `FROM webhook_deliveries d JOIN webhook_outcomes o ON o.number = d.number
  WHERE o.state <> 'pending' AND d.number < (SELECT max(number) FROM webhook_deliveries)`

/** Forgets a piece of what is too old, and of what is too much. Answers whether there may be more. */
export const forget = (
  sql: Sql,
  limits: { readonly before: number; readonly excessBytes: number; readonly maxCount: number }
): { readonly more: boolean } => {
  const old = sql.all(
    `SELECT d.number AS number ${FORGETTABLE} AND d.received_millis < ? ORDER BY d.number LIMIT ?`,
    limits.before,
    PIECE
  )
  const excess = Math.min(countOf(sql) - old.length - limits.maxCount, PIECE - old.length)
  const tooMany =
    excess > 0
      ? sql.all(
          `SELECT d.number AS number ${FORGETTABLE} AND d.received_millis >= ? ORDER BY d.number LIMIT ?`,
          limits.before,
          excess
        )
      : []
  for (const { number } of [...old, ...tooMany]) {
    sql.run("DELETE FROM webhook_deliveries WHERE number = ?", number!)
    sql.run("DELETE FROM webhook_outcomes WHERE number = ?", number!)
  }
  let freed = 0
  let bodies = 0
  if (limits.excessBytes > 0) {
    const oldest = sql.all(
      `SELECT d.number AS number, length(d.body) AS bytes ${FORGETTABLE} AND d.body IS NOT NULL ORDER BY d.number LIMIT ?`,
      PIECE
    )
    for (const { bytes, number } of oldest) {
      if (freed >= limits.excessBytes) break
      sql.run("UPDATE webhook_deliveries SET body = NULL WHERE number = ?", number!)
      freed += Number(bytes)
      bodies++
    }
  }
  return { more: old.length + tooMany.length >= PIECE || bodies >= PIECE }
}

const countOf = (sql: Reads): number => Number(sql.get("SELECT count(*) AS n FROM webhook_deliveries")!["n"])

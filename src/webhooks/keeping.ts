/** What is forgotten of deliveries, and when. */
import type { Reads, Sql } from "../storage/sqlite.ts"

/** So many at a time: others write in between. */
const PIECE = 500

const ended = "state NOT IN ('pending', 'running')"

/**
 * Forgets a piece of what is too old, and of what is too much; the newest delivery stays, for its number must not come
 * again. Answers whether there is more, and how many bytes of bodies are gone.
 */
export const forget = (
  sql: Sql,
  limits: { readonly before: number; readonly excessBytes: number; readonly maxCount: number }
): { readonly more: boolean; readonly freed: number } => {
  const old = sql.all(
    `SELECT number FROM webhook_deliveries WHERE received_millis < ? AND ${ended}
       AND number < (SELECT max(number) FROM webhook_deliveries) ORDER BY number LIMIT ?`,
    limits.before,
    PIECE
  )
  const excess = countOf(sql) - old.length - limits.maxCount
  const tooMany =
    excess > 0 && old.length < PIECE
      ? sql.all(
          `SELECT number FROM webhook_deliveries WHERE received_millis >= ? AND ${ended}
             AND number < (SELECT max(number) FROM webhook_deliveries) ORDER BY number LIMIT ?`,
          limits.before,
          Math.min(excess, PIECE - old.length)
        )
      : []
  let freed = 0
  for (const { number } of [...old, ...tooMany]) {
    freed += dropBody(sql, Number(number))
    sql.run("DELETE FROM webhook_deliveries WHERE number = ?", number!)
  }
  let bodies = 0
  if (limits.excessBytes > freed) {
    const oldest = sql.all(
      `SELECT b.number AS number, b.bytes AS bytes FROM webhook_bodies b JOIN webhook_deliveries d ON d.number = b.number
       WHERE d.${ended} ORDER BY b.number LIMIT ?`,
      PIECE
    )
    for (const { number } of oldest) {
      if (freed >= limits.excessBytes) break
      freed += dropBody(sql, Number(number))
      bodies++
    }
  }
  return { more: old.length + tooMany.length >= PIECE || bodies >= PIECE, freed }
}

const countOf = (sql: Reads): number => Number(sql.get("SELECT count(*) AS n FROM webhook_deliveries")!["n"])

const dropBody = (sql: Sql, number: number): number => {
  const bytes = Number(sql.get("SELECT bytes FROM webhook_bodies WHERE number = ?", number)?.["bytes"] ?? 0)
  sql.run("DELETE FROM webhook_bodies WHERE number = ?", number)
  return bytes
}

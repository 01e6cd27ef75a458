/** How the history of runs stays within its bounds. Runs that have not ended are never forgotten. */
import type { Reads, Sql } from "../storage/sqlite.ts"

/** Runs that are forgotten in one go. */
const PORTION = 1000

const totalOf = (sql: Reads, query: string, ...values: ReadonlyArray<string | number>): number =>
  Number(sql.get(query, ...values)?.["total"] ?? 0)

/** How much all runs take. */
export const historyBytes = (sql: Reads): number => totalOf(sql, "SELECT sum(bytes) AS total FROM job_runs")

/** Forgets runs of a job beyond the newest `count`. How many bytes that gave back. */
export const trimJob = (sql: Sql, namespace: string, id: string, count: number): number => {
  const oldest = sql.get(
    "SELECT run FROM job_runs WHERE namespace = ? AND id = ? ORDER BY run DESC LIMIT 1 OFFSET ?",
    namespace,
    id,
    count
  )?.["run"]
  if (oldest === undefined || oldest === null) return 0
  const which = "namespace = ? AND id = ? AND run <= ? AND state NOT IN ('queued', 'running')"
  const bytes = totalOf(sql, `SELECT sum(bytes) AS total FROM job_runs WHERE ${which}`, namespace, id, Number(oldest))
  sql.run(`DELETE FROM job_runs WHERE ${which}`, namespace, id, oldest)
  return bytes
}

/** Forgets some of the oldest runs: those that ended before `endedBefore`, and any until `bytes` are given back. */
export const trimOldest = (
  sql: Sql,
  { bytes, endedBefore }: { readonly bytes: number; readonly endedBefore: string }
): { readonly bytes: number; readonly isMore: boolean } => {
  const rows = sql.all(
    "SELECT run, bytes, ended_at FROM job_runs WHERE state NOT IN ('queued', 'running') ORDER BY run LIMIT ?",
    PORTION
  )
  let freed = 0
  let forgotten = 0
  for (const { bytes: size, ended_at, run } of rows) {
    if (freed >= bytes && String(ended_at) >= endedBefore) break
    sql.run("DELETE FROM job_runs WHERE run = ?", run!)
    freed += Number(size)
    forgotten++
  }
  return { bytes: freed, isMore: forgotten === PORTION }
}

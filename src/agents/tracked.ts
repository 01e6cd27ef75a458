/** Which sessions have an agent, what is known of it, and by which key each was asked for: in memory and in the store. */
import { Effect } from "effect"
import type { AgentSession, Session, SessionId } from "../protocol/index.ts"
import type { Database } from "../storage/Database.ts"
import { isWorking } from "./progress.ts"
import * as rows from "./rows.ts"
import type { AgentRow } from "./rows.ts"

export type Tracked = ReturnType<typeof makeTracked>

export const makeTracked = (database: Database["Service"]) => {
  const tracked = new Map<SessionId, AgentRow>()
  const byKey = new Map<string, SessionId>()
  const put = (row: AgentRow): AgentRow => {
    tracked.set(row.session, row)
    if (row.key !== null) byKey.set(row.key, row.session)
    return row
  }
  const forget = (id: SessionId) =>
    Effect.suspend(() => {
      const row = tracked.get(id)
      if (row === undefined) return Effect.void
      tracked.delete(id)
      if (row.key !== null && byKey.get(row.key) === id) byKey.delete(row.key)
      return Effect.ignore(database.write((sql) => rows.remove(sql, id)))
    })
  /** What one that can't be written down has said is read again, some day. */
  const keep = (row: AgentRow) => Effect.ignore(database.write((sql) => rows.advance(sql, row)))

  return {
    get: (id: SessionId): AgentRow | undefined => tracked.get(id),
    /** What was started by a request with this key. */
    byKey: (key: string): AgentRow | undefined => {
      const id = byKey.get(key)
      return id === undefined ? undefined : tracked.get(id)
    },
    rows: () => tracked.values(),
    size: () => tracked.size,
    put,
    forget,
    keep
  }
}

export const toAgentSession = (row: AgentRow, session: Session): AgentSession => {
  const { agent, input, offset, progress } = row
  const { agentSession, costUsd, lastResult, model, turns } = progress
  const isOpen = session.state === "running" || session.state === "starting"
  return {
    session,
    agent: agent as AgentSession["agent"],
    state: isOpen ? (isWorking(progress) ? "working" : "idle") : "ended",
    takesTurns: isOpen && input === "stream-json",
    agentSession,
    model,
    turns,
    lastResult,
    costUsd,
    offset
  }
}

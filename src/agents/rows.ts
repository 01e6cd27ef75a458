/** Agent sessions in the store: what runs in them, by which key they were asked for, and how far they have been read. */
import { Option, Schema } from "effect"
import { AgentInput, AgentName, AgentOutput } from "../protocol/agentNames.ts"
import { SessionId } from "../protocol/ids.ts"
import type { Reads, Sql } from "../storage/sqlite.ts"
import { Progress } from "./progress.ts"

const Stored = Schema.Struct({
  session_id: SessionId,
  agent: Schema.NullOr(AgentName),
  input: AgentInput,
  output: AgentOutput,
  idempotency_key: Schema.NullOr(Schema.String),
  fingerprint: Schema.String,
  output_offset: Schema.Int,
  progress: Schema.fromJsonString(Progress)
})

/** One agent session. */
export interface AgentRow {
  readonly session: SessionId
  readonly agent: string | null
  readonly input: AgentInput
  readonly output: AgentOutput
  readonly key: string | null
  /** Of the request that started it: tells whether one with the same key is the same. */
  readonly fingerprint: string
  /** Up to which output it has been read. */
  readonly offset: number
  readonly progress: Progress
}

const COLUMNS = "session_id, agent, input, output, idempotency_key, fingerprint, output_offset, progress"
const decode = Schema.decodeUnknownOption(Stored)

export const load = (sql: Reads): ReadonlyArray<AgentRow> =>
  sql
    .all(`SELECT ${COLUMNS} FROM agent_sessions ORDER BY rowid`)
    .flatMap((row) => Option.toArray(decode(row)))
    .map(({ agent, fingerprint, idempotency_key, input, output, output_offset, progress, session_id }) => ({
      agent,
      fingerprint,
      input,
      output,
      progress,
      session: session_id,
      key: idempotency_key,
      offset: output_offset
    }))

export const insert = (sql: Sql, row: AgentRow): void => {
  const { agent, fingerprint, input, key, offset, output, progress, session } = row
  sql.run(
    `INSERT INTO agent_sessions (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    session,
    agent,
    input,
    output,
    key,
    fingerprint,
    offset,
    JSON.stringify(progress)
  )
}

export const advance = (sql: Sql, { offset, progress, session }: AgentRow): void => {
  sql.run(
    "UPDATE agent_sessions SET output_offset = ?, progress = ? WHERE session_id = ?",
    offset,
    JSON.stringify(progress),
    session
  )
}

export const remove = (sql: Sql, session: SessionId): void => {
  sql.run("DELETE FROM agent_sessions WHERE session_id = ?", session)
}

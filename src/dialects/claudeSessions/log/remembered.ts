/** How far the log files are, in the store: so that a new daemon needs not read all of them. */
import { Effect, Schema } from "effect"
import type { StorageError } from "../../../protocol/storage.ts"
import type { Database } from "../../../storage/Database.ts"
import type { Remembered } from "./LogFile.ts"

const Row = Schema.Struct({
  session_id: Schema.String,
  file_bytes: Schema.Int,
  output_offset: Schema.Int,
  input_offset: Schema.Int,
  /** 0 or 1: the session has ended and everything is in the file. */
  complete: Schema.Int
})

const decode = Schema.decodeUnknownEffect(Schema.NullOr(Row))

export interface RememberedLog extends Remembered {
  readonly complete: boolean
}

type Store = Database["Service"]

const COLUMNS = "session_id, file_bytes, output_offset, input_offset, complete"

/** Null when nothing is known of it, or nothing can be read: the file itself says it then. */
export const recall = ({ read }: Store, sessionId: string): Effect.Effect<RememberedLog | null> =>
  read((sql) => sql.get(`SELECT ${COLUMNS} FROM claude_sessions_logs WHERE session_id = ?`, sessionId) ?? null).pipe(
    Effect.flatMap((row) => Effect.orDie(decode(row))),
    Effect.map((row) =>
      row === null
        ? null
        : {
            fileBytes: row.file_bytes,
            output: row.output_offset,
            input: row.input_offset,
            complete: row.complete === 1
          }
    ),
    Effect.catchTag("StorageFailed", () => Effect.succeed(null))
  )

export const remember = (
  { write }: Store,
  sessionId: string,
  { complete, fileBytes, input, output }: RememberedLog
): Effect.Effect<void, StorageError> =>
  write(
    (sql) =>
      void sql.run(
        `INSERT OR REPLACE INTO claude_sessions_logs (${COLUMNS}) VALUES (?, ?, ?, ?, ?)`,
        sessionId,
        fileBytes,
        output,
        input,
        complete ? 1 : 0
      )
  )

/** Sessions that are gone from hob; their files stay. */
export const forgetAllBut = ({ read, write }: Store, sessionIds: ReadonlySet<string>): Effect.Effect<void> =>
  read((sql) => sql.all("SELECT session_id FROM claude_sessions_logs")).pipe(
    Effect.map((rows) => rows.map((row) => String(row["session_id"])).filter((id) => !sessionIds.has(id))),
    Effect.flatMap((gone) =>
      gone.length === 0
        ? Effect.void
        : write((sql) => {
            for (const id of gone) sql.run("DELETE FROM claude_sessions_logs WHERE session_id = ?", id)
          })
    ),
    Effect.catch((error) => Effect.logDebug(`logs of claude-sessions were not forgotten: ${error.message}`))
  )

/** What becomes of the store when something is captured. */
import { Effect, Exit, Result } from "effect"
import { randomBytes } from "node:crypto"
import type { Settings } from "../config/settings.ts"
import type { CaptureAdded, CaptureDisabled } from "../protocol/capture.ts"
import {
  CaptureAmbiguous,
  type CaptureEntry,
  type CaptureId,
  type CaptureMetadata,
  CaptureNotFound,
  TooManyCaptures
} from "../protocol/captureEntries.ts"
import type { StorageError, StorageFailed } from "../protocol/storage.ts"
import { type Database, problemOf } from "../storage/Database.ts"
import type { Reads, Sql } from "../storage/sqlite.ts"
import type { Announcements } from "./announcements.ts"
import * as rows from "./rows.ts"
import type { Seal } from "./seal.ts"

export type Lookup = CaptureNotFound | CaptureAmbiguous

/** What comes with an entry that an agent's hook brought, or a transcript. */
export interface Origin {
  /** Of two entries of one capture with the same key there is only the first. */
  readonly key?: string | undefined
  /** When it was, if not now. ISO 8601. */
  readonly at?: string | undefined
}

export type Refused = Lookup | CaptureDisabled | StorageError

/** What somebody said. A role of a foreign protocol may be any. */
export interface Message extends Origin {
  readonly role: string
  readonly content: string
}

/** Callback-first: see `Captures.addMessage`. */
export type AddMessageOf = (
  ref: string,
  message: Message,
  answer: (exit: Exit.Exit<CaptureAdded, Refused>) => void
) => void

/** An entry whose texts hold no secrets any more. */
export interface MaskedEntry extends Origin {
  readonly type: CaptureEntry["type"]
  readonly body: rows.Body
  readonly cutBytes: number
  readonly masked: number
}

/** Where and of what a capture begins. */
export interface Beginning {
  readonly tool: string
  readonly agentSession?: string | null | undefined
  readonly session?: string | null | undefined
  readonly cwd?: string | null | undefined
  readonly repository: string | null
  readonly branch: string | null
  readonly metadata: CaptureMetadata
  readonly at?: string | undefined
}

export interface LedgerOptions {
  readonly database: Database["Service"]
  readonly seal: Seal
  readonly announcements: Announcements
  readonly limits: () => Pick<Settings["capture"], "captureBytes" | "maxCount">
  /** Milliseconds since 1970. */
  readonly wall: () => number
}

interface Appended {
  readonly row: rows.Stored
  readonly added: CaptureAdded
  readonly isNew: boolean
}

export class Ledger {
  readonly #options: LedgerOptions
  /** What is discarded gives its numbers back to the store: the index of searches must not meet one twice. */
  #newestEntry = 0

  constructor(options: LedgerOptions) {
    this.#options = options
  }

  readonly find = (sql: Reads, ref: string): Result.Result<rows.Stored, Lookup> => {
    const row = rows.byId(sql, ref)
    if (row !== undefined) return Result.succeed(row)
    const found = rows.byPrefix(sql, ref, 10)
    if (found.length === 1) return Result.succeed(found[0]!)
    return Result.fail(
      found.length === 0
        ? new CaptureNotFound({ capture: ref })
        : new CaptureAmbiguous({ capture: ref, matches: found.map(({ id }) => id as CaptureId) })
    )
  }

  readonly lookup = (ref: string): Effect.Effect<rows.Stored, Lookup | StorageFailed> =>
    Effect.flatMap(
      this.#options.database.read((sql) => this.find(sql, ref)),
      Effect.fromResult
    )

  /** The capture of an agent's session in a work tree, if there is one, else a new one. */
  readonly begin = (beginning: Beginning): Effect.Effect<rows.Stored, TooManyCaptures | StorageError> => {
    const { announcements, database, limits, wall } = this.#options
    const { agentSession = null, at, branch, cwd = null, metadata, repository, session = null, tool } = beginning
    return Effect.flatMap(
      database.write((sql) => {
        const known = agentSession === null ? undefined : rows.byAgentSession(sql, { tool, agentSession, repository })
        if (known !== undefined) return { row: this.#told(sql, known, session, metadata), isNew: false }
        if (!this.#makeRoom(sql)) return null
        const row = rows.insert(sql, {
          id: randomBytes(8).toString("hex"),
          tool,
          agent_session: agentSession,
          session_id: session,
          cwd,
          repository,
          branch,
          metadata: JSON.stringify(metadata),
          started_at: at ?? new Date(wall()).toISOString(),
          last_at_millis: wall()
        })
        return { row, isNew: true }
      }),
      (begun) => {
        if (begun === null) return Effect.fail(new TooManyCaptures({ limit: limits().maxCount }))
        if (begun.isNew) announcements.created(begun.row)
        return Effect.succeed(begun.row)
      }
    )
  }

  /** What is heard of one that is known already. */
  #told(sql: Sql, row: rows.Stored, session: string | null, metadata: CaptureMetadata): rows.Stored {
    const said = JSON.stringify({ ...rows.metadataOf(row), ...metadata })
    const next = { ...row, session_id: session ?? row.session_id, metadata: said }
    if (next.session_id !== row.session_id || next.metadata !== row.metadata) rows.update(sql, next)
    return next
  }

  /** Forgets what may be forgotten where there is none. */
  #makeRoom(sql: Sql): boolean {
    if (rows.count(sql) < this.#options.limits().maxCount) return true
    const done = rows.oldestDone(sql)
    if (done === undefined) return false
    rows.remove(sql, done.number)
    return true
  }

  /** Adds an entry; `answer` is called once, behind the COMMIT. */
  readonly add = (
    row: rows.Stored,
    entry: MaskedEntry,
    answer: (exit: Exit.Exit<CaptureAdded, CaptureNotFound | StorageError>) => void
  ): void =>
    this.#options.database.submit(
      (sql) => this.#append(sql, row.number, entry),
      (exit) => {
        if (Exit.isFailure(exit)) return answer(Exit.fail(problemOf(exit)))
        if (exit.value === null) return answer(Exit.fail(new CaptureNotFound({ capture: row.id })))
        const { added, isNew, row: next } = exit.value
        if (isNew) this.#options.announcements.added(next, entry.type, added)
        answer(Exit.succeed(added))
      }
    )

  #append(sql: Sql, number: number, { at, body, cutBytes, key, masked, type }: MaskedEntry): Appended | null {
    const { limits, seal, wall } = this.#options
    const row = rows.byNumber(sql, number)
    if (row === undefined) return null
    const answer = (seq: number | null, leftOut: CaptureAdded["leftOut"] = null): CaptureAdded => ({
      seq,
      cut: cutBytes > 0,
      masked,
      leftOut
    })
    const before = key === undefined ? undefined : rows.seqOfKey(sql, number, key)
    if (before !== undefined) return { row, added: answer(before), isNew: false }
    const text = JSON.stringify(body)
    const bytes = Buffer.byteLength(text)
    if (row.bytes + bytes > limits().captureBytes) {
      const full = { ...row, dropped: row.dropped + 1, last_at_millis: wall() }
      rows.update(sql, full)
      return { row: full, added: answer(null, "full"), isNew: false }
    }
    const seq = row.last_seq + 1
    const isMessage = type === "message"
    const next: rows.Stored = {
      ...row,
      state: "open",
      last_at_millis: wall(),
      last_seq: seq,
      messages: row.messages + Number(isMessage),
      code_changes: row.code_changes + Number(!isMessage),
      unsaved: row.unsaved + 1,
      bytes: row.bytes + bytes,
      masked: row.masked + masked,
      cut: row.cut + Number(cutBytes > 0)
    }
    this.#newestEntry = (this.#newestEntry || rows.newestEntry(sql)) + 1
    rows.addEntry(sql, number, {
      number: this.#newestEntry,
      type,
      seq,
      at: at ?? new Date(wall()).toISOString(),
      body: seal.close(text, rows.entryName(number, seq)),
      cutBytes,
      key: key ?? null
    })
    rows.update(sql, next)
    return { row: next, added: answer(seq), isNew: true }
  }

  /** Counts a change that was left out. */
  readonly exclude = (row: rows.Stored): Effect.Effect<void, StorageError> =>
    this.#options.database.write((sql) => {
      const now = rows.byNumber(sql, row.number)
      if (now !== undefined) rows.update(sql, { ...now, excluded: now.excluded + 1 })
    })

  /** Its agent has ended. */
  readonly close = (row: rows.Stored): Effect.Effect<void, StorageError> =>
    Effect.map(
      this.#options.database.write((sql) => {
        const now = rows.byNumber(sql, row.number)
        if (now === undefined || now.state === "closed") return undefined
        const next = { ...now, state: "closed" as const }
        rows.update(sql, next)
        return next
      }),
      (closed) => (closed === undefined ? undefined : this.#options.announcements.closed(closed, "ended"))
    )
}

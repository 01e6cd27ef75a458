import { Effect, Option, Schema } from "effect"
import { mkdir, readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import type { Session, SessionId, SessionState } from "../protocol/index.ts"
import { ExitFile, type HostSession, SessionFile } from "../protocol/sessionHost.ts"

/**
 * What the daemon knows of one session, from three sources: what was asked for (`session.json`), what the host says
 * while it holds the session, and what it wrote at the end (`exit.json`).
 */
export interface Entry {
  readonly file: SessionFile
  /** The host's last word, while it holds the session. */
  readonly host: HostSession | null
  readonly exit: ExitFile | null
  /** Accepted, and the host has not answered yet. */
  readonly starting: boolean
  /** Of a lost session, once it has been looked for: what its log still holds. */
  readonly remains?: HostSession
}

/** The state follows from what is known: nothing but the host or `exit.json` can say that a session did not get lost. */
export const stateOf = (entry: Entry): SessionState =>
  entry.starting
    ? "starting"
    : entry.exit !== null || (entry.host !== null && entry.host.exit !== null)
      ? "exited"
      : entry.host !== null
        ? "running"
        : "lost"

/** An entry as everybody sees it. */
export const toSession = (entry: Entry): Session => ({
  ...entry.file,
  state: stateOf(entry),
  pid: entry.host?.exit === null ? entry.host.pid : null,
  cols: entry.host?.cols ?? entry.file.cols,
  rows: entry.host?.rows ?? entry.file.rows,
  exit: entry.exit?.exit ?? entry.host?.exit ?? null,
  closedAt: entry.exit?.closedAt ?? entry.host?.closedAt ?? null,
  output: (entry.exit ?? entry.host ?? entry.remains)?.output ?? { oldest: 0, end: 0 },
  logLostBytes: (entry.exit ?? entry.host ?? entry.remains)?.logLostBytes ?? 0,
  clients: entry.host?.clients ?? 0
})

/** The host's word on a session, as an event or in its `hello`, replaces what it said before; its last word is the exit record. */
export const told = (entry: Entry | undefined, host: HostSession): Entry => {
  const { id, name, tags, command, cwd, kind, cols, rows, createdAt } = host
  const file = entry?.file ?? { id, name, tags, command, cwd, kind, cols, rows, createdAt }
  if (host.exit === null || host.closedAt === null) return { file, host, exit: null, starting: false }
  const { exit, closedAt, output, logLostBytes } = host
  return { file, host: null, exit: { exit, closedAt, output, logLostBytes }, starting: false }
}

/**
 * The host's answer to a request. It may have overtaken events that are still to be handled, so it tells of sizes and
 * offsets, but never of an end: that comes with its event, in order.
 */
export const answered = (entry: Entry, host: HostSession): Entry =>
  entry.exit !== null || (entry.host === null && !entry.starting)
    ? entry
    : { ...entry, starting: false, host: { ...host, exit: entry.host?.exit ?? null, closedAt: null } }

const decodeSessionFile = Schema.decodeUnknownOption(Schema.fromJsonString(SessionFile))
const decodeExitFile = Schema.decodeUnknownOption(Schema.fromJsonString(ExitFile))

const readText = (path: string): Effect.Effect<string | null> =>
  Effect.promise(() => readFile(path, "utf8").catch(() => null))

/** Reads one session's directory; null when its `session.json` is missing or damaged. */
export const readEntry = (sessionsDirectory: string, id: string): Effect.Effect<Entry | null> =>
  Effect.gen(function* () {
    const file = decodeSessionFile(yield* readText(join(sessionsDirectory, id, "session.json")))
    if (Option.isNone(file) || file.value.id !== id) return null
    const exit = decodeExitFile(yield* readText(join(sessionsDirectory, id, "exit.json")))
    return { file: file.value, host: null, exit: Option.getOrNull(exit), starting: false }
  })

/** Every session that has a directory. A damaged one is logged and left alone. */
export const readCatalogue = Effect.fn("sessions.readCatalogue")(function* (sessionsDirectory: string) {
  yield* Effect.promise(() => mkdir(sessionsDirectory, { mode: 0o700 }).catch(() => undefined))
  const names = yield* Effect.promise(() => readdir(sessionsDirectory).catch(() => []))
  const entries = new Map<SessionId, Entry>()
  yield* Effect.forEach(
    names,
    (name) =>
      Effect.gen(function* () {
        const entry = yield* readEntry(sessionsDirectory, name)
        if (entry !== null) entries.set(entry.file.id, entry)
        else yield* Effect.logWarning(`${join(sessionsDirectory, name)} has no readable session.json; left alone`)
      }),
    { concurrency: 32, discard: true }
  )
  return entries
})

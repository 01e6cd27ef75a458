import type { Activity, Session, SessionState } from "../protocol/index.ts"
import type { ExitFile, HostSession, SessionFile } from "../protocol/sessionHost.ts"

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
  /** What the screens process says of it, while it runs. */
  readonly activity?: Activity
  readonly title?: string
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
  activity: entry.host?.exit === null && entry.file.kind === "pty" ? (entry.activity ?? unknown(entry)) : null,
  title: entry.title ?? null,
  pid: entry.host?.exit === null ? entry.host.pid : null,
  cols: entry.host?.cols ?? entry.file.cols,
  rows: entry.host?.rows ?? entry.file.rows,
  exit: entry.exit?.exit ?? entry.host?.exit ?? null,
  closedAt: entry.exit?.closedAt ?? entry.host?.closedAt ?? null,
  output: (entry.exit ?? entry.host ?? entry.remains)?.output ?? { oldest: 0, end: 0 },
  logLostBytes: (entry.exit ?? entry.host ?? entry.remains)?.logLostBytes ?? 0,
  clients: entry.host?.clients ?? 0
})

const unknown = ({ file }: Entry): Activity => ({ state: "unknown", since: file.createdAt, agent: null })

/** The host's word on a session, as an event or in its `hello`, replaces what it said before; its last word is the exit record. */
export const told = (entry: Entry | undefined, host: HostSession): Entry => {
  const { id, name, tags, command, cwd, kind, cols, rows, createdAt } = host
  const file = entry?.file ?? { id, name, tags, command, cwd, kind, cols, rows, createdAt }
  if (host.exit === null || host.closedAt === null) return { ...entry, file, host, exit: null, starting: false }
  const { exit, closedAt, output, logLostBytes } = host
  return { ...entry, file, host: null, exit: { exit, closedAt, output, logLostBytes }, starting: false }
}

/**
 * The host's answer to a request. It may have overtaken events that are still to be handled, so it tells of sizes and
 * offsets, but never of an end: that comes with its event, in order.
 */
export const answered = (entry: Entry, host: HostSession): Entry =>
  entry.exit !== null || (entry.host === null && !entry.starting)
    ? entry
    : { ...entry, starting: false, host: { ...host, exit: entry.host?.exit ?? null, closedAt: null } }

/** Not ended: its program runs, or is about to, or has ended while its children still print. */
export const isOpen = (entry: Entry | undefined): boolean =>
  entry !== undefined && (entry.starting || entry.host !== null)

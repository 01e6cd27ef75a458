import type { Activity, Session, SessionState } from "../protocol/index.ts"
import { type ExitFile, type HostSession, SessionFile } from "../protocol/sessionHost.ts"
import { limitsInForce } from "./limits.ts"

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
  /** Clients that follow its output in step, beyond the one that reads for all of them. */
  readonly following?: number
  /** Of a lost session, once it has been looked for: what its log still holds. */
  readonly remains?: HostSession
  /** When it is started anew, in milliseconds since 1970: it has ended and waits for that. */
  readonly restartsAt?: number
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
  id: entry.file.id,
  name: entry.file.name,
  tags: entry.file.tags,
  command: entry.file.command,
  cwd: entry.file.cwd,
  kind: entry.file.kind,
  createdAt: entry.file.createdAt,
  state: stateOf(entry),
  activity: entry.host?.exit === null && entry.file.kind === "pty" ? (entry.activity ?? unknown(entry)) : null,
  title: entry.title || null,
  pid: entry.host?.exit === null ? entry.host.pid : null,
  cols: entry.host?.cols ?? entry.file.cols,
  rows: entry.host?.rows ?? entry.file.rows,
  exit: entry.exit?.exit ?? entry.host?.exit ?? null,
  closedAt: entry.exit?.closedAt ?? entry.host?.closedAt ?? null,
  output: (entry.exit ?? entry.host ?? entry.remains)?.output ?? { oldest: 0, end: 0 },
  logLostBytes: (entry.exit ?? entry.host ?? entry.remains)?.logLostBytes ?? 0,
  clients: entry.host === null ? 0 : Math.max(0, entry.host.clients + (entry.following ?? 0)),
  limits: limitsInForce(entry.file),
  restart: restartOf(entry),
  restartedFrom: entry.file.restartedFrom ?? null,
  restartedAs: entry.file.restartedAs ?? null,
  input: entry.host?.input ?? null
})

const restartOf = ({ file, restartsAt }: Entry): Session["restart"] =>
  file.restart === undefined
    ? null
    : {
        ...file.restart,
        at: restartsAt === undefined ? null : new Date(restartsAt).toISOString(),
        stopped: file.restartStopped ?? null
      }

const unknown = ({ file }: Entry): Activity => ({ state: "unknown", since: file.createdAt, agent: null })

/** The host's word on a session, as an event or in its `hello`, replaces what it said before; its last word is the exit record. */
export const told = (entry: Entry | undefined, host: HostSession): Entry => {
  const file = fileOf(host, entry?.file)
  if (host.exit === null || host.closedAt === null) return { ...entry, file, host, exit: null, starting: false }
  const { exit, closedAt, output, logLostBytes } = host
  return { ...entry, file, host: null, exit: { exit, closedAt, output, logLostBytes }, starting: false }
}

const fileFields = new Set(Object.keys(SessionFile.fields))

/** What the host says that `session.json` says now; its words may be cut short, and sizes change without it. */
const fileOf = (host: HostSession, before: SessionFile | undefined): SessionFile => {
  const told = Object.fromEntries(Object.entries(host).filter(([key]) => fileFields.has(key))) as SessionFile
  return { ...before, ...told, ...(before && { command: before.command, cols: before.cols, rows: before.rows }) }
}

/**
 * The host's answer to a request. It may have overtaken events that are still to be handled, so it tells of sizes and
 * offsets, but never of an end: that comes with its event, in order.
 */
export const answered = (entry: Entry, host: HostSession): Entry =>
  entry.exit !== null || (entry.host === null && !entry.starting)
    ? entry
    : {
        ...entry,
        file: fileOf(host, entry.file),
        starting: false,
        host: { ...host, exit: entry.host?.exit ?? null, closedAt: null }
      }

/** Not ended: its program runs, or is about to, or has ended while its children still print. */
export const isOpen = (entry: Entry | undefined): boolean =>
  entry !== undefined && (entry.starting || entry.host !== null)

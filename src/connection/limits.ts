import { defaultLineLimits } from "../wire/lines.ts"
import { openFilesLimit } from "../wire/openFiles.ts"

/** What one client, and all of them together, may use up. Every one is refused or cut off with an error that says so. */
export interface ConnectionLimits {
  /** The longest line, in bytes. */
  readonly lineBytes: number
  /** The deepest nesting of a line's JSON. */
  readonly depth: number
  /** Requests of one connection that may be in flight. */
  readonly inFlight: number
  /** Connections at once; less where the process may not open that many files. */
  readonly maxConnections: number
  /** Answers waiting in one connection above which nothing more is read from it, and its streams stand still. Bytes. */
  readonly writeBufferBytes: number
  /** How long a client that is owed more than `writeBufferBytes` may read nothing before it is cut off. Milliseconds. */
  readonly stallMillis: number
  /** How long calls in flight may go on once the door is closing. Milliseconds. */
  readonly drainMillis: number
}

export const defaultConnectionLimits: ConnectionLimits = {
  lineBytes: defaultLineLimits.lineBytes,
  depth: defaultLineLimits.depth,
  inFlight: 1024,
  maxConnections: 16_384,
  writeBufferBytes: 256 * 1024,
  stallMillis: 30_000,
  drainMillis: 5_000
}

/** Descriptors kept for everything that is not a connection: logs, the database, children. */
const RESERVED_FILES = 64

/** `maxConnections`, or what the process's own limit of open files leaves of it, and then why. */
export const effectiveMaxConnections = (
  configured: number,
  openFiles: number | undefined = openFilesLimit()
): { readonly max: number; readonly reason: string } => {
  const possible = openFiles === undefined ? Infinity : Math.max(1, openFiles - RESERVED_FILES)
  return possible < configured
    ? {
        max: possible,
        reason: `the process may open ${openFiles} files, and ${RESERVED_FILES} are kept for other uses`
      }
    : { max: configured, reason: "the configured limit" }
}

import type { HostSession, OpenedFrame } from "../protocol/sessionHost.ts"
import type { SessionExit } from "../protocol/sessions.ts"
import type { LogSource } from "./log/LogReader.ts"
import type { Recent } from "./Recent.ts"

/** What a session tells those who read it. */
export interface Reader {
  /** Somebody's client. */
  readonly counted: boolean
  /** Slices of output from this offset on may still be on their way; `Infinity` when none are. */
  readonly pendingFrom: number
  /** Output as it comes: `slices` together begin at `offset`. They stay as they are while `pendingFrom` says so. */
  readonly onOutput: (offset: number, slices: ReadonlyArray<Buffer>, bytes: number) => void
  /** Something was typed, and is in the log. */
  readonly onInput?: () => void
  /** The program has ended, or the session has closed: look again. */
  readonly onChange: () => void
}

/** A session whose output can be read: one that this host holds, or one found on disk. */
export interface Readable {
  readonly log: LogSource
  /** The newest output in memory; null when there is none. */
  readonly recent: Recent | null
  /** The first byte that can still be read. */
  readonly oldest: number
  /** The next byte to come. */
  readonly head: number
  readonly exit: SessionExit | null
  /** No byte follows. */
  readonly closed: boolean
  readonly describe: () => HostSession
  readonly join: (reader: Reader) => void
  /** Only once nothing is on its way any more. */
  readonly leave: (reader: Reader) => void
}

/** The terminal's size at an offset, as `opened` tells it; nothing on pipes. */
export const sizeAt = (source: Readable, offset: number): Pick<OpenedFrame, "size"> => {
  const size = source.log.sizes()?.at(offset)
  return size === undefined ? {} : { size: { cols: size.cols, rows: size.rows } }
}

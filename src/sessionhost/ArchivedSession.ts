import type { ExitFile, HostSession, SessionFile } from "../protocol/sessionHost.ts"
import { findLog, type FoundLog } from "./log/findLog.ts"
import { type LogFs, nodeLogFs } from "./log/LogFs.ts"
import type { Readable } from "./Readable.ts"

/** A session that this host does not hold, read from its directory: finished, or lost with an earlier host. */
export class ArchivedSession implements Readable {
  readonly log: FoundLog
  readonly recent = null
  readonly oldest: number
  readonly head: number
  readonly exit: ExitFile["exit"] | null
  readonly closed = true
  readonly #file: SessionFile
  readonly #exitFile: ExitFile | null

  /** Throws when the directory can't be listed. */
  constructor(directory: string, file: SessionFile, exitFile: ExitFile | null, fs: LogFs = nodeLogFs) {
    const recorded = exitFile === null ? null : { end: exitFile.output.end, lostBytes: exitFile.logLostBytes }
    this.log = findLog(directory, recorded, fs, file.kind === "pty" ? file : null)
    this.oldest = this.log.oldest
    this.head = this.log.end()
    this.exit = exitFile?.exit ?? null
    this.#file = file
    this.#exitFile = exitFile
  }

  readonly describe = (): HostSession => ({
    ...this.#file,
    pid: null,
    exit: this.exit,
    closedAt: this.#exitFile?.closedAt ?? null,
    output: { oldest: this.oldest, end: this.head },
    logLostBytes: this.#exitFile?.logLostBytes ?? 0,
    clients: 0
  })

  readonly join = (): void => {}
  readonly leave = (): void => {}
}

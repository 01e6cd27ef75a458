import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs"
import type { Context } from "../context.ts"
import { ExitCode, Fault } from "../exit.ts"
import { writeAll } from "../stdio.ts"
import { lineStart } from "./output.ts"

export interface LogsOptions {
  readonly follow: boolean
  readonly lines: number
  /** The session-host's log instead of the daemon's. */
  readonly host: boolean
}

const PIECE_BYTES = 64 * 1024
const LOOK_MILLIS = 200

/** `hob logs`. Reads the file: also when the daemon is not running, or why it would not start. */
export const logs = async (context: Context, options: LogsOptions): Promise<number> => {
  const path = options.host ? context.paths.hostLog : context.paths.daemonLog
  let file: LogFile
  try {
    file = new LogFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error
    throw new Fault(
      ExitCode.notRunning,
      `There is no log yet: ${path}.`,
      "`hob start` starts the daemon that writes it."
    )
  }
  file.print(options.lines)
  while (options.follow) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MILLIS))
    file.printNew()
    if (!file.wasReplaced()) continue
    file.close()
    file = new LogFile(path)
    file.printNew()
  }
  file.close()
  return ExitCode.ok
}

/** A log file that grows, and is renamed away when it has become too large. */
class LogFile {
  readonly #path: string
  readonly #fd: number
  readonly #buffer = Buffer.allocUnsafe(PIECE_BYTES)
  #position = 0

  constructor(path: string) {
    this.#path = path
    this.#fd = openSync(path, "r")
  }

  /** The last `lines` lines. */
  print(lines: number): void {
    const end = fstatSync(this.#fd).size
    let text: Buffer = Buffer.alloc(0)
    let from = end
    let start: number | null = null
    while (from > 0 && start === null) {
      const length = Math.min(PIECE_BYTES, from)
      from -= length
      text = Buffer.concat([this.#read(from, length), text])
      start = lineStart(text, lines)
    }
    writeAll(1, text.subarray(start ?? 0))
    this.#position = end
  }

  /** What was added since. */
  printNew(): void {
    for (;;) {
      const piece = this.#read(this.#position, PIECE_BYTES)
      if (piece.length === 0) return
      writeAll(1, piece)
      this.#position += piece.length
    }
  }

  /** Whether another file has the name now. */
  wasReplaced(): boolean {
    try {
      return statSync(this.#path).ino !== fstatSync(this.#fd).ino
    } catch {
      return false
    }
  }

  close(): void {
    closeSync(this.#fd)
  }

  #read(position: number, length: number): Buffer {
    return Buffer.from(this.#buffer.subarray(0, readSync(this.#fd, this.#buffer, 0, length, position)))
  }
}

import { writeSync } from "node:fs"
import { isatty } from "node:tty"
import { ExitCode, Fault } from "./exit.ts"

const pause = new Int32Array(new SharedArrayBuffer(4))

/**
 * Writes all of it before returning, without the stream machinery of `process.stdout`, which costs more to load than
 * most commands take. A reader that is slow holds us up; one that has gone away ends us, as SIGPIPE would.
 */
export const writeAll = (fd: number, data: Uint8Array): void => {
  let position = 0
  while (position < data.length) {
    try {
      position += writeSync(fd, data, position)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // Somebody we share the pipe with made it non-blocking.
      if (code === "EAGAIN") Atomics.wait(pause, 0, 0, 5)
      else if (code === "EPIPE") process.exit(ExitCode.brokenPipe)
      else throw new Fault(ExitCode.failure, `Nothing more could be printed: ${(error as Error).message}.`)
    }
  }
}

export const print = (text: string): void => writeAll(1, Buffer.from(text, "utf8"))
export const printLine = (text: string): void => print(`${text}\n`)
export const printError = (text: string): void => writeAll(2, Buffer.from(`${text}\n`, "utf8"))
export const printJson = (value: unknown): void => printLine(JSON.stringify(value, null, 2))

/** Columns of the terminal that standard output is, or null when it is none. */
export const terminalWidth = (): number | null => (isatty(1) ? (process.stdout.columns ?? null) : null)

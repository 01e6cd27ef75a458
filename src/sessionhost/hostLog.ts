import { fstatSync, ftruncateSync, writeSync } from "node:fs"

const STDERR = 2
/** The host says little and lives long; what it says must still not fill a disk. */
const LIMIT_BYTES = 1024 * 1024

/** Says a line on standard error, which is a log file or nothing. Never throws: a full disk or a closed pipe is no reason to end. */
export const hostLog = (message: string): void => {
  try {
    const { size } = fstatSync(STDERR)
    if (size > LIMIT_BYTES) ftruncateSync(STDERR, 0)
  } catch {
    // A pipe or a terminal can't be cut short.
  }
  try {
    writeSync(STDERR, `${new Date().toISOString()} session-host ${process.pid}: ${message}\n`)
  } catch {
    // Nobody listens.
  }
}

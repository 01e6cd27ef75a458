import { fstatSync, ftruncateSync, writeSync } from "node:fs"

const STDERR = 2
/** It says little, for as long as the host lives. */
const LIMIT_BYTES = 1024 * 1024

/** Says a line on standard error, which is a log file or nothing. Never throws. */
export const screensLog = (message: string): void => {
  try {
    if (fstatSync(STDERR).size > LIMIT_BYTES) ftruncateSync(STDERR, 0)
  } catch {
    // A pipe or a terminal can't be cut short.
  }
  try {
    writeSync(STDERR, `${new Date().toISOString()} screens ${process.pid}: ${message}\n`)
  } catch {
    // Nobody listens.
  }
}

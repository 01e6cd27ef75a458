/** Runs around a whole run, in the process that all test files' processes are children of. */
import { directoriesOf, endLeaks } from "./leaks.ts"

/** What no file's own end has reached: its process died, or a test that was given up went on starting things. */
export const teardown = async (): Promise<void> => {
  for (const directory of directoriesOf(process.pid)) {
    const leaked = await endLeaks(directory, 0)
    if (leaked !== null) process.stderr.write(`${leaked}\n`)
  }
}

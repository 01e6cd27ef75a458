/**
 * What a test file leaves behind. A test that runs into its time limit is given up where it stands, and what it would
 * have ended runs on: daemons and session-hosts are made to outlive who started them.
 *
 * Every file has a directory for all that is temporary, its homes too, and so all that it starts has that directory's
 * name in its environment. Nothing else is ever touched: others may run their tests on this machine.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export interface Leak {
  readonly pid: number
  readonly command: string
}

const FILE = "test-file"
const prefix = (run: number): string => `hob${run}-`

/** A directory for what is temporary in this file; `run` is the process id of the whole run. */
export const makeDirectory = (run: number, file: string): string => {
  const directory = mkdtempSync(join(tmpdir(), prefix(run)))
  writeFileSync(join(directory, FILE), file)
  return directory
}

/** The directories of a run that have not been removed. */
export const directoriesOf = (run: number): ReadonlyArray<string> =>
  readdirSync(tmpdir())
    .filter((name) => name.startsWith(prefix(run)))
    .map((name) => join(tmpdir(), name))

/** What runs with that directory in its environment. */
export const leaksIn = (directory: string): ReadonlyArray<Leak> =>
  readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return []
    try {
      if (!readFileSync(`/proc/${name}/environ`, "latin1").includes(`=${directory}`)) return []
      const command = readFileSync(`/proc/${name}/cmdline`, "latin1").split("\0").join(" ").trim()
      return [{ pid: Number(name), command }]
    } catch {
      return []
    }
  })

/** How long what has been told to end may take. */
const GRACE_MILLIS = 5000
/** Who is ended may have started another meanwhile; somebody who starts them faster than this is not to be had. */
const ROUNDS = 200

/**
 * Waits until nothing of a directory runs, ends what does all the same, and removes the directory. Returns what is to be
 * said about it: null when there was nothing.
 */
export const endLeaks = async (directory: string, graceMillis = GRACE_MILLIS): Promise<string | null> => {
  const deadline = performance.now() + graceMillis
  while (leaksIn(directory).length > 0 && performance.now() < deadline) {
    await new Promise((again) => setTimeout(again, 50))
  }
  const ended = new Map<number, string>()
  let leaks = leaksIn(directory)
  for (let round = 0; leaks.length > 0 && round < ROUNDS; round++, leaks = leaksIn(directory)) {
    for (const { pid, command } of leaks) {
      try {
        process.kill(pid, "SIGKILL")
        ended.set(pid, command)
      } catch {
        // It has ended.
      }
    }
    await new Promise((again) => setTimeout(again, 20))
  }
  const file = readText(join(directory, FILE))
  try {
    rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  } catch {
    // Something is still mounted in it.
  }
  if (ended.size === 0) return null
  const lines = [...ended].map(([pid, command]) => `  ${pid} ${command.slice(0, 150)}`)
  return [`LEAKED by ${file}, and ended now:`, ...lines].join("\n")
}

const readText = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return "?"
  }
}

import { homedir } from "node:os"
import { join } from "node:path"
import { happyHome } from "./machinePaths.ts"

type Environment = Readonly<Record<string, string | undefined>>

/** Where clients of claude-sessions look: below `$HOME`, as they find it. */
export interface ClaudeSessionsPaths {
  /** The home directory below which all of it is. */
  readonly home: string
  readonly socket: string
  /** The directory of {@link ClaudeSessionsPaths.log}. Mode 0700. */
  readonly logs: string
  /** A session's log as JSON lines: its clients open it themselves. */
  readonly log: (sessionId: string) => string
}

export const claudeSessionsPaths = (env: Environment): ClaudeSessionsPaths => {
  const home = homeOf(env)
  const directory = join(home, ".claude-sessions")
  const logs = join(directory, "logs")
  return { home, socket: join(directory, "daemon.sock"), logs, log: (sessionId) => join(logs, `${sessionId}.jsonl`) }
}

/** Where clients of photon look for the daemon of one photon: below `$HOME`, as they find it. */
export const photonPaths = (env: Environment, name: string): { readonly socket: string; readonly pidFile: string } => {
  const directory = join(homeOf(env), ".photon", "daemons")
  return { socket: join(directory, `${name}.sock`), pidFile: join(directory, `${name}.pid`) }
}

/** Where clients of gitify-prompt look: the same directory for all that a user runs, below what they take for the temporary one. */
export const gitifyPaths = (
  env: Environment
): { readonly socket: string; readonly pidFile: string; readonly log: string } => {
  const temporary = (env["TMPDIR"] || env["TMP"] || env["TEMP"] || "/tmp").replace(/(.)\/$/, "$1")
  const directory = join(temporary, "gitify-prompt")
  return {
    socket: join(directory, "daemon.sock"),
    pidFile: join(directory, "daemon.pid"),
    log: join(directory, "daemon.log")
  }
}

/** Where clients of happy look: below `HAPPY_HOME_DIR`, `~/.happy` where that is not set. */
export const happyPaths = (env: Environment) => {
  const home = happyHome(env)
  const state = join(home, "daemon.state.json")
  const logs = join(home, "logs")
  return {
    home,
    /** Where the daemon is: pid, port, version. What clients look at. */
    state,
    /** The pid alone: who has it is the daemon. */
    lock: `${state}.lock`,
    /** The same as in the first, for the oldest clients. */
    metadata: join(home, "daemon-metadata.json"),
    settings: join(home, "settings.json"),
    logs,
    log: (stamp: string, pid: number) => join(logs, `${stamp}-pid-${pid}-daemon.log`)
  }
}

const homeOf = (env: Environment): string => env["HOME"] || env["USERPROFILE"] || homedir()

import { homedir } from "node:os"
import { join } from "node:path"

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

const homeOf = (env: Environment): string => env["HOME"] || env["USERPROFILE"] || homedir()

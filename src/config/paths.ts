import { existsSync } from "node:fs"
import { homedir } from "node:os"
import { basename, dirname, join, resolve } from "node:path"

/** Every file hob uses. Nothing else in the code joins a path of its own. */
export interface Paths {
  /** `HOB_HOME`, else `~/.hob`: configuration, state, logs. Mode 0700. */
  readonly home: string
  /** Sockets: `$HOB_HOME/run`, else `$XDG_RUNTIME_DIR/hob`, else `/run/user/<uid>/hob` where that exists, else `~/.hob/run`. Mode 0700. */
  readonly run: string
  readonly socket: string
  readonly hostSocket: string
  readonly config: string
  /** What hob doesn't know of agents by itself. */
  readonly agents: string
  /** The exclusive lock that makes a daemon the only one of its home. Its content means nothing. */
  readonly lock: string
  /** What the holder of the lock says of itself: pid, start time, owner, socket. Trusted only while the lock is held. */
  readonly lockInfo: string
  readonly hostLock: string
  /** What a session-host tells its successor; there for as long as the change takes. */
  readonly hostState: string
  readonly database: string
  readonly logs: string
  readonly daemonLog: string
  readonly hostLog: string
  readonly screensLog: string
  /** One directory per session, named by its id. */
  readonly sessions: string
  /** What hooks leave while no daemon answers: a file for each call. Mode 0700. */
  readonly captureSpool: string
  /** What a `claude` in a session is given, by the session's id: hob's hooks. Mode 0700. */
  readonly claudeSettings: string
  /** The token of the HTTP API that may do everything. Mode 0600. */
  readonly httpToken: string
  /** Where the HTTP API is, while it is. */
  readonly httpState: string
  /** What may be deleted at any time and is made anew: V8's compiled code. */
  readonly cache: string
  /** The variables that lead another process to these same paths. */
  readonly environment: Readonly<Record<string, string>>
}

/** Computes {@link Paths} from an environment; touches no file but to see whether `/run/user/<uid>` is there. */
export const makePaths = (env: Readonly<Record<string, string | undefined>>): Paths => {
  const explicit = env["HOB_HOME"]
  const isExplicit = explicit !== undefined && explicit !== ""
  const home = isExplicit ? resolve(explicit) : join(env["HOME"] || homedir(), ".hob")
  const run = isExplicit ? join(home, "run") : defaultRun(env, home)
  const logs = join(home, "log")
  return {
    home,
    run,
    socket: join(run, "hob.sock"),
    hostSocket: join(run, "host.sock"),
    config: join(home, "config.json"),
    agents: join(home, "agents.json"),
    lock: join(home, "hob.lock"),
    lockInfo: join(home, "daemon.json"),
    hostLock: join(home, "host.lock"),
    hostState: join(home, "host-state.json"),
    database: join(home, "hob.db"),
    logs,
    daemonLog: join(logs, "daemon.log"),
    hostLog: join(logs, "host.log"),
    screensLog: join(logs, "screens.log"),
    sessions: join(home, "sessions"),
    captureSpool: join(home, "capture-spool"),
    claudeSettings: join(home, "claude-settings"),
    httpToken: join(home, "http.token"),
    httpState: join(home, "http.json"),
    cache: join(home, "cache"),
    environment: isExplicit
      ? { HOB_HOME: home }
      : { HOME: env["HOME"] || homedir(), ...(basename(run) === "hob" ? { XDG_RUNTIME_DIR: dirname(run) } : {}) }
  }
}

// A job or hook started without XDG_RUNTIME_DIR must meet the same daemon as a login shell that has it.
const defaultRun = (env: Readonly<Record<string, string | undefined>>, home: string): string => {
  const runtime = env["XDG_RUNTIME_DIR"]
  if (runtime !== undefined && runtime !== "") return join(runtime, "hob")
  const user = `/run/user/${process.getuid?.() ?? 0}`
  return existsSync(user) ? join(user, "hob") : join(home, "run")
}

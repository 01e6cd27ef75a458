/** Finding the daemon, or starting it. Plain Node: the commands that run hundreds of times a day go through here. */
import { spawn } from "node:child_process"
import { closeSync, existsSync, openSync, readFileSync, realpathSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { entrypoint } from "../config/entrypoints.ts"
import type { Paths } from "../config/paths.ts"
import { wouldBeStarted } from "../config/recordedDaemon.ts"
import { prepareRunDirectory } from "../wire/runDirectory.ts"

/** No daemon runs, and none was to be started. */
export class NotRunning extends Error {
  override readonly name = "NotRunning"
  constructor() {
    super("The hob daemon is not running. `hob start` starts it.")
  }
}

/** The daemon could not be started, or holds its lock without listening. */
export class StartFailed extends Error {
  override readonly name = "StartFailed"
}

export interface EnsureOptions {
  readonly paths: Paths
  /** Whether to start a daemon when none runs. Without it none is started by systemd either, where that holds the socket. */
  readonly start: boolean
  /** Further arguments for a daemon that is started: `-c key=value`. */
  readonly flags?: ReadonlyArray<string>
  /** Where files of systemd are looked for; by default this process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** A daemon of any build, and the Node that runs it. */
export interface DaemonProgram {
  readonly node: string
  readonly entry: string
}

/** What `daemon.json` says, as far as it is needed to find the socket. The whole of it is decoded by storage. */
const recordedSocket = (paths: Paths): string | null => {
  try {
    const record: unknown = JSON.parse(readFileSync(paths.lockInfo, "utf8"))
    return typeof record === "object" && record !== null && "socket" in record && typeof record.socket === "string"
      ? record.socket
      : null
  } catch {
    return null
  }
}

/** Whether somebody accepts connections at this path; rejects only when the path exists and we may not use it. */
const accepts = (path: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const attempt = (left: number) => {
      const socket: Socket = connect(path)
      socket.once("connect", () => {
        socket.destroy()
        resolve(true)
      })
      socket.once("error", (error: NodeJS.ErrnoException) => {
        socket.destroy()
        // A full backlog: the daemon is alive and busy.
        if (error.code === "EAGAIN" && left > 0) setTimeout(attempt, 20, left - 1)
        else if (error.code === "EACCES" || error.code === "EPERM") {
          reject(new StartFailed(`${path} belongs to somebody else or is not readable: ${error.message}`))
        } else resolve(error.code === "EAGAIN")
      })
    }
    attempt(100)
  })

/** A daemon of this home that answers on its socket, or null. The socket may lie elsewhere than our own environment says. */
export const findDaemon = async (paths: Paths): Promise<string | null> => {
  if (await accepts(paths.socket)) return paths.socket
  const recorded = recordedSocket(paths)
  return recorded !== null && recorded !== paths.socket && (await accepts(recorded).catch(() => false))
    ? recorded
    : null
}

/**
 * The socket of this home's daemon; starts one when there is none and `start` is set. However many callers race, one
 * daemon comes of it and all of them succeed. Throws {@link NotRunning} or {@link StartFailed}.
 */
export const ensureDaemon = async (options: EnsureOptions): Promise<{ socket: string; started: boolean }> => {
  if (!options.start && wouldBeStarted(options.paths, options.env ?? process.env)) throw new NotRunning()
  const found = await findDaemon(options.paths)
  if (found !== null) return { socket: found, started: false }
  if (!options.start) throw new NotRunning()
  const deadline = performance.now() + BUSY_MILLIS
  for (let wait = FIRST_WAIT_MILLIS; ; wait *= 2) {
    if ((await spawnDaemon(options)) === "ready") return { socket: options.paths.socket, started: true }
    // Somebody else holds the lock: a daemon that is still starting, one that hangs, or one that was killed, is not
    // quite gone, and leaves it to us. So it is tried again, now and then.
    const again = Math.min(performance.now() + wait, deadline)
    do {
      const socket = await findDaemon(options.paths)
      if (socket !== null) return { socket, started: false }
      await new Promise((resolve) => setTimeout(resolve, 50))
    } while (performance.now() < again)
    if (performance.now() < deadline) continue
    throw new StartFailed(
      `A daemon holds ${options.paths.lock} but does not listen. \`hob status\` tells its pid; \`hob stop --force\` ends it.`
    )
  }
}

/** How long one that holds the lock may take until it listens. */
const BUSY_MILLIS = 30_000
const FIRST_WAIT_MILLIS = 4000

/**
 * Starts a daemon that takes the place of the one that runs, which keeps it until the new one is about to have it. False
 * when that one did not leave. Rejects with {@link StartFailed}.
 */
export const replaceDaemon = async (
  options: Omit<EnsureOptions, "start"> & { readonly program?: DaemonProgram }
): Promise<boolean> =>
  (await spawnDaemon({ ...options, flags: [TAKE_OVER, ...(options.flags ?? [])] }, options.program)) === "ready"

/** Tells a daemon to take the place of the one that runs. */
const TAKE_OVER = "--take-over"

const ownProgram = (): DaemonProgram => ({ node: process.execPath, entry: entrypoint("daemon") })

/** Starts a daemon in a session of its own; `busy` when it found another one holding the lock. */
const spawnDaemon = (
  { flags = [], paths }: Omit<EnsureOptions, "start">,
  program = ownProgram()
): Promise<"ready" | "busy"> =>
  new Promise((resolve, reject) => {
    let log: number
    try {
      prepareRunDirectory(existsSync(paths.home) ? realpathSync(paths.home) : paths.home)
      prepareRunDirectory(paths.logs)
      log = openSync(paths.daemonLog, "a", 0o600)
    } catch (error) {
      return reject(new StartFailed((error as Error).message))
    }
    const child = spawn(program.node, [program.entry, ...flags], {
      detached: true,
      cwd: "/",
      env: daemonEnvironment(paths),
      stdio: ["ignore", log, log, "pipe"]
    })
    closeSync(log)
    const ready = child.stdio[3] as Socket
    let said = ""
    const settle = (outcome: () => void) => {
      clearTimeout(timer)
      child.removeAllListeners()
      child.unref()
      ready.destroy()
      outcome()
    }
    const timer = setTimeout(() => {
      // One that took the place after all would be there behind the back of whoever is told that it did not come.
      if (flags.includes(TAKE_OVER)) child.kill("SIGKILL")
      settle(() => reject(new StartFailed(`The daemon did not start in 30 s. See ${paths.daemonLog}`)))
    }, 30_000)
    ready.on("data", (chunk: Buffer) => {
      said += chunk.toString("utf8")
      const end = said.indexOf("\n")
      if (end < 0) return
      const line = said.slice(0, end)
      settle(() =>
        line === "ready" ? resolve("ready") : line === "busy" ? resolve("busy") : reject(new StartFailed(line))
      )
    })
    child.once("error", (error) => settle(() => reject(new StartFailed(error.message))))
    // `close`, not `exit`: what it said on the pipe comes first.
    child.once("close", (code, signal) =>
      settle(() =>
        reject(new StartFailed(`The daemon ended at once (${signal ?? `exit ${code}`}). See ${paths.daemonLog}`))
      )
    )
  })

/**
 * What the caller has, so that sessions without a caller get a sensible environment; but not which session the caller
 * is in: the daemon is no part of it, and is not to be killed with it.
 */
const daemonEnvironment = (paths: Paths): NodeJS.ProcessEnv => {
  const { HOB_SESSION_ID: _, ...inherited } = process.env
  return { ...inherited, ...paths.environment, HOB_READY_FD: "3" }
}

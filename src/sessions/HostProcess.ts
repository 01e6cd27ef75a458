import { Context, Effect, Layer, Scope } from "effect"
import { spawn } from "node:child_process"
import { closeSync, mkdirSync, openSync } from "node:fs"
import type { Socket } from "node:net"
import { entrypoint } from "../config/entrypoints.ts"
import type { Paths } from "../config/paths.ts"
import { SessionHostUnavailable } from "../protocol/index.ts"
import { connect } from "../wire/unixSocket.ts"
import { inScope, isUnit, managerVariables } from "./hostScope.ts"

/**
 * Reaching the session-host's process: the one that runs, or a new one. The host is detached, so that nothing that
 * happens to this daemon happens to it.
 */
export class HostProcess extends Context.Service<
  HostProcess,
  {
    /** A connected socket; `fresh` when the host had to be started for it. The socket belongs to the scope. */
    readonly connect: Effect.Effect<
      { readonly socket: Socket; readonly fresh: boolean },
      SessionHostUnavailable,
      Scope.Scope
    >
  }
>()("hob/sessions/HostProcess") {
  static readonly layer = (paths: Paths) =>
    Layer.succeed(HostProcess, {
      connect: Effect.acquireRelease(
        connectTo(paths.hostSocket).pipe(
          Effect.map((socket) => ({ socket, fresh: false })),
          Effect.catch(() =>
            start(paths).pipe(
              Effect.andThen(connectTo(paths.hostSocket)),
              Effect.map((socket) => ({ socket, fresh: true }))
            )
          )
        ),
        ({ socket }) => Effect.sync(() => socket.destroy())
      )
    })
}

const connectTo = (path: string): Effect.Effect<Socket, SessionHostUnavailable> =>
  Effect.tryPromise({
    try: () => connect(path),
    catch: (error) => new SessionHostUnavailable({ detail: error instanceof Error ? error.message : String(error) })
  })

/**
 * Starts a host. Under systemd it gets a unit of its own: what stops the daemon's unit would stop the sessions with it.
 * Where that can't be had, it is left in the daemon's unit, which must then not kill what it leaves behind.
 */
const start = (paths: Paths): Effect.Effect<void, SessionHostUnavailable> => {
  const command = [process.execPath, entrypoint("host")]
  if (!isUnit(process.env, process.pid)) return startAs(command, paths)
  return startAs(inScope(command), paths).pipe(
    Effect.catch(({ detail }) =>
      Effect.logWarning(`the session-host gets no unit of its own: ${detail}`).pipe(
        Effect.andThen(startAs(command, paths))
      )
    )
  )
}

/** Waits until it listens (it says so on descriptor 3) or ends. */
const startAs = (command: ReadonlyArray<string>, paths: Paths): Effect.Effect<void, SessionHostUnavailable> =>
  Effect.callback<void, SessionHostUnavailable>((resume) => {
    const fail = (detail: string) => resume(Effect.fail(new SessionHostUnavailable({ detail })))
    let log: number
    try {
      mkdirSync(paths.logs, { mode: 0o700, recursive: false })
    } catch {
      // there already, or openSync says why not
    }
    try {
      log = openSync(paths.hostLog, "a", 0o600)
    } catch (error) {
      return fail((error as Error).message)
    }
    const [file, ...args] = command
    const child = spawn(file!, args, {
      detached: true,
      cwd: "/",
      env: hostEnvironment(paths),
      stdio: ["ignore", log, log, "pipe"]
    })
    closeSync(log)
    child.unref()
    const ready = child.stdio[3] as Socket
    child.once("error", (error) => fail(error.message))
    child.once("exit", (code, signal) =>
      // Code 0: another host won the race for the lock and is listening.
      code === 0 ? resume(Effect.void) : fail(`it ended at once (${signal ?? `exit ${code}`}); see ${paths.hostLog}`)
    )
    ready.once("data", () => {
      ready.destroy()
      resume(Effect.void)
    })
    return Effect.sync(() => ready.destroy())
  }).pipe(
    Effect.timeoutOrElse({
      duration: "20 seconds",
      orElse: () =>
        Effect.fail(new SessionHostUnavailable({ detail: `it did not start in time; see ${paths.hostLog}` }))
    })
  )

/** The host needs to know where its files are and nothing else: what the daemon inherited stays out of it. */
const hostEnvironment = (paths: Paths): NodeJS.ProcessEnv => {
  // The descriptor also tells a kill of the session that a daemon was started from: this process is no part of it.
  const kept: NodeJS.ProcessEnv = { ...paths.environment, HOB_READY_FD: "3" }
  for (const name of ["HOME", "PATH", "TMPDIR", "LANG", "TZ"]) kept[name] ??= process.env[name]
  if (isUnit(process.env, process.pid)) for (const name of managerVariables) kept[name] ??= process.env[name]
  return kept
}

/** What a daemon that a service manager started has to do with it. */
import { Effect, Schedule } from "effect"
import { spawn } from "node:child_process"
import type { Paths } from "../config/paths.ts"
import * as LockFile from "../storage/LockFile.ts"
import { activationVariables, descriptorAt, passedDescriptors } from "../wire/passedSocket.ts"

export interface ServiceManager {
  /** A listening socket at the daemon's path; null when none was passed. */
  readonly passed: number | null
  /** Where the manager waits to hear that the daemon is ready; null when it doesn't. */
  readonly notifySocket: string | null
}

/** Takes what was passed to this process out of its environment, so that nothing it starts believes to be meant. */
export const takePassed = (env: NodeJS.ProcessEnv, pid: number, paths: Pick<Paths, "socket">): ServiceManager => {
  const passed = descriptorAt(passedDescriptors(env, pid), paths.socket)
  const notifySocket = env["NOTIFY_SOCKET"] || null
  for (const name of activationVariables) delete env[name]
  return { passed, notifySocket }
}

/** How long the daemon that has the home may take to leave it; longer than its own bound on a stop, by default. */
const HANDOVER_SECONDS = 20

/**
 * The home's lock. Whoever was passed the socket is who clients reach: a daemon that holds the lock without being
 * reached any more is asked to stop, and its sessions are found again. So is one whose place is to be taken. Its own
 * record says which process it is.
 */
export const acquireLock = (paths: Paths, { passed }: ServiceManager, takeOver = false) => {
  const acquire = LockFile.acquire(paths)
  if (passed === null && !takeOver) return acquire
  return acquire.pipe(
    Effect.catchTag("LockBusy", (busy) => {
      if (busy.holder === null) return Effect.fail(busy)
      const { pid } = busy.holder
      const why = takeOver ? "has the home, and its place is to be taken" : "has the home and not the socket"
      return Effect.logInfo(`the daemon ${pid} ${why}: it is asked to stop`).pipe(
        Effect.andThen(Effect.ignore(Effect.try(() => process.kill(pid, "SIGTERM")))),
        Effect.andThen(
          Effect.retry(acquire, {
            while: ({ _tag }) => _tag === "LockBusy",
            schedule: Schedule.max([Schedule.spaced("20 millis"), Schedule.recurs(HANDOVER_SECONDS * 50)])
          })
        )
      )
    })
  )
}

/**
 * Tells systemd that the daemon is ready. By systemd's own program: its socket takes datagrams, which Node has none of.
 * Without it the manager waits in vain and says so; the units that hob writes ask for this only where the program is.
 */
export const notifyReady = ({ notifySocket }: ServiceManager): Effect.Effect<void> =>
  notifySocket === null
    ? Effect.void
    : Effect.callback<void, Error>((resume) => {
        const child = spawn("systemd-notify", ["--ready"], {
          env: { ...process.env, NOTIFY_SOCKET: notifySocket },
          stdio: "ignore"
        })
        child.once("error", (error) => resume(Effect.fail(error)))
        child.once("exit", (code) =>
          resume(code === 0 ? Effect.void : Effect.fail(new Error(`systemd-notify ended with ${code}`)))
        )
      }).pipe(Effect.catch((error) => Effect.logWarning(`systemd is not told that hob is ready: ${error.message}`)))

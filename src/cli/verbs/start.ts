import type { DaemonStatus } from "../../protocol/daemon.ts"
import { entrypoint } from "../../config/entrypoints.ts"
import type { Context } from "../context.ts"
import { call } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { statusPage } from "../render/status.ts"
import { printLine } from "../stdio.ts"

export interface StartOptions {
  /** Be the daemon, in this process. */
  readonly foreground: boolean
}

/** `hob start` */
export const start = async (context: Context, options: StartOptions): Promise<number> => {
  const { NotRunning, ensureDaemon } = await import("../../client/start.ts")
  const flags = context.settings.flatMap((setting) => ["-c", setting])
  const running = await ensureDaemon({ paths: context.paths, start: false }).then(
    () => true,
    (error: unknown) => {
      if (error instanceof NotRunning) return false
      throw error
    }
  )
  if (!running && !context.mayStart) {
    throw new Fault(
      ExitCode.notRunning,
      "hob is not running, and --no-start (or HOB_NO_START) forbids to start it.",
      "Leave it out to start the daemon."
    )
  }
  if (!running && options.foreground) return foreground(context, flags)
  if (!running) await ensureDaemon({ paths: context.paths, start: true, flags })
  const status = await call<DaemonStatus>({ ...context, mayStart: false }, "daemon.status", {})
  printLine(running ? statusPage(status, Date.now()) : started(status))
  return ExitCode.ok
}

/** The line that says that a daemon has come up, and what it found. */
export const started = (status: DaemonStatus): string => {
  const { running } = status.sessions
  const found = running === 0 ? "" : `, ${running} running session${running === 1 ? "" : "s"} found`
  return `hob is running (pid ${status.pid}${found}). \`hob run -- COMMAND\` starts a session.`
}

/** Becomes the daemon: the same process, so that whoever watches it watches the daemon itself. */
const foreground = async (context: Context, flags: ReadonlyArray<string>): Promise<number> => {
  const args = [entrypoint("daemon"), "--foreground", ...flags]
  const env = { ...process.env, ...context.paths.environment }
  const { spawn } = await import("node:child_process")
  const child = spawn(process.execPath, args, { stdio: "inherit", env })
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.once("error", reject)
    child.once("exit", (code) => resolve(code ?? ExitCode.failure))
  })
}

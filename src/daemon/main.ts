/**
 * The daemon's process: `daemon.js [--foreground] [--take-over] [-c key=value]…`. People use `hob start`; with
 * `--take-over`, as `hob upgrade` starts it, it takes the place of one that runs.
 */
import { Cause, Context, Effect, Exit, Layer } from "effect"
import { existsSync, realpathSync, writeSync } from "node:fs"
import { setFlagsFromString } from "node:v8"
import { leaveSessionGroup } from "../config/cgroups.ts"
import { HobConfig } from "../config/HobConfig.ts"
import { makePaths } from "../config/paths.ts"
import { prepareRunDirectory } from "../wire/runDirectory.ts"
import * as Daemon from "./Daemon.ts"
import * as Logging from "./logging.ts"
import { RotatingFile } from "./RotatingFile.ts"
import { acquireLock, notifyReady, takePassed } from "./serviceManager.ts"
import { Shutdown } from "../actors/Shutdown.ts"

process.umask(0o077)
// What passes through a channel's window lives long enough to count as old: V8 would let four times of what is alive
// gather before it looks, hundreds of megabytes in a flood of large messages. Less than twice costs a fifth more time there.
setFlagsFromString("--heap-growing-percent=80")
// An event in a window outlives one clearing of young objects, and so V8 would soon make all of them as old ones: what
// then passes through a busy channel is found to be dead by marking the whole heap alone, in pauses of milliseconds.
setFlagsFromString("--no-allocation-site-pretenuring")
// One in the foreground belongs to the terminal, and the session, in which it was started.
if (process.env["HOB_READY_FD"] !== undefined) leaveSessionGroup()

const paths = makePaths(process.env)
const manager = takePassed(process.env, process.pid, paths)
const foreground = process.argv.includes("--foreground")
const takeOver = process.argv.includes("--take-over")
const flags = process.argv.flatMap((word, index, words) => (words[index - 1] === "-c" ? [word] : []))

const log = new RotatingFile(paths.daemonLog, { maxBytes: Infinity, files: 1 })
const sink: Logging.LineSink = foreground ? { append: (line) => process.stderr.write(line) } : log

/** Before the configuration is read, what is said by default. */
let logLevel: Logging.Level = "info"

/** Tells who started us how it went: one line, once. `ready`, `busy` (another daemon has the home), or what is wrong. */
let tell = (line: string): void => {
  tell = () => undefined
  const fd = Number(process.env["HOB_READY_FD"])
  if (!Number.isInteger(fd) || fd < 3) return
  try {
    writeSync(fd, `${line.replaceAll("\n", " ")}\n`)
  } catch {
    // Whoever started us has gone.
  }
}

/** The home may be a link to another disk; what lies in it may not. */
const prepareHome = Effect.try({
  try: () => {
    prepareRunDirectory(existsSync(paths.home) ? realpathSync(paths.home) : paths.home)
    prepareRunDirectory(paths.logs)
    prepareRunDirectory(paths.sessions)
  },
  catch: (error) => error as Error
})

const daemon = Effect.gen(function* () {
  yield* prepareHome
  // What would keep this one from starting is found out while the other still runs.
  if (takeOver) yield* Effect.scoped(Layer.build(HobConfig.layer({ paths, env: process.env, flags })))
  const lock = yield* acquireLock(paths, manager, takeOver)
  const passed = manager.passed === null ? {} : { passed: manager.passed }
  const context = yield* Layer.build(Daemon.layer({ paths, flags, ...passed }))
  const config = Context.get(context, HobConfig)
  const shutdown = Context.get(context, Shutdown)
  const { daemon: settings } = yield* config.get

  const configureLog = Effect.map(config.get, ({ daemon }) => {
    log.configure({ maxBytes: daemon.logMaxBytes, files: daemon.logFiles })
    logLevel = daemon.logLevel
  })
  yield* configureLog

  const run = Effect.runForkWith(yield* Effect.context<never>())
  process.on("SIGTERM", () => run(shutdown.request("SIGTERM", "os-signal")))
  process.on("SIGINT", () => run(shutdown.request("SIGINT", "os-signal")))
  process.on("SIGHUP", () => {
    log.reopen()
    run(
      config.reload.pipe(
        Effect.andThen(configureLog),
        Effect.catch((error) => Effect.logError(`the configuration is left as it was: ${error.message}`))
      )
    )
  })

  yield* Effect.logInfo(`hob daemon ${process.pid} answers on ${paths.socket}`)
  tell("ready")
  yield* notifyReady(manager)
  if (foreground) process.stdout.write(`hob daemon ${process.pid} answers on ${paths.socket}\n`)

  // Whoever removes the lock's file lets a second daemon start: then this one had better leave the home to it.
  yield* lock.isStillOurs.pipe(
    Effect.delay("30 seconds"),
    Effect.repeat({ while: (ours) => ours }),
    Effect.andThen(shutdown.request(`${paths.lock} was removed or replaced`)),
    Effect.forkScoped
  )

  const reason = yield* shutdown.requested
  yield* Effect.logInfo(`hob daemon ${process.pid} stops: ${reason}`)
  // Whatever hangs below, the process ends: its lock goes with it, and the socket's file is harmless without a listener.
  setTimeout(() => {
    sink.append(
      `${new Date().toISOString()} WARN the stop took longer than ${settings.shutdownMillis} ms and is cut off\n`
    )
    process.exit(0)
  }, settings.shutdownMillis).unref()
}).pipe(Effect.scoped)

// A bug in a callback must not end what everybody leans on; it is in the log.
process.on("uncaughtException", (error) => sink.append(`${new Date().toISOString()} ERROR uncaught: ${error.stack}\n`))
process.on("unhandledRejection", (error) =>
  sink.append(`${new Date().toISOString()} ERROR unhandled: ${String(error)}\n`)
)

process.chdir("/")
const exit = await Effect.runPromiseExit(
  Effect.provide(
    daemon,
    Logging.layer(sink, () => logLevel)
  )
)
if (Exit.isSuccess(exit)) process.exit(0)

const failure = Cause.squash(exit.cause)
if (typeof failure === "object" && failure !== null && "_tag" in failure && failure._tag === "LockBusy") {
  tell("busy")
  process.stderr.write(foreground ? "Another daemon has this home. `hob status` shows it.\n" : "")
  process.exit(0)
}
const message = failure instanceof Error ? failure.message : String(failure)
tell(message)
sink.append(`${new Date().toISOString()} ERROR the daemon can't start: ${message}\n`)
process.exit(1)

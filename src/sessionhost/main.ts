/**
 * The session-host process: `node host.js`, its files where `HOB_HOME` and the like say. It says `ready` on descriptor
 * 3 when it was given one, else on standard output, once its socket answers; it exits with 0 when another host is
 * running already. `host.js --check-takeover` and `--take-over FILE` are how it replaces itself: docs/operations.md.
 */
import { fstatSync, writeSync } from "node:fs"
import { leaveSessionGroup } from "../config/cgroups.ts"
import { makePaths } from "../config/paths.ts"
import { shedBirthmark } from "./birthmark.ts"
import { hostLog } from "./hostLog.ts"
import { programs } from "./programs.ts"
import { runHost } from "./runHost.ts"
import { startScreens } from "./startScreens.ts"
import { answerCheck, CHECK_ARGUMENT, TAKE_OVER_ARGUMENT } from "./upgrade/check.ts"
import { receive } from "./upgrade/takeOver.ts"

process.umask(0o077)
process.title = "hob session-host"
leaveSessionGroup()
shedBirthmark()

// Nothing that one session's code does wrong may end the others.
process.on("uncaughtException", (error) => hostLog(`a bug: ${error.stack ?? error.message}`))
process.on("unhandledRejection", (reason) =>
  hostLog(`a bug: ${reason instanceof Error ? reason.stack : String(reason)}`)
)
// Whoever started it is gone, or its terminal is; that is what it is for.
process.on("SIGHUP", () => {})
process.on("SIGPIPE", () => {})

const READY_FD = 3

/** Descriptor 3 is the starter's when it is a pipe or a socket; otherwise it is something of Node's own. */
const sayReady = (): void => {
  let fd = 1
  try {
    const stat = fstatSync(READY_FD)
    if (stat.isSocket() || stat.isFIFO()) fd = READY_FD
  } catch {
    // Not given.
  }
  try {
    writeSync(fd, "ready\n")
  } catch {
    // The starter is gone; the next one connects.
  }
}

const [, , task, file] = process.argv
if (task === CHECK_ARGUMENT) {
  await answerCheck()
  process.exit(0)
}

try {
  const paths = makePaths(process.env)
  const predecessor = task === TAKE_OVER_ARGUMENT ? receive(file!, hostLog) : null
  const running = await runHost({
    paths,
    programs,
    startScreens: startScreens(paths),
    log: hostLog,
    onEnd: () => process.exit(0),
    predecessor
  })
  if (running === null) process.exit(0)
  // A logout or a shutdown sends SIGTERM to everything of a user. What a session is for is to outlive that where the
  // system allows it (lingering users, containers), and where it doesn't, SIGKILL follows and the logs are kept. So
  // SIGTERM ends no session: the host leaves at once if it holds none, and otherwise with the last one.
  process.on("SIGTERM", running.terminate)
  process.on("SIGINT", running.terminate)
  // Whoever started a predecessor has been told.
  if (predecessor === null) sayReady()
} catch (error) {
  hostLog(error instanceof Error ? error.message : String(error))
  process.exit(1)
}

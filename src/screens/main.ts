/**
 * The screens process: started by the session-host with `HOB_SCREENS_TOKEN`, its files where `HOB_HOME` and the like
 * say. It ends when its connection to the host does. It may be killed at any time: what it knows follows from the logs.
 */
import { setPriority } from "node:os"
import { makePaths } from "../config/paths.ts"
import { HostConnection } from "./HostConnection.ts"
import { Screens } from "./Screens.ts"
import { screensLog } from "./screensLog.ts"

/**
 * Behind the programs that it looks at, where the system weighs them against each other: with Linux's autogroups it
 * does not, and more than this would keep answers waiting (docs/decisions/0017).
 */
const NICENESS = 10

process.umask(0o077)
process.title = "hob screens"
process.on("SIGHUP", () => {})
process.on("SIGPIPE", () => {})

try {
  setPriority(NICENESS)
} catch {
  // Where that is not allowed it competes with them.
}

const paths = makePaths(process.env)
try {
  const host = await HostConnection.open(paths.hostSocket, process.env["HOB_SCREENS_TOKEN"] ?? "")
  const screens = new Screens({ host, directory: paths.sessions, agents: paths.agents, log: screensLog })
  // A bug met one session: it is begun anew from its log, in another process, and the others lose nothing by it.
  const fail = (error: unknown) => {
    screensLog(`a bug: ${error instanceof Error ? error.stack : String(error)}`)
    process.exit(1)
  }
  process.on("uncaughtException", fail)
  process.on("unhandledRejection", fail)
  const leave = (failure: unknown = null) => {
    if (failure instanceof Error) screensLog(failure.message)
    screens.close()
    process.exit(failure instanceof Error ? 1 : 0)
  }
  process.on("SIGTERM", () => leave())
  process.on("SIGINT", () => leave())
  void host.closed.then(leave)
  await screens.start()
} catch (error) {
  screensLog(error instanceof Error ? error.message : String(error))
  process.exit(1)
}

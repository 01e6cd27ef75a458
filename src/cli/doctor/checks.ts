import { checkDaemon, checkDialects, checkStale, checkVersions } from "./checkDaemon.ts"
import { checkFiles, checkLeftovers, checkSocketPath } from "./checkFiles.ts"
import { checkSessions } from "./checkSessions.ts"
import { checkConfig, checkNesting, checkService, checkShell } from "./checkSurroundings.ts"
import { checkClock, checkContainment, checkLimits } from "./checkSystem.ts"
import type { Finding } from "./finding.ts"
import type { Snapshot } from "./snapshot.ts"

/** Everything that is looked at, in the order in which it is shown. */
export const checks: ReadonlyArray<(snapshot: Snapshot) => ReadonlyArray<Finding>> = [
  checkDaemon,
  checkVersions,
  checkFiles,
  checkSocketPath,
  checkStale,
  checkLeftovers,
  checkSessions,
  checkConfig,
  checkDialects,
  checkLimits,
  checkContainment,
  checkClock,
  checkShell,
  checkNesting,
  checkService
]

export const examine = (snapshot: Snapshot): ReadonlyArray<Finding> => checks.flatMap((check) => check(snapshot))

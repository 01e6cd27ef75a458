/** A session-host that gives its successor one second to say that it can take over. */
import { makePaths } from "../../../src/config/paths.ts"
import { hostLog } from "../../../src/sessionhost/hostLog.ts"
import { programs } from "../../../src/sessionhost/programs.ts"
import { runHost } from "../../../src/sessionhost/runHost.ts"
import { writeSync } from "node:fs"

await runHost({
  paths: makePaths(process.env),
  programs,
  log: hostLog,
  onEnd: () => process.exit(0),
  checkMillis: 1_000
})
writeSync(3, "ready\n")

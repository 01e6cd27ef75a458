/** `hob service` as it is on macOS: `install`, `uninstall` or `status`, with the `launchctl` of the PATH. */
import { makeContext } from "../../../../src/cli/context.ts"
import { report } from "../../../../src/cli/report.ts"
import { serviceInstall, serviceStatus, serviceUninstall } from "../../../../src/cli/verbs/service.ts"
import { makePaths } from "../../../../src/config/paths.ts"

const verbs = { install: serviceInstall, uninstall: serviceUninstall, status: serviceStatus }
const context = makeContext(makePaths(process.env), process.env, { noStart: false, settings: [] })
const verb = verbs[process.argv[2] as keyof typeof verbs]
process.exitCode = await verb(context, { json: false }, "darwin").catch(report)

import { spawn } from "node:child_process"
import { closeSync, mkdirSync, openSync } from "node:fs"
import { entrypoint } from "../config/entrypoints.ts"
import type { Paths } from "../config/paths.ts"
import { childDescriptors } from "./ChildDescriptors.ts"
import type { StartScreens } from "./ScreensLink.ts"

/**
 * Every line is young garbage. As much memory as Node takes for that by default would be gone for nothing after one flood
 * of lines, and parses no faster; and V8, seeing lines that lived a little, would make all later ones among what is old,
 * where they are tens of megabytes before it looks for them.
 */
const FEW_MEGABYTES = ["--max-semi-space-size=2", "--no-allocation-site-pretenuring"]

/** Starts the screens process as a child of this one; what it says goes to its log. */
export const startScreens =
  (paths: Paths): StartScreens =>
  (token) => {
    mkdirSync(paths.logs, { recursive: true, mode: 0o700 })
    const log = openSync(paths.screensLog, "a", 0o600)
    const env: NodeJS.ProcessEnv = { ...paths.environment, HOB_SCREENS_TOKEN: token, HOB_READY_FD: "" }
    for (const name of ["HOME", "PATH", "TMPDIR", "LANG", "TZ"]) env[name] ??= process.env[name]
    try {
      const child = childDescriptors.withStdio(["ignore", log, log], (stdio) =>
        spawn(process.execPath, ["--expose-gc", ...FEW_MEGABYTES, entrypoint("screens")], {
          detached: true,
          cwd: "/",
          env,
          stdio
        })
      )
      return {
        kill: () => void child.kill("SIGKILL"),
        ended: new Promise((resolve) => {
          child.once("error", (error) => resolve(error.message))
          child.once("exit", (code, signal) => resolve(signal ?? `exit ${code}`))
        })
      }
    } finally {
      closeSync(log)
    }
  }

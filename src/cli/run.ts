import type { Paths } from "../config/paths.ts"
import { makeContext } from "./context.ts"
import { hotAction } from "./hot.ts"
import { report } from "./report.ts"

/** Runs one command and ends the process with its exit code. */
export const main = async (argv: ReadonlyArray<string>, paths: Paths): Promise<never> => {
  const hot = hotAction(argv)
  try {
    if (hot === null) {
      const { runTree } = await import("./tree.ts")
      process.exit(await runTree(argv, paths))
    }
    process.exit(await hot.action(makeContext(paths, process.env, { noStart: hot.noStart, settings: [] })))
  } catch (error) {
    process.exit(report(error))
  }
}

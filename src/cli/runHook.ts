import { writeSync } from "node:fs"
import type { Paths } from "../config/paths.ts"
import { makeContext } from "./context.ts"
import { ExitCode } from "./exit.ts"
import { captureHook } from "./verbs/captureHook.ts"

/** Those that every command has; some are given a value. Any other is none of the hook's, and may be a later version's. */
const FLAG = /^(?:--no-start|--config(?:=.*)?|-c.*|--help|-h|--version|-v)$/s

/**
 * `hob capture hook AGENT [EVENT]`, for which an agent waits each time: a bundle of its own, a quarter of what the other
 * commands load. Ends the process, with 0 whatever it is given: agents take other codes for a refusal.
 */
export const main = async (argv: ReadonlyArray<string>, paths: Paths): Promise<never> => {
  const [agent, event = null] = argv.slice(2)
  const unknown =
    agent === undefined ? undefined : [agent, event].find((word) => word?.startsWith("-") && !FLAG.test(word))
  if (agent === undefined || unknown !== undefined) {
    complain(agent === undefined ? "no agent is named" : `${unknown} is not a flag of the hook`)
  } else if (agent.startsWith("-") || event?.startsWith("-") === true) {
    const { runTree } = await import("./tree.ts")
    await runTree(argv, paths)
  } else await captureHook(makeContext(paths, process.env, { noStart: false, settings: [] }), { agent, event })
  process.exit(ExitCode.ok)
}

const complain = (what: string): void => {
  try {
    writeSync(2, `hob capture: ${what}: \`hob capture hook --help\` explains it\n`)
  } catch {
    // Nobody reads it.
  }
}

import type { Paths } from "../config/paths.ts"
import { makeContext } from "./context.ts"
import { captureHook } from "./verbs/captureHook.ts"

/**
 * `hob capture hook AGENT [EVENT]`, for which an agent waits each time: a bundle of its own, a quarter of what the other
 * commands load. Ends the process.
 */
export const main = async (argv: ReadonlyArray<string>, paths: Paths): Promise<never> => {
  const [agent, event = null] = argv.slice(2)
  if (agent === undefined || agent.startsWith("-") || event?.startsWith("-") === true) {
    const { runTree } = await import("./tree.ts")
    process.exit(await runTree(argv, paths))
  }
  process.exit(await captureHook(makeContext(paths, process.env, { noStart: false, settings: [] }), { agent, event }))
}

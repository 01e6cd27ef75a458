import { createContext, type Context, Script } from "node:vm"

const script = new Script("act()")
let context: (Context & { act?: () => void }) | undefined

/** How often something is tried that had its time over while it was not its turn on the processor. */
const TRIES = 10

/**
 * Does something that may take for ever, such as matching a regular expression, and gives up after so much of its own
 * time: null then. `act` may be done more than once: this process gives way to others, and time that they took does not
 * count.
 */
export const limited = <A>(millis: number, act: () => A): { readonly done: A } | null => {
  let result: { readonly done: A } | null = null
  context ??= createContext({})
  context.act = () => (result = { done: act() })
  for (let attempt = 1; ; attempt++) {
    const before = process.cpuUsage()
    try {
      script.runInContext(context, { timeout: millis })
      return result
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error
      const { system, user } = process.cpuUsage(before)
      if ((user + system) / 1000 >= millis / 2 || attempt === TRIES) return null
    }
  }
}

/** The toy door in a process of its own. Answers `{ ask }` messages about itself. */
import { closeSync, openSync, writeSync } from "node:fs"
import { dirname, join } from "node:path"
import { closeDoors, openDoor } from "../toy.ts"

const door = await openDoor(JSON.parse(process.argv[2] ?? "{}"))

/** Resolves once its loop has waited for something to do most of some time; never while it goes round without a reason. */
const rest = (): Promise<true> =>
  new Promise((resolve) => {
    const began = performance.eventLoopUtilization()
    setTimeout(() => resolve(performance.eventLoopUtilization(began).utilization < 0.5 || rest()), 50)
  })

const facts: Record<string, () => unknown> = {
  memory: () => ({ ...process.memoryUsage(), peak: process.resourceUsage().maxRSS * 1024 }),
  rest: () => rest(),
  // What a log or a journal must still be able to do.
  file: () => {
    const file = openSync(join(dirname(door.path), "note"), "w")
    writeSync(file, "note")
    closeSync(file)
    return true
  }
}
process.on("message", async ({ ask }: { readonly ask: string }) => {
  if (ask === "close") {
    await closeDoors()
    process.exit()
  }
  process.send!({ [ask]: await facts[ask]!() })
})
process.send!({ path: door.path })

// Whatever becomes of the test.
process.once("disconnect", () => process.exit())

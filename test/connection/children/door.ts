/** The toy door in a process of its own. Answers `{ ask }` messages about itself. */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs"
import { dirname, join } from "node:path"
import { closeDoors, openDoor } from "../toy.ts"

const door = await openDoor(JSON.parse(process.argv[2] ?? "{}"))

/** Resolves once its loop has waited for something to do most of some time; never while it goes round without a reason. */
const rest = (): Promise<true> =>
  new Promise((resolve) => {
    const began = performance.eventLoopUtilization()
    setTimeout(() => resolve(performance.eventLoopUtilization(began).utilization < 0.5 || rest()), 50)
  })

/** The most that was resident. Linux counts what a process had before its program, a copy of its parent, in `maxRSS`. */
const peak = (): number => {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS * 1024
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))![1]) * 1024
}

const facts: Record<string, () => unknown> = {
  memory: () => ({ ...process.memoryUsage(), peak: peak() }),
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

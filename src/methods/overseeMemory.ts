import { Effect } from "effect"
import type { Settings } from "../config/settings.ts"
import { residentBytes } from "./residentBytes.ts"
import { memoryReason, type Worker } from "./Worker.ts"

/** While it runs something it may take up memory fast; otherwise only its timers may. */
const LOOK_BUSY = "1 second"
const LOOK_IDLE = "10 seconds"

/**
 * Ends a process that has more memory than it may. V8's own limit is of its heap alone: buffers and native memory are
 * beyond it. Where this system does not tell of other processes, the process looks at itself.
 */
export const overseeMemory = (worker: Worker, settings: () => Settings["methods"]): Effect.Effect<void> =>
  Effect.gen(function* () {
    while (!worker.hasExited) {
      if (worker.inFlight === 0) {
        worker.busy.closeUnsafe()
        yield* Effect.raceFirst(worker.busy.await, Effect.raceFirst(worker.exited.await, Effect.sleep(LOOK_IDLE)))
      }
      yield* Effect.raceFirst(worker.exited.await, Effect.sleep(LOOK_BUSY))
      const bytes = worker.pid === null ? undefined : residentBytes(worker.pid)
      if (bytes === undefined) return
      if (bytes > settings().memoryBytes) return worker.kill(memoryReason(bytes))
    }
  })

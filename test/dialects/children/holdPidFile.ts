/** Holds the pid file given, says the pid in it, and waits to be killed. */
import { Effect } from "effect"
import { holdPidFile } from "../../../src/dialects/pidFile.ts"

Effect.runFork(
  Effect.gen(function* () {
    const { pid } = yield* holdPidFile(process.argv[2]!, "hob-dialect-test")
    process.stdout.write(`${pid}\n`)
    setInterval(() => {}, 60_000)
    return yield* Effect.never
  }).pipe(Effect.scoped)
)

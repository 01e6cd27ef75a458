/** A process that waits for a byte, tries to become the only one, says how it went, and holds on until it is told to end. */
import { Effect } from "effect"
import { readSync, writeSync } from "node:fs"
import * as LockFile from "../../src/storage/LockFile.ts"

const [lock, lockInfo] = process.argv.slice(2) as [string, string]
const line = Buffer.alloc(1)
const next = () => readSync(0, line) === 1

writeSync(1, "there\n")
while (next()) {
  const attempt = Effect.gen(function* () {
    yield* LockFile.acquire({ lock, lockInfo, socket: "/nowhere" })
    writeSync(1, "held\n")
    next()
  }).pipe(
    Effect.scoped,
    Effect.catchTag("LockBusy", ({ holder }) => Effect.sync(() => writeSync(1, `busy ${holder?.pid ?? "?"}\n`)))
  )
  await Effect.runPromise(attempt)
}

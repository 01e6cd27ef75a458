import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { isAlive } from "../support/home.ts"
import { daemon, failure, until, written } from "./support.ts"

const starts = `import { spawn } from "node:child_process"
  const started = (options) => spawn("sleep", ["600"], { stdio: "ignore", ...options })
  export const start = () => started({}).pid
  export const leave = () => { const child = started({ detached: true }); child.unref(); return child.pid }
  export const exit = () => process.exit(1)`

it.live("what a module has started ends with its process, but for what leads a group of its own", () =>
  Effect.gen(function* () {
    const hob = yield* daemon()
    const { paths } = yield* written({ "starts.ts": starts })
    yield* hob.add(paths["starts.ts"]!)
    const child = (yield* hob.call("start")) as number
    const left = (yield* hob.call("leave")) as number
    yield* Effect.addFinalizer(() => Effect.sync(() => process.kill(left)))
    assert.isTrue(isAlive(child))
    assert.strictEqual((yield* failure(hob.call("exit")))._tag, "WorkerEnded")
    yield* until(
      "the child is gone",
      Effect.sync(() => !isAlive(child))
    )
    assert.isTrue(isAlive(left))
  }).pipe(Effect.scoped)
)

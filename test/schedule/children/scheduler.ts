/**
 * A daemon's jobs and nothing else, until it is killed: `scheduler.ts STORE CALLS`. Each call of a method is a line in
 * CALLS, with the job's name, written before anything else happens. Prints `up` once the jobs are.
 */
import { Context, Effect, Layer, Option } from "effect"
import { appendFileSync } from "node:fs"
import { Announcer } from "../../../src/actors/Announcer.ts"
import { Concerns } from "../../../src/actors/Concerns.ts"
import { HobConfig } from "../../../src/config/HobConfig.ts"
import { Methods } from "../../../src/methods/Methods.ts"
import type { MethodName } from "../../../src/protocol/methodNames.ts"
import type { JobId } from "../../../src/protocol/schedule.ts"
import { layer, Schedule } from "../../../src/schedule/Schedule.ts"
import { Sessions } from "../../../src/sessions/Sessions.ts"
import { Database } from "../../../src/storage/Database.ts"

const [path, calls] = process.argv.slice(2) as [string, string]

const methods: Pick<Methods["Service"], "invoke" | "find"> = {
  invoke: ({ caller }) =>
    Effect.suspend(() => {
      appendFileSync(calls, `${caller.id}\n`)
      return Effect.as(Effect.sleep(caller.id === "slow" ? 1500 : 150), null)
    }),
  find: () => Effect.succeed(Option.none())
}

const jobs = [
  { id: "once", guarantee: "at-most-once" },
  { id: "again", guarantee: "at-least-once" },
  { id: "slow", guarantee: "at-most-once", overlap: "queue" }
] as const

const program = Effect.gen(function* () {
  const context = yield* layer.pipe(
    Layer.provide(Layer.mergeAll(Announcer.layer, Concerns.layer)),
    Layer.provide(Layer.succeed(Methods, methods as Methods["Service"])),
    Layer.provide(Layer.succeed(Sessions, {} as Sessions["Service"])),
    Layer.provide(Database.layerFile({ path, durability: "process-crash" })),
    Layer.provide(HobConfig.layerTest({ schedule: { historyCount: 100_000, queueCount: 3 } })),
    Layer.build
  )
  const schedule = Context.get(context, Schedule)
  if ((yield* schedule.list({})).length === 0) {
    for (const { id, ...policies } of jobs) {
      const method = "work" as MethodName
      yield* schedule.add({ id: id as JobId, cron: "* * * * * *", method, ...policies, undeclared: true })
    }
  }
  console.log("up")
  return yield* Effect.never
})

void Effect.runPromise(Effect.scoped(program))

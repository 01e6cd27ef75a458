import { Effect } from "effect"
import { ScheduleRpcs } from "../protocol/schedule.ts"
import { Schedule } from "./Schedule.ts"

/** Answers `schedule.*`. */
export const layer = ScheduleRpcs.toLayer(
  Effect.gen(function* () {
    const schedule = yield* Schedule
    return ScheduleRpcs.of({
      "schedule.add": (request) => schedule.add(request),
      "schedule.remove": (which) => schedule.remove(which),
      "schedule.list": (which) => Effect.map(schedule.list(which), (jobs) => ({ jobs })),
      "schedule.run": (which) => schedule.run(which),
      "schedule.pause": (which) => schedule.pause(which),
      "schedule.resume": (which) => schedule.resume(which),
      "schedule.history": (which) => Effect.map(schedule.history(which), (runs) => ({ runs }))
    })
  })
)

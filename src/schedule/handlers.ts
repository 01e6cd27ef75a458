import { Effect } from "effect"
import { ScheduleRpcs } from "../protocol/schedule.ts"
import { Schedule } from "./Schedule.ts"

/** So many jobs are listed in one answer unless `limit` says otherwise. */
const DEFAULT_LIST_LIMIT = 1000

/** Answers `schedule.*`. */
export const layer = ScheduleRpcs.toLayer(
  Effect.gen(function* () {
    const schedule = yield* Schedule
    return ScheduleRpcs.of({
      "schedule.add": (request) => schedule.add(request),
      "schedule.remove": (which) => schedule.remove(which),
      "schedule.list": ({ limit = DEFAULT_LIST_LIMIT, ...which }) =>
        Effect.map(schedule.list({ ...which, limit: limit + 1 }), (jobs) =>
          jobs.length <= limit ? { jobs } : { jobs: jobs.slice(0, limit), truncated: true }
        ),
      "schedule.run": (which) => schedule.run(which),
      "schedule.pause": (which) => schedule.pause(which),
      "schedule.resume": (which) => schedule.resume(which),
      "schedule.history": (which) => Effect.map(schedule.history(which), (runs) => ({ runs }))
    })
  })
)

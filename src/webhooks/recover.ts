import { Effect } from "effect"
import type { StorageError } from "../protocol/storage.ts"
import type { Database } from "../storage/Database.ts"
import type { Outcome } from "./decide.ts"
import * as deliveries from "./deliveries.ts"
import { storedOutcome } from "./outcomes.ts"
import type { RouteTable } from "./routing.ts"
import type { Runner } from "./Runner.ts"

const INTERRUPTED = {
  error: "hob ended or failed while it ran; how far it got is not known",
  told: { status: 500, error: "The method was interrupted." }
}

/**
 * What was running when the one before ended is run again where its webhook says so, and is interrupted otherwise.
 * Answers with those that are interrupted now.
 */
export const recover = (
  database: Database["Service"],
  { nowMillis, routes, runner }: { readonly routes: RouteTable; readonly runner: Runner; readonly nowMillis: number }
): Effect.Effect<ReadonlyArray<{ readonly number: number; readonly outcome: Outcome }>, StorageError> =>
  Effect.gen(function* () {
    const found = yield* database.read(deliveries.running)
    const left = found.filter(({ number }) => !runner.isUnsaved(number))
    if (left.length === 0) return []
    return yield* database.write((sql) =>
      left.flatMap((stored) => {
        const { failures, misses, number } = stored
        if (routes.get(stored)?.guarantee === "at-least-once") {
          deliveries.requeue(sql, number, nowMillis, false)
          return []
        }
        deliveries.end(sql, number, {
          ...INTERRUPTED,
          state: "interrupted",
          failures,
          misses,
          nextMillis: null,
          endedMillis: nowMillis,
          result: null
        })
        return [{ number, outcome: storedOutcome(deliveries.find(sql, number)!) }]
      })
    )
  })

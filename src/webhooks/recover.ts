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
 * Answers with those that are interrupted now, and with all that wait.
 */
export const recover = (
  database: Database["Service"],
  { nowMillis, routes, runner }: { readonly routes: RouteTable; readonly runner: Runner; readonly nowMillis: number }
) =>
  database.write((sql) => {
    const interrupted: Array<{ readonly number: number; readonly outcome: Outcome }> = []
    for (const stored of deliveries.begun(sql).left) {
      const { attempt, failures, misses, number } = stored
      if (runner.isUnsaved(number)) continue
      const isRunAgain = routes.get(stored)?.guarantee === "at-least-once"
      const common = { attempts: attempt, failures, misses, result: null }
      if (isRunAgain) {
        const later = { state: "pending", nextMillis: nowMillis, endedMillis: null, error: null, told: null } as const
        deliveries.end(sql, number, { ...common, ...later })
      } else {
        const ended = { state: "interrupted", nextMillis: null, endedMillis: nowMillis } as const
        deliveries.end(sql, number, { ...common, ...ended, ...INTERRUPTED })
        interrupted.push({ number, outcome: storedOutcome(deliveries.find(sql, number)!) })
      }
    }
    deliveries.forgetBegun(sql)
    return { interrupted, waiting: deliveries.waiting(sql) }
  })

import { Deferred, Effect } from "effect"
import { PromptRefused, type Question } from "../protocol/methods.ts"
import type { UpstreamConnectError } from "../protocol/upstream.ts"
import type { Connection } from "./Connection.ts"
import type { Ask } from "./Upstreams.ts"

interface Waiter {
  readonly ask: Ask | undefined
  /** Waits also while attempts fail. */
  readonly isPatient: boolean
  readonly got: Deferred.Deferred<Connection, UpstreamConnectError>
}

/** Those who wait for a connection. */
export class Waiters {
  readonly #waiting = new Set<Waiter>()

  get size(): number {
    return this.#waiting.size
  }

  /** Waits until somebody tells; `wake` whoever will, once it is there to be told. */
  wait(
    { ask, isPatient }: Pick<Waiter, "ask" | "isPatient">,
    wake: () => void
  ): Effect.Effect<Connection, UpstreamConnectError> {
    return Effect.suspend(() => {
      const waiter: Waiter = { ask, isPatient, got: Deferred.makeUnsafe() }
      this.#waiting.add(waiter)
      wake()
      return Effect.onInterrupt(Deferred.await(waiter.got), () => Effect.sync(() => void this.#waiting.delete(waiter)))
    })
  }

  /** Tells those who wait. Whoever hears it may wait again at once, and is not to hear the same again. */
  tell(outcome: Effect.Effect<Connection, UpstreamConnectError>, which: "all" | "impatient" = "all"): void {
    const told = Array.from(this.#waiting).filter(({ isPatient }) => which === "all" || !isPatient)
    for (const waiter of told) this.#waiting.delete(waiter)
    for (const { got } of told) Deferred.doneUnsafe(got, outcome)
  }

  /** Asks the first who can be asked: a person is there only while somebody waits. */
  ask(question: Question): Effect.Effect<unknown, PromptRefused> {
    return Effect.suspend(() => {
      const asker = Array.from(this.#waiting).find(({ ask }) => ask !== undefined)
      return asker === undefined
        ? Effect.fail(new PromptRefused({ reason: "Nobody is there to be asked." }))
        : asker.ask!(question)
    })
  }
}

import { Deferred, Effect, Exit } from "effect"

/**
 * One question that many ask at once, asked once for all of them: who comes while it is being answered waits for the next
 * asking, so that nobody hears what was so before they came.
 */
export class Coalesced<A, E> {
  readonly #ask: Effect.Effect<A, E>
  readonly #fork: (effect: Effect.Effect<void>) => unknown
  #isAsking = false
  #next: Deferred.Deferred<A, E> | undefined

  constructor(ask: Effect.Effect<A, E>, fork: (effect: Effect.Effect<void>) => unknown) {
    this.#ask = ask
    this.#fork = fork
  }

  readonly answer: Effect.Effect<A, E> = Effect.suspend(() => {
    this.#next ??= Deferred.makeUnsafe<A, E>()
    const mine = this.#next
    if (!this.#isAsking) this.#askNow()
    return Deferred.await(mine)
  })

  #askNow(): void {
    const waiting = this.#next
    if (waiting === undefined) return
    this.#isAsking = true
    this.#fork(
      // Who comes in the same turn of the loop is with them.
      Effect.andThen(
        Effect.yieldNow,
        Effect.suspend(() => {
          this.#next = undefined
          return Effect.onExit(Effect.exit(this.#ask), (outer) =>
            Effect.sync(() => {
              this.#isAsking = false
              Deferred.doneUnsafe(waiting, Exit.isSuccess(outer) ? outer.value : Exit.interrupt())
              this.#askNow()
            })
          )
        })
      ).pipe(Effect.asVoid)
    )
  }
}

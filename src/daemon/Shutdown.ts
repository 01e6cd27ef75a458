import { Context, Deferred, Effect, Layer } from "effect"

/** Anybody in the daemon may ask it to stop; `main` waits for that and closes the layers in order. */
export class Shutdown extends Context.Service<
  Shutdown,
  {
    /** Asks for an orderly stop. Only the first reason counts. */
    request(reason: string): Effect.Effect<void>
    /** Waits until a stop is asked for and gives the reason. */
    readonly requested: Effect.Effect<string>
  }
>()("hob/daemon/Shutdown") {
  static readonly layer = Layer.effect(
    Shutdown,
    Effect.gen(function* () {
      const reason = yield* Deferred.make<string>()
      return Shutdown.of({
        request: (why) => Effect.asVoid(Deferred.succeed(reason, why)),
        requested: Deferred.await(reason)
      })
    })
  )
}

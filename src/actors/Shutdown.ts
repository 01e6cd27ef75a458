import { Clock, Context, Deferred, Effect, Layer } from "effect"

/** Who wants the daemon to stop: a person at this machine, one at another device, the system, or hob itself. */
export type StopSource = "cli" | "mobile-app" | "os-signal" | "unknown"

export interface StopRequest {
  readonly reason: string
  readonly source: StopSource
  /** Milliseconds since 1970. */
  readonly at: number
}

/** Anybody in the daemon may ask it to stop; `main` waits for that and closes the layers in order. */
export class Shutdown extends Context.Service<
  Shutdown,
  {
    /** Asks for an orderly stop. Only the first reason counts. */
    request(reason: string, source?: StopSource): Effect.Effect<void>
    /** Waits until a stop is asked for and gives the reason. */
    readonly requested: Effect.Effect<string>
    /** The same, with who asked and when. */
    readonly stop: Effect.Effect<StopRequest>
    /** What was asked for, if anything was. */
    readonly asked: () => StopRequest | undefined
  }
>()("hob/actors/Shutdown") {
  static readonly layer = Layer.effect(
    Shutdown,
    Effect.gen(function* () {
      const requested = yield* Deferred.make<StopRequest>()
      let asked: StopRequest | undefined
      return Shutdown.of({
        request: (reason, source = "unknown") =>
          Effect.flatMap(Clock.currentTimeMillis, (at) => {
            asked ??= { reason, source, at }
            return Effect.asVoid(Deferred.succeed(requested, asked))
          }),
        requested: Effect.map(Deferred.await(requested), ({ reason }) => reason),
        stop: Deferred.await(requested),
        asked: () => asked
      })
    })
  )
}

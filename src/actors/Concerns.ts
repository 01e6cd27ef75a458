import { Cause, Clock, Context, Deferred, Duration, Effect, Exit, Latch, Layer, type Scope } from "effect"
import type { ConcernStatus } from "../protocol/daemon.ts"
import { monotonicMillis } from "./monotonic.ts"

/** The pause before restart number `failures` in a row: 100 ms, doubling, at most 30 s. */
export const restartPause = (failures: number): Duration.Duration =>
  Duration.millis(Math.min(100 * 2 ** Math.max(0, failures - 1), 30_000))

/** A run that lasted this long counts as healthy: the next failure starts again at the shortest pause. */
const HEALTHY_MILLIS = 60_000

interface Concern {
  status: ConcernStatus
  /** Ends the run in progress when completed. */
  crash: Deferred.Deferred<never>
  /** Ends the pause before the next run. */
  readonly hurry: Latch.Latch
}

/**
 * The supervised actors of this daemon and how they are. An actor that ends, whatever the reason, is started again
 * after a growing pause; no other actor, client or session notices.
 */
export class Concerns extends Context.Service<
  Concerns,
  {
    /**
     * Runs `actor` for as long as the scope is open. The actor is told how to say that it is up; until then it is
     * `starting` (or `restarting`). Names are unique within a daemon; that of a stopped one may be used again.
     */
    supervise<E, R>(
      name: string,
      actor: (up: Effect.Effect<void>) => Effect.Effect<never, E, R>
    ): Effect.Effect<void, never, R | Scope.Scope>
    /** Every concern, in the order in which they were started. */
    readonly status: Effect.Effect<ReadonlyArray<ConcernStatus>>
    /** Somebody has mended what it failed for: the next run begins now, if it waits for its time. */
    hurry(name: string): Effect.Effect<void>
    /** Fails the run in progress, as a bug in it would. False when there is no such concern. */
    crash(name: string, reason: string): Effect.Effect<boolean>
  }
>()("hob/actors/Concerns") {
  static readonly layer = Layer.sync(Concerns, () => {
    const concerns = new Map<string, Concern>()

    const supervise = <E, R>(
      name: string,
      actor: (up: Effect.Effect<void>) => Effect.Effect<never, E, R>
    ): Effect.Effect<void, never, R | Scope.Scope> =>
      Effect.gen(function* () {
        if (![undefined, "stopped"].includes(concerns.get(name)?.status.state))
          return yield* Effect.die(new Error(`two concerns are called "${name}"`))
        const concern: Concern = {
          status: { name, state: "starting", restarts: 0, lastFailure: null },
          crash: Deferred.makeUnsafe(),
          hurry: Latch.makeUnsafe()
        }
        concerns.set(name, concern)
        const up = Effect.sync(() => void (concern.status = { ...concern.status, state: "up" }))

        const runOnce = Effect.suspend(() => {
          concern.crash = Deferred.makeUnsafe()
          return Effect.raceFirst(actor(up), Deferred.await(concern.crash))
        })

        const lifetime = Effect.gen(function* () {
          let failuresInARow = 0
          for (;;) {
            const began = yield* monotonicMillis
            const exit = yield* Effect.exit(runOnce)
            if (Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.interrupt
            const lasted = (yield* monotonicMillis) - began
            failuresInARow = lasted >= HEALTHY_MILLIS ? 1 : failuresInARow + 1
            const reason = Exit.isFailure(exit) ? oneLine(Cause.squash(exit.cause)) : "ended"
            const at = new Date(yield* Clock.currentTimeMillis).toISOString()
            concern.status = {
              name,
              state: "restarting",
              restarts: concern.status.restarts + 1,
              lastFailure: { at, reason }
            }
            const pause = restartPause(failuresInARow)
            yield* Effect.logError(
              `${name} failed and restarts in ${Duration.toMillis(pause)} ms`,
              Exit.isFailure(exit) && Cause.hasDies(exit.cause) ? exit.cause : reason
            )
            yield* concern.hurry.close
            yield* Effect.raceFirst(Effect.sleep(pause), concern.hurry.await)
          }
        })

        yield* lifetime.pipe(
          Effect.ensuring(Effect.sync(() => void (concern.status = { ...concern.status, state: "stopped" }))),
          Effect.annotateLogs({ concern: name }),
          Effect.forkScoped({ startImmediately: true })
        )
      })

    return Concerns.of({
      supervise,
      status: Effect.sync(() => Array.from(concerns.values(), ({ status }) => status)),
      hurry: (name) => Effect.sync(() => void concerns.get(name)?.hurry.openUnsafe()),
      crash: (name, reason) =>
        Effect.sync(() => {
          const concern = concerns.get(name)
          if (concern === undefined) return false
          Deferred.doneUnsafe(concern.crash, Exit.die(new Error(reason)))
          return true
        })
    })
  })
}

/** A failure as one line for `hob status`. */
const oneLine = (failure: unknown): string => {
  const text = failure instanceof Error ? failure.message || failure.name : String(failure)
  return text.split("\n", 1)[0]!.slice(0, 300)
}

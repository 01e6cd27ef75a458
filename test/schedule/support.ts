import { Clock, Context, Effect, Exit, Layer, Option, Scope } from "effect"
import { Announcer } from "../../src/actors/Announcer.ts"
import { Concerns } from "../../src/actors/Concerns.ts"
import { HobConfig } from "../../src/config/HobConfig.ts"
import type { Settings } from "../../src/config/settings.ts"
import { type Invocation, Methods } from "../../src/methods/Methods.ts"
import { type MethodError, UnknownMethod } from "../../src/protocol/methodErrors.ts"
import type { MethodName } from "../../src/protocol/methodNames.ts"
import type { Namespace } from "../../src/protocol/namespaces.ts"
import type { JobId, JobRun } from "../../src/protocol/schedule.ts"
import { StorageFull } from "../../src/protocol/storage.ts"
import { layer, Schedule } from "../../src/schedule/Schedule.ts"
import { Sessions } from "../../src/sessions/Sessions.ts"
import { Database } from "../../src/storage/Database.ts"

export const id = (text: string) => text as JobId
export const namespace = (text: string) => text as Namespace
export const method = (text: string) => text as MethodName

/** What a method does when it is called. */
export type Implementation = (invocation: Invocation) => Effect.Effect<unknown, MethodError>

/** Methods of the test's own; each call is written down. */
export const scriptedMethods = (methods: Record<string, Implementation>) => {
  const calls: Array<Invocation> = []
  const service: Pick<Methods["Service"], "invoke" | "find"> = {
    invoke: (invocation) =>
      Effect.suspend(() => {
        calls.push(invocation)
        const found = Object.hasOwn(methods, invocation.method) ? methods[invocation.method] : undefined
        return found === undefined ? Effect.fail(new UnknownMethod(invocation)) : found(invocation)
      }),
    find: (space, name) =>
      Effect.sync(() =>
        Object.hasOwn(methods, name) ? Option.some({ namespace: space, method: name, kind: "module" }) : Option.none()
      )
  }
  return { calls, layer: Layer.succeed(Methods, service as Methods["Service"]) }
}

/** A wall clock that can be set without time passing. It begins with 2026-01-01, at midnight in UTC. */
export const settableWall = Effect.gen(function* () {
  const test = yield* Clock.Clock
  let ahead = Date.parse("2026-01-01T00:00:00Z") - test.currentTimeMillisUnsafe()
  const millis = () => test.currentTimeMillisUnsafe() + ahead
  const clock: Clock.Clock = Object.assign(Object.create(test) as Clock.Clock, {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis)
  })
  return {
    clock,
    now: millis,
    /** Sets it forward, or back. */
    jump: (by: number) => Effect.sync(() => void (ahead += by)),
    set: (instant: string) => Effect.sync(() => void (ahead += Date.parse(instant) - millis()))
  }
})

export interface Said {
  readonly channel: string
  readonly namespace: string
  readonly message: any
}

/** A store that is full while it is said to be. */
const filling = (
  database: Database["Service"],
  isFull: () => boolean = () => false,
  written: () => Effect.Effect<void> = () => Effect.void
): Database["Service"] => ({
  ...database,
  write: (work) =>
    Effect.suspend(() =>
      isFull() ? Effect.fail(new StorageFull({ path: "the store" })) : Effect.tap(database.write(work), written)
    )
})

/** The jobs of the store at `path` as one daemon has them, until it is stopped. */
export const open = (
  path: string,
  options: {
    readonly methods?: Record<string, Implementation>
    readonly schedule?: Partial<Settings["schedule"]>
    readonly clock?: Clock.Clock
    readonly sessions?: Partial<Sessions["Service"]>
    /** While it says so, the store takes nothing. */
    readonly isFull?: () => boolean
    /** Happens between each write and whoever waits for it. */
    readonly written?: () => Effect.Effect<void>
  } = {}
) =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Scope.Scope)
    const said: Array<Said> = []
    const methods = scriptedMethods(options.methods ?? {})
    const announcer = Announcer.layer
    const listening = Layer.effectDiscard(
      Effect.flatMap(Announcer, (found) => found.listen((announcement) => void said.push(announcement as Said)))
    )
    const build = layer.pipe(
      Layer.provideMerge(listening),
      Layer.provideMerge(Layer.mergeAll(announcer, Concerns.layer, methods.layer)),
      Layer.provideMerge(Layer.succeed(Sessions, (options.sessions ?? {}) as Sessions["Service"])),
      Layer.provideMerge(
        Layer.effect(
          Database,
          Effect.map(Database, (database) => filling(database, options.isFull, options.written))
        )
      ),
      Layer.provideMerge(Layer.orDie(Database.layerFile({ path, durability: "process-crash" }))),
      Layer.provideMerge(HobConfig.layerTest({ schedule: options.schedule ?? {} })),
      Layer.fresh,
      Layer.buildWithScope(scope)
    )
    const clock = options.clock ?? (yield* Clock.Clock)
    const context = yield* Effect.provideService(build, Clock.Clock, clock)
    const schedule = Context.get(context, Schedule)
    const within = <A, E>(effect: Effect.Effect<A, E>) => Effect.provideService(effect, Clock.Clock, clock)
    return {
      schedule,
      said,
      calls: methods.calls,
      concerns: Context.get(context, Concerns),
      database: Context.get(context, Database),
      add: (name: string, cron: string, more: Partial<Parameters<typeof schedule.add>[0]> = {}) =>
        within(schedule.add({ id: id(name), cron, ...("command" in more ? {} : { method: method("work") }), ...more })),
      /** Oldest first. */
      history: (name?: string): Effect.Effect<ReadonlyArray<JobRun>> =>
        schedule.history({ all: true, limit: 10_000, ...(name === undefined ? {} : { id: id(name) }) }).pipe(
          Effect.orDie,
          Effect.map((runs) => runs.toReversed())
        ),
      within,
      stop: Scope.close(scope, Exit.void)
    }
  })

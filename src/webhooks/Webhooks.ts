import { Context, Effect, FiberSet, Latch, Layer, Schema, Stream } from "effect"
import { Announcer } from "../actors/Announcer.ts"
import { Concerns } from "../actors/Concerns.ts"
import { clocks } from "../actors/monotonic.ts"
import { HobConfig } from "../config/HobConfig.ts"
import { Methods } from "../methods/Methods.ts"
import { ChannelName } from "../protocol/channelNames.ts"
import type { MethodError } from "../protocol/methodErrors.ts"
import { WEBHOOKS_PREFIX } from "../protocol/webhooks.ts"
import type { Namespace } from "../protocol/namespaces.ts"
import { Database } from "../storage/Database.ts"
import type { Outcome } from "./decide.ts"
import * as deliveries from "./deliveries.ts"
import type { Exchange } from "../wire/http/HttpListener.ts"
import { Inbox } from "./Inbox.ts"
import { Intake } from "./Intake.ts"
import { forget } from "./keeping.ts"
import { recover } from "./recover.ts"
import { Refusals } from "./refusals.ts"
import * as routes from "./routes.ts"
import { RouteTable } from "./routing.ts"
import { Runner, type Work } from "./Runner.ts"
import { Waiters } from "./Waiters.ts"

/** The clock may be set, and the machine may sleep: it is looked at that often. */
const LOOK_MILLIS = 30_000
const SWEEP = "10 minutes"
/** How long runs may go on once the daemon stops. */
const DRAIN = "5 seconds"

/** What the parts of this concern share: which webhooks there are, the record, and who runs it. */
export class Webhooks extends Context.Service<
  Webhooks,
  {
    readonly routes: RouteTable
    readonly refusals: Refusals
    /** Takes a request of a sender. */
    readonly handle: (exchange: Exchange) => void
    /** Nobody is kept waiting any more: who waits for a delivery to end, and who will, hears that it is on record. */
    readonly letGo: () => void
    /** Whether deliveries wait to be run, or run. */
    readonly waits: () => boolean
    /** Whether a delivery runs; and those that do. */
    readonly isRunning: (delivery: number) => boolean
    readonly running: () => ReadonlyArray<number>
    /** Runs a delivery that had ended and waits again on record; waits for its end, at most so long: what it has come to by then. */
    runAgain(delivery: number, waitMillis: number): Effect.Effect<Outcome>
  }
>()("hob/webhooks/Webhooks") {}

const isChannelName = Schema.is(ChannelName)

export const layer = Layer.effect(
  Webhooks,
  Effect.gen(function* () {
    const announcer = yield* Announcer
    const concerns = yield* Concerns
    const config = yield* HobConfig
    const database = yield* Database
    const methods = yield* Methods
    const wake = yield* Latch.make()
    const { monotonic, wall } = yield* clocks
    let settings = (yield* config.get).webhooks

    const table = new RouteTable()
    // A store that can't be read is no ground to let anybody in.
    for (const route of yield* Effect.orDie(database.read(routes.load))) table.put(route)
    const { batch, newest, unended } = yield* Effect.orDie(
      database.read((sql) => ({
        batch: deliveries.begun(sql).batch,
        newest: deliveries.newest(sql),
        unended: deliveries.waiting(sql).length
      }))
    )
    /** Deliveries that have not ended. */
    const open = { deliveries: unended }
    const refusals = new Refusals()
    const waiters = new Waiters()
    const inbox = new Inbox(database, { newest, batch })
    yield* inbox.handIn
    let warn = (_text: string): void => {}
    /** When the actor looks next, unless it is woken. */
    let looksAt = 0
    let isStopping = false

    /** A namespace may have a name that no channel can have; nobody could subscribe to it. */
    const channelOf = memoized((namespace: Namespace): ChannelName | undefined => {
      const channel = `${WEBHOOKS_PREFIX}${namespace}`
      return isChannelName(channel) ? channel : undefined
    })
    const announce = (event: string, { method, namespace, number }: Pick<Work, "method" | "namespace" | "number">) => {
      const channel = channelOf(namespace)
      const message = { event, method, timestamp: wall(), delivery: number }
      if (channel !== undefined) announcer.announce({ namespace, channel, message })
    }

    const runner = new Runner({
      database,
      inbox,
      routeOf: (work) => table.get(work),
      invoke: ({ method, namespace, number }, params, { timeoutMillis }) =>
        methods.invoke({
          namespace,
          method,
          params,
          caller: { kind: "webhook", id: String(number) },
          ...(timeoutMillis === undefined ? {} : { timeoutMillis })
        }),
      wall,
      maxRunning: () => settings.maxRunningCount,
      ended: (work, outcome, state) => {
        if (state === "pending") announce("webhook-retried", work)
        else {
          open.deliveries--
          announce(state === "succeeded" ? "webhook-completed" : "webhook-failed", work)
        }
        waiters.tell(work.number, outcome)
      },
      wake: () => void wake.openUnsafe(),
      warn: (text) => warn(text)
    })

    const wait = (delivery: number, hear: (outcome: Outcome) => void, waitMillis = settings.answerMillis) => {
      const deadline = isStopping ? monotonic() : monotonic() + waitMillis
      waiters.wait(delivery, deadline, hear)
      if (deadline < looksAt) wake.openUnsafe()
    }

    const intake = new Intake({
      routes: table,
      inbox,
      settings: () => settings,
      wall,
      monotonic,
      hasRoom: () => open.deliveries < settings.maxPendingCount,
      accepted: (work) => {
        open.deliveries++
        announce("webhook-received", work)
        runner.accept(work)
      },
      wait,
      refused: (route, status, reason) => refusals.add(route, { atMillis: wall(), status, reason })
    })

    const sweep = Effect.gen(function* () {
      for (;;) {
        const { keepBytes, keepCount, keepMillis } = settings
        const bytes = yield* database.read(deliveries.bodyBytes)
        const { more } = yield* database.write((sql) =>
          forget(sql, { before: wall() - keepMillis, excessBytes: bytes - keepBytes, maxCount: keepCount })
        )
        if (!more) return
      }
    }).pipe(Effect.catch((error) => Effect.logWarning(`old deliveries are kept for now: ${error.message}`)))

    yield* concerns.supervise("webhooks", (up) =>
      Effect.gen(function* () {
        yield* config.changes.pipe(
          Stream.runForEach(({ webhooks }) =>
            Effect.sync(() => {
              settings = webhooks
              wake.openUnsafe()
            })
          ),
          Effect.forkScoped
        )
        const run = yield* FiberSet.makeRuntime<never, unknown, MethodError>()
        yield* Effect.addFinalizer(() => Effect.sync(() => runner.stop()))
        const nowMillis = wall()
        const { interrupted, waiting } = yield* recover(database, { routes: table, runner, nowMillis })
        inbox.forgetBegun()
        for (const { number, outcome } of interrupted) {
          open.deliveries--
          waiters.tell(number, outcome)
        }
        warn = (text) => void run(Effect.logWarning(text))
        runner.start((effect, ended) => {
          run(effect as Effect.Effect<unknown, MethodError>).addObserver(ended as never)
        }, waiting)
        yield* Effect.forkScoped(Effect.forever(Effect.andThen(sweep, Effect.sleep(SWEEP))))
        yield* up
        for (;;) {
          yield* wake.close
          const due = runner.pump()
          const now = monotonic()
          waiters.expire(now)
          const pause = Math.min(
            due === undefined ? LOOK_MILLIS : due - wall(),
            (waiters.next ?? Infinity) - now,
            LOOK_MILLIS
          )
          looksAt = now + Math.max(1, pause)
          yield* Effect.raceFirst(Effect.sleep(Math.max(1, pause)), wake.await)
        }
      }).pipe(Effect.scoped)
    )

    // Before the actor ends, what runs has a moment.
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        runner.stop()
        return Effect.callback<void>((resume) => runner.whenIdle(() => resume(Effect.void)))
      }).pipe(Effect.interruptible, Effect.timeoutOption(DRAIN))
    )

    return Webhooks.of({
      routes: table,
      refusals,
      handle: intake.handle,
      letGo: () => {
        isStopping = true
        waiters.expire(Infinity)
      },
      waits: () => open.deliveries > 0,
      isRunning: (delivery) => runner.isRunning(delivery),
      running: () => runner.running,
      runAgain: (delivery, waitMillis) =>
        Effect.callback((resume) => {
          wait(delivery, (outcome) => resume(Effect.succeed(outcome)), waitMillis)
          open.deliveries++
          runner.look(delivery)
        })
    })
  })
)

/** Asked again for the same as just now, it is not computed again. */
const memoized = <A, B>(compute: (a: A) => B): ((a: A) => B) => {
  let last: { readonly of: A; readonly is: B } | undefined
  return (a) => {
    if (last === undefined || last.of !== a) last = { of: a, is: compute(a) }
    return last.is
  }
}

/** One time that the machine is in step with the server: from telling it of the machine to the last goodbye. */
import { Clock, Effect, Queue, Redacted, Schedule, type Scope } from "effect"
import type { StopRequest } from "../actors/Shutdown.ts"
import { busyText, makeAnswering } from "./answering.ts"
import type { Credentials } from "./credentials.ts"
import type { DaemonFacts, Metadata } from "./facts.ts"
import { type Incoming, makeIncoming } from "./incoming.ts"
import * as Line from "./Line.ts"
import { OutOfStep, register } from "./registering.ts"
import type { RemoteCall } from "./RemoteCall.ts"
import { CLIENT } from "./server.ts"
import type { UpdateMessage } from "./serverMessages.ts"
import { makeTelling, type Telling } from "./Telling.ts"

const CONNECT_MILLIS = 20_000
const ALIVE_MILLIS = 20_000
/** How long all that is said at the end may take. */
const GOODBYE = "1500 millis"
/** A registration that is not confirmed is sent again: at once, and then ever later. */
const CONFIRM_MILLIS = [250, 500, 1000, 2000, 3000, 3000, 3000, 3000, 3000, 3000]

/** What is told of how it goes. */
export interface Progress {
  readonly state: "registering" | "connecting" | "confirming" | "ready"
  readonly metadataVersion?: number
  readonly daemonStateVersion?: number
  readonly calls?: ReadonlyArray<string>
  readonly clockSkewMillis?: number
  readonly another?: string | null
}

export interface SyncOptions {
  readonly url: string
  readonly machineId: string
  readonly credentials: Credentials
  /** What the machine is; found out once for each time. */
  readonly metadata: Effect.Effect<Metadata>
  /** How the daemon is; looked at with each heartbeat. */
  readonly facts: Effect.Effect<DaemonFacts>
  /** What devices may call, by name. */
  readonly calls: ReadonlyMap<string, RemoteCall>
  readonly maxCalls: number
  /** A stop that somebody has asked for; waits for it. */
  readonly stop: Effect.Effect<StopRequest>
  readonly stopAsked: () => StopRequest | undefined
  readonly progress: (progress: Progress) => Effect.Effect<void>
}

/** Goes on until the line breaks, which it fails with. With its scope the server is told that the machine is offline. */
export const run = (options: SyncOptions): Effect.Effect<never, OutOfStep, Scope.Scope> =>
  Effect.gen(function* () {
    const { calls, facts, machineId, progress } = options
    yield* progress({ state: "registering" })
    const metadata = yield* options.metadata
    const { cipher, row, skewMillis } = yield* register({ ...options, metadata, facts: yield* facts })

    yield* progress({ state: "connecting", clockSkewMillis: skewMillis })
    const names = [...calls.keys()]
    const incoming = yield* makeIncoming({ machineId, names, refuse: ({ ack }) => ack(busyText(cipher)) })
    const line = yield* connect(options, incoming.hear)
    const telling = makeTelling({ machineId, line, cipher, row, metadata, facts })
    yield* sayGoodbyeAtTheEnd(options, telling)
    yield* Effect.forkScoped(giveUpWhenSilent(line))

    yield* progress({ state: "confirming" })
    let state: "confirming" | "ready" = "confirming"
    const { announceStop } = telling
    incoming.answerBy(yield* makeAnswering({ cipher, calls, maxCalls: options.maxCalls, during: { announceStop } }))
    const heard = (update: UpdateMessage) =>
      Effect.flatMap(telling.take(update), (news) =>
        news === null ? Effect.void : progress({ state, ...telling.versions(), ...news })
      )
    yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(incoming.updates), heard)))

    const beInStep = Effect.gen(function* () {
      // A server of 2025 loses what comes before it has looked at the token: once it confirms, it listens.
      yield* registerCalls(line, incoming)
      yield* Effect.forkScoped(stayAlive(options, line, telling, skewMillis))
      yield* Effect.mapError(telling.all, ({ message }) => new OutOfStep({ reason: message }))
      state = "ready"
      yield* progress({ state, ...telling.versions(), calls: names })
      return yield* Effect.never
    })
    const broken = Effect.flatMap(line.broken, (reason) => Effect.fail(new OutOfStep({ reason })))
    return yield* Effect.raceFirst(beInStep, Effect.raceFirst(broken, incoming.complaint))
  })

const connect = ({ credentials, machineId, url }: SyncOptions, hear: Incoming["hear"]) =>
  Effect.mapError(
    Line.open({
      url,
      auth: {
        token: Redacted.value(credentials.token),
        clientType: "machine-scoped",
        machineId,
        happyClient: CLIENT
      },
      hear,
      withinMillis: CONNECT_MILLIS
    }),
    ({ reason }) => new OutOfStep({ reason })
  )

/** In order, each with its own limit: that hob stops, if it does; that it is gone. */
const sayGoodbyeAtTheEnd = ({ stop, stopAsked }: SyncOptions, telling: Telling) =>
  Effect.gen(function* () {
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        const asked = stopAsked()
        return Effect.andThen(asked === undefined ? Effect.void : telling.announceStop(asked), telling.offline)
      }).pipe(Effect.interruptible, Effect.timeoutOption(GOODBYE), Effect.asVoid)
    )
    yield* Effect.forkScoped(Effect.flatMap(stop, telling.announceStop))
  })

/** Sends what devices may call until the server has confirmed all of it. */
const registerCalls = (line: Line.Line, { confirmed, unconfirmed }: Incoming): Effect.Effect<void, OutOfStep> =>
  Effect.gen(function* () {
    for (const within of CONFIRM_MILLIS) {
      for (const method of unconfirmed) line.tell("rpc-register", { method })
      const isDone = yield* Effect.timeoutOption(confirmed, within)
      if (isDone._tag === "Some") return
    }
    return yield* new OutOfStep({ reason: "The server does not confirm what devices may call." })
  })

/** The heartbeat, at once and then every 20 s; what has changed about the daemon is said with it. */
const stayAlive = ({ machineId }: SyncOptions, line: Line.Line, telling: Telling, skewMillis: number) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    line.tell("machine-alive", { machineId, time: now + skewMillis })
    return telling.changes
  }).pipe(Effect.repeat(Schedule.spaced(ALIVE_MILLIS)))

/** A line on which nothing has come for more than twice as long as the server stays silent is half open. */
const giveUpWhenSilent = (line: Line.Line): Effect.Effect<void> =>
  Effect.gen(function* () {
    let silent = 0
    for (;;) {
      yield* Effect.sleep(ALIVE_MILLIS)
      silent = line.heard() ? 0 : silent + ALIVE_MILLIS
      if (silent >= Math.max(2 * ALIVE_MILLIS, 2 * line.pingMillis())) {
        return yield* line.break(`Nothing has come from the server for ${silent / 1000} s.`)
      }
    }
  })

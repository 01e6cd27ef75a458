/** One time that the machine is in step with the server: from telling it of the machine to the last goodbye. */
import { Clock, Deferred, Effect, Exit, Fiber, FiberSet, Queue, Redacted, Schedule, type Scope } from "effect"
import type { StopRequest } from "../actors/Shutdown.ts"
import type { Credentials } from "./credentials.ts"
import type { Cipher } from "./encryption.ts"
import type { DaemonFacts, Metadata } from "./facts.ts"
import * as Line from "./Line.ts"
import { OutOfStep, register } from "./registering.ts"
import { answer, lateText, type RemoteCall } from "./RemoteCall.ts"
import { CLIENT } from "./server.ts"
import { type CallMessage, readServerMessage, type UpdateMessage } from "./serverMessages.ts"
import { makeTelling, type Telling } from "./Telling.ts"

const CONNECT_MILLIS = 20_000
const ALIVE_MILLIS = 20_000
/** The device waits no longer than 30 s. */
const ANSWER_WITHIN = "25 seconds"
/** How long all that is said at the end may take. */
const GOODBYE = "1500 millis"
/** A registration that is not confirmed is sent again: at once, and then ever later. */
const CONFIRM_MILLIS = [250, 500, 1000, 2000, 3000, 3000, 3000, 3000, 3000, 3000]
/** Of the updates that the server sends, so many may wait. */
const WAITING = 1024

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
  readonly metadata: Effect.Effect<Metadata>
  readonly facts: Effect.Effect<DaemonFacts>
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
    const incoming = yield* makeIncoming(machineId, names, cipher)
    const line = yield* connect(options, incoming.hear)
    const telling = makeTelling({ machineId, line, cipher, row, metadata, facts })
    yield* sayGoodbyeAtTheEnd(options, telling)
    yield* Effect.forkScoped(giveUpWhenSilent(line))

    yield* progress({ state: "confirming" })
    let state: "confirming" | "ready" = "confirming"
    incoming.answerBy(yield* makeAnswering(options, cipher, telling))
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

interface Incoming {
  readonly hear: Line.LineOptions["hear"]
  /** From now on calls are answered; those that came before are refused. */
  readonly answerBy: (answer: (call: CallMessage) => void) => void
  readonly updates: Queue.Dequeue<UpdateMessage>
  /** What has not been confirmed yet, by its whole name. */
  readonly unconfirmed: ReadonlySet<string>
  readonly confirmed: Effect.Effect<void>
  readonly complaint: Effect.Effect<never, OutOfStep>
}

/** Sorts what the server sends. What waits is bounded: a later update tells what a dropped one did. */
const makeIncoming = (
  machineId: string,
  names: ReadonlyArray<string>,
  cipher: Cipher
): Effect.Effect<Incoming, never, Scope.Scope> =>
  Effect.gen(function* () {
    const updates = yield* Queue.dropping<UpdateMessage>(WAITING)
    let answerCall = ({ ack }: CallMessage): void => ack(busy(cipher))
    const unconfirmed = new Set(names.map((name) => `${machineId}:${name}`))
    const confirmed = yield* Deferred.make<void>()
    const complaint = yield* Deferred.make<never, OutOfStep>()
    const hear: Incoming["hear"] = (event, sent, ack) => {
      const message = readServerMessage(machineId, event, sent, ack)
      switch (message?.type) {
        case "registered":
          unconfirmed.delete(message.method)
          if (unconfirmed.size === 0) Deferred.doneUnsafe(confirmed, Exit.void)
          return
        case "complaint": {
          const reason = `The server has refused: ${message.reason}.`
          return void Deferred.doneUnsafe(complaint, Exit.fail(new OutOfStep({ reason })))
        }
        case "call":
          return answerCall(message)
        case "update":
          return void Queue.offerUnsafe(updates, message)
      }
    }
    return {
      hear,
      answerBy: (answer) => void (answerCall = answer),
      updates,
      unconfirmed,
      confirmed: Deferred.await(confirmed),
      complaint: Deferred.await(complaint)
    }
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

/** Answers calls, each in a fiber of its own, so many at once. */
const makeAnswering = ({ calls, maxCalls }: SyncOptions, cipher: Cipher, { announceStop }: Telling) =>
  Effect.map(FiberSet.makeRuntime<never, void, never>(), (fork) => {
    let answering = 0
    return ({ ack, name, params }: CallMessage): void => {
      if (answering >= maxCalls) return ack(busy(cipher))
      answering++
      let isAnswered = false
      const once = (text: string): void => {
        if (!isAnswered) ack(text)
        isAnswered = true
      }
      const fiber = fork(
        Effect.ensuring(
          answer({ cipher, calls, name, params, during: { announceStop }, ack: once }),
          Effect.sync(() => void answering--)
        )
      )
      // Most have been answered by now: a time limit for each would cost more than they do.
      if (fiber.pollUnsafe() !== undefined) return
      const late = Effect.andThen(Effect.sleep(ANSWER_WITHIN), () => {
        once(lateText(cipher, calls.get(name)))
        return Fiber.interrupt(fiber)
      })
      fork(Effect.raceFirst(Effect.asVoid(Fiber.await(fiber)), late))
    }
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

const busy = (cipher: Cipher): string => cipher.encrypt({ error: "Too many calls at once; try again." })

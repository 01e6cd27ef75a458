/** One time that the machine is in step with the server: from telling it of the machine to the last goodbye. */
import { Clock, Data, Deferred, Effect, Exit, FiberSet, Queue, Redacted, Schedule, Schema, type Scope } from "effect"
import type { StopRequest } from "../actors/Shutdown.ts"
import type { Credentials } from "./credentials.ts"
import type { Cipher } from "./encryption.ts"
import { type DaemonFacts, daemonState, mergedMetadata, type Metadata, readState } from "./facts.ts"
import * as Line from "./Line.ts"
import { answer, type RemoteCall } from "./RemoteCall.ts"
import * as server from "./server.ts"
import { Versioned } from "./Versioned.ts"

const CONNECT_MILLIS = 20_000
export const ALIVE_MILLIS = 20_000
const WRITE_MILLIS = 10_000
/** How long each word at the end may take: the server may be gone. */
const LAST_WORD_MILLIS = 500
/** A registration that is not confirmed is sent again: at once, and then ever later. */
const CONFIRM_MILLIS = [250, 500, 1000, 2000, 3000, 3000, 3000, 3000, 3000, 3000]
/** Of what the server sends, so much may wait. */
const WAITING = 1024
/** A clock that is no further away is as good as one's own: the server says whole seconds. */
const SKEW_MILLIS = 5000

/** Why it is not in step. */
export class OutOfStep extends Data.TaggedError("OutOfStep")<{ readonly reason: string }> {
  override get message() {
    return this.reason
  }
}

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

const outOfStep = (error: { readonly message: string }) => new OutOfStep({ reason: error.message })

const Request = Schema.Struct({ method: Schema.String, params: Schema.Unknown })
const isRequest = Schema.is(Request)
const Registered = Schema.Struct({ method: Schema.String })
const isRegistered = Schema.is(Registered)
const Complaint = Schema.Struct({ message: Schema.String })
const isComplaint = Schema.is(Complaint)
const Value = Schema.NullOr(Schema.Struct({ value: Schema.NullOr(Schema.String), version: Schema.Int }))
/** The server's own documents call the machine's id `id`. */
const Update = Schema.Struct({
  body: Schema.Struct({
    t: Schema.Literal("update-machine"),
    machineId: Schema.optionalKey(Schema.String),
    id: Schema.optionalKey(Schema.String),
    metadata: Schema.optionalKey(Value),
    daemonState: Schema.optionalKey(Value)
  })
})
const isUpdate = Schema.is(Update)

type Heard =
  | {
      readonly type: "request"
      readonly name: string
      readonly params: unknown
      readonly ack: (answer: unknown) => void
    }
  | { readonly type: "update"; readonly update: typeof Update.Type }

/** Goes on until the line breaks, which it fails with. With its scope the server is told that the machine is offline. */
export const run = (options: SyncOptions): Effect.Effect<never, OutOfStep, Scope.Scope> =>
  Effect.gen(function* () {
    const { credentials, facts, machineId, metadata, progress, stop, stopAsked, url } = options
    yield* progress({ state: "registering" })
    const encryption = yield* Effect.promise(() => import("./encryption.ts"))
    const key = Redacted.value(credentials.key)
    const cipher = encryption.makeCipher(key)
    const own = yield* metadata
    const registered = yield* Effect.mapError(
      server.register(url, credentials.token, {
        id: machineId,
        metadata: cipher.encrypt(own),
        daemonState: cipher.encrypt(daemonState(yield* facts, "offline", undefined)),
        ...(key.kind === "legacy"
          ? {}
          : { dataEncryptionKey: encryption.wrapMachineKey(key.machineKey, key.publicKey) })
      }),
      (error) => outOfStep(error._tag === "Refused" ? refusal(error) : error)
    )
    const skew = Math.abs(registered.skewMillis) < SKEW_MILLIS ? 0 : registered.skewMillis
    const value = registered.value.machine

    yield* progress({ state: "connecting", clockSkewMillis: skew })
    const heard = yield* Queue.dropping<Heard>(WAITING)
    const unconfirmed = new Set([...options.calls.keys()].map((name) => `${machineId}:${name}`))
    const confirmed = yield* Deferred.make<void>()
    const complaint = yield* Deferred.make<never, OutOfStep>()
    const line = yield* Effect.mapError(
      Line.open({
        url,
        auth: {
          token: Redacted.value(credentials.token),
          clientType: "machine-scoped",
          machineId,
          happyClient: server.CLIENT
        },
        hear: (event, sent, ack) => hear(event, sent, ack),
        withinMillis: CONNECT_MILLIS
      }),
      outOfStep
    )
    const hear = (event: string, sent: unknown, ack: ((answer: unknown) => void) | undefined): void => {
      if (event === "rpc-registered" && isRegistered(sent)) {
        unconfirmed.delete(sent.method)
        if (unconfirmed.size === 0) Deferred.doneUnsafe(confirmed, Exit.void)
      } else if (event === "rpc-request" && isRequest(sent) && ack !== undefined) {
        const name = sent.method.startsWith(`${machineId}:`) ? sent.method.slice(machineId.length + 1) : sent.method
        if (!Queue.offerUnsafe(heard, { type: "request", name, params: sent.params, ack })) ack(busy(cipher))
      } else if (event === "update" && isUpdate(sent)) void Queue.offerUnsafe(heard, { type: "update", update: sent })
      else if (event === "error") {
        const reason = isComplaint(sent) ? sent.message : "it does not say why"
        Deferred.doneUnsafe(complaint, Exit.fail(new OutOfStep({ reason: `The server has refused: ${reason}.` })))
      }
    }

    const common = { machineId, line, cipher }
    const theirs = {
      metadata: new Versioned({ ...common, field: "metadata", version: value.metadataVersion, value: value.metadata }),
      daemonState: new Versioned({
        ...common,
        field: "daemonState",
        version: value.daemonStateVersion,
        value: value.daemonState
      })
    }
    const sayState = (status: "running" | "offline", within: number) =>
      Effect.flatMap(facts, (now) => theirs.daemonState.update(() => daemonState(now, status, stopSaid), { within }))
    let stopSaid: StopRequest | undefined
    const sayMetadata = theirs.metadata.update((current) => mergedMetadata(current, own), { within: WRITE_MILLIS })

    // In order, each with its own limit, also when nobody listens any more.
    const announceStop = (request: StopRequest) =>
      Effect.suspend(() => {
        if (stopSaid !== undefined) return Effect.void
        stopSaid = request
        const within = LAST_WORD_MILLIS
        // Whoever ends this fiber meanwhile waits for it: what follows has to come behind it.
        return Effect.uninterruptible(
          Effect.ignore(
            Effect.flatMap(facts, (now) =>
              theirs.daemonState.update(() => daemonState(now, "shutting-down", request), { within })
            )
          )
        )
      })
    yield* Effect.addFinalizer(() =>
      Effect.gen(function* () {
        const asked = stopAsked()
        if (asked !== undefined) yield* announceStop(asked)
        yield* Effect.ignore(sayState("offline", LAST_WORD_MILLIS))
      }).pipe(Effect.interruptible, Effect.timeoutOption(3 * LAST_WORD_MILLIS), Effect.asVoid)
    )
    yield* Effect.forkScoped(Effect.flatMap(stop, announceStop))

    const versions = () => ({
      metadataVersion: theirs.metadata.version,
      daemonStateVersion: theirs.daemonState.version
    })
    const alive = Effect.gen(function* () {
      line.tell("machine-alive", { machineId, time: (yield* Clock.currentTimeMillis) + skew })
    })
    yield* Effect.forkScoped(listen(line))

    yield* progress({ state: "confirming" })
    const fork = yield* FiberSet.makeRuntime<never, void, never>()
    let answering = 0
    const take = (each: Heard): Effect.Effect<void> => {
      if (each.type === "request") {
        const { ack, name, params } = each
        if (answering >= options.maxCalls) return Effect.sync(() => ack(busy(cipher)))
        return Effect.sync(() => {
          answering++
          fork(
            Effect.ensuring(
              answer({ cipher, calls: options.calls, name, params, during: { announceStop }, ack }),
              Effect.sync(() => void answering--)
            )
          )
        })
      }
      return takeUpdate(each.update.body)
    }
    const takeUpdate = ({ daemonState, id, machineId: its, metadata }: (typeof Update.Type)["body"]) =>
      Effect.gen(function* () {
        if ((its ?? id) !== machineId) return
        const isNews = metadata != null && theirs.metadata.take(metadata.version, metadata.value)
        if (daemonState != null && theirs.daemonState.take(daemonState.version, daemonState.value)) {
          const said = theirs.daemonState.current
          const meaning = readState(said, yield* facts)
          // Another daemon that has gone has taken this machine along with it; one that runs is not fought with.
          if (meaning === "wrong" && stopSaid === undefined) {
            yield* Effect.ignore(sayState("running", WRITE_MILLIS))
          }
          yield* progress({ state: current(), ...versions(), another: meaning === "another" ? describe(said) : null })
        } else if (isNews) yield* progress({ state: current(), ...versions() })
      })
    let isReady = false
    const current = () => (isReady ? ("ready" as const) : ("confirming" as const))
    yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(heard), take)))

    const goOn = Effect.gen(function* () {
      // A server of 2025 loses what comes before it has looked at the token: once it confirms, it listens.
      yield* register(line, unconfirmed, Deferred.await(confirmed))
      yield* Effect.forkScoped(Effect.repeat(alive, Schedule.spaced(ALIVE_MILLIS)))
      yield* Effect.all(
        [Effect.mapError(sayState("running", WRITE_MILLIS), outOfStep), Effect.mapError(sayMetadata, outOfStep)],
        { concurrency: "unbounded", discard: true }
      )
      isReady = true
      yield* progress({ state: "ready", ...versions(), calls: [...options.calls.keys()] })
      return yield* Effect.never
    })
    const brokenOff = Effect.flatMap(line.broken, (reason) => Effect.fail(new OutOfStep({ reason })))
    return yield* Effect.raceFirst(goOn, Effect.raceFirst(brokenOff, Deferred.await(complaint)))
  })

/** Sends what devices may call until the server has confirmed all of it. */
const register = (
  line: Line.Line,
  unconfirmed: ReadonlySet<string>,
  confirmed: Effect.Effect<void>
): Effect.Effect<void, OutOfStep> =>
  Effect.gen(function* () {
    for (const within of CONFIRM_MILLIS) {
      for (const method of unconfirmed) line.tell("rpc-register", { method })
      const isDone = yield* Effect.timeoutOption(confirmed, within)
      if (isDone._tag === "Some") return
    }
    return yield* new OutOfStep({ reason: "The server does not confirm what devices may call." })
  })

/** A line on which nothing has come for more than twice as long as the server stays silent is half open. */
const listen = (line: Line.Line): Effect.Effect<void> =>
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

const refusal = ({ reason, status }: server.Refused) => ({
  message:
    status === 401
      ? `The server does not know the credentials any more (${reason}). \`hob machine logout\`, then \`hob machine pair\`.`
      : status >= 500
        ? `The server has failed (${status}: ${reason}). It may know this machine's id from another account: then \`hob machine logout\` and a new login make another one.`
        : `The server has refused (${status}): ${reason}.`
})

const describe = (said: unknown): string => {
  const { pid, startedAt } = said as { readonly pid?: unknown; readonly startedAt?: unknown }
  const since = typeof startedAt === "number" ? `, since ${new Date(startedAt).toISOString()}` : ""
  return `pid ${typeof pid === "number" ? pid : "unknown"}${since}`
}

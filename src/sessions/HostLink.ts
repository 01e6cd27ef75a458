import { Context, Deferred, Duration, Effect, Exit, Layer, Queue, Schema } from "effect"
import type { Socket } from "node:net"
import { Concerns } from "../actors/Concerns.ts"
import * as Mailbox from "../actors/Mailbox.ts"
import { entrypoint } from "../config/entrypoints.ts"
import { VERSION } from "../config/version.ts"
import { buildName, ownBuild } from "../config/versions.ts"
import { SessionHostUnavailable } from "../protocol/index.ts"
import type { ScreensEvent } from "../protocol/screens.ts"
import {
  FrameType,
  HelloReply,
  HOST_PROTOCOL_VERSION,
  type HostError,
  HostEvent,
  HostReply,
  HostRequest,
  HostScreensEvent,
  MAX_FRAME_BYTES,
  OLDEST_HOST_PROTOCOL_VERSION
} from "../protocol/sessionHost.ts"
import { encodeJsonFrame, FrameReader } from "../wire/frames.ts"
import { HostProcess } from "./HostProcess.ts"

type WithoutId<R> = R extends unknown ? Omit<R, "id"> : never

/** A request to the session-host; the link gives it its id. */
export type HostCall = Exclude<WithoutId<HostRequest>, { op: "hello" | "upgrade" }>

/** The host answered, and the answer is no. */
export class HostRefused extends Schema.TaggedError<HostRefused>()("HostRefused", {
  error: Schema.Unknown
}) {
  /** The refusal as the host worded it. */
  get refusal(): HostError {
    return this.error as HostError
  }
}

/** What the link tells the sessions actor, in the order in which it happened. */
export type LinkNews =
  /** A link is up; `hello.sessions` is the whole truth about what the host holds. `fresh`: this host was just started. */
  | { readonly type: "connected"; readonly hello: HelloReply; readonly fresh: boolean }
  | { readonly type: "event"; readonly event: HostEvent }
  | { readonly type: "screens"; readonly event: ScreensEvent }

/** Requests that may wait for the host or be in hand there. */
const MAILBOX_CAPACITY = 1024
/** News the sessions actor has not yet taken. When it is full the link is dropped and begun anew: `hello` tells the whole truth. */
const NEWS_CAPACITY = 4096
/** How long the host may take to answer, beyond what the request itself allows it. */
const ANSWER_WITHIN = Duration.seconds(15)
/** A host that replaces itself asks its successor first, and waits for what is being started. */
const UPGRADE_WITHIN = Duration.seconds(120)

const encodeRequest = Schema.encodeSync(HostRequest)
const decodeFrame = Schema.decodeUnknownExit(
  Schema.fromJsonString(Schema.Union([HostEvent, HostScreensEvent, HostReply]))
)
const decodeHello = Schema.decodeUnknownEffect(HelloReply)

/**
 * The daemon's line to the session-host: an actor that connects to the host, or starts one, and begins anew when the
 * line breaks. Requests wait in its mailbox meanwhile.
 */
export class HostLink extends Context.Service<
  HostLink,
  {
    /** Asks the host; fails with its refusal, or when it can't be reached or does not answer in time. */
    call(request: HostCall, allow?: Duration.Input): Effect.Effect<unknown, HostRefused | SessionHostUnavailable>
    readonly news: Queue.Dequeue<LinkNews>
    /** Asks the host to end, which it does if it holds nothing, and starts no other: the daemon is stopping. */
    readonly release: Effect.Effect<void>
    /** The host now connected, as it last said of itself, or null. */
    readonly host: Effect.Effect<HelloReply | null>
    /** Asks it to say so again. */
    readonly hello: Effect.Effect<HelloReply, HostRefused | SessionHostUnavailable>
    /** Has it replaced by that of this build, or with `check` only asks whether that could be done; the successor's hello. */
    upgrade(check: boolean): Effect.Effect<HelloReply | null, HostRefused | SessionHostUnavailable>
  }
>()("hob/sessions/HostLink") {
  static readonly layer = Layer.effect(
    HostLink,
    Effect.gen(function* () {
      const concerns = yield* Concerns
      const process = yield* HostProcess
      const mailbox = yield* Mailbox.make<WithoutId<HostRequest>, unknown, HostRefused | SessionHostUnavailable>({
        name: "session-host link",
        capacity: MAILBOX_CAPACITY
      })
      const news = yield* Queue.bounded<LinkNews>(NEWS_CAPACITY)
      let host: HelloReply | null = null
      let misfit: string | null = null
      let released = false

      yield* concerns.supervise("session-host link", (up) =>
        Effect.gen(function* () {
          if (released) return yield* Effect.never
          const { fresh, socket } = yield* process.connect
          const line = yield* openLine(socket, (told) => {
            if (!Queue.offerUnsafe(news, told)) {
              socket.destroy(new Error("the sessions actor does not keep up"))
            }
          })
          const hello = yield* line.call(introduction).pipe(Effect.flatMap(decodeHello))
          misfit = misfitOf(hello)
          if (misfit !== null) return yield* unavailable(misfit)
          host = hello
          yield* Queue.offer(news, { type: "connected", hello, fresh })
          yield* Effect.logInfo(
            `session-host ${hello.pid} holds ${hello.sessions.length} sessions${fresh ? " (started)" : ""}`
          )
          yield* up
          return yield* Effect.raceFirst(mailbox.receive(line.call, { concurrency: "unbounded" }), line.closed)
        }).pipe(Effect.ensuring(Effect.sync(() => void (host = null))), Effect.scoped)
      )

      const call = Effect.fn("HostLink.call")(function* (request: WithoutId<HostRequest>, allow: Duration.Input = 0) {
        // Waiting would not help.
        if (misfit !== null) return yield* unavailable(misfit)
        const missing = host === null ? null : missingIn(host, request.op)
        if (missing !== null) return yield* unavailable(missing)
        const within = Duration.sum(ANSWER_WITHIN, Duration.fromInputUnsafe(allow))
        return yield* mailbox.ask(request).pipe(
          Effect.timeoutOrElse({
            duration: within,
            orElse: () => unavailable(misfit ?? `it did not answer within ${Duration.toSeconds(within)} s`)
          }),
          Effect.catchTags({
            MailboxFull: (error) => unavailable(error.message),
            RequestAborted: () => unavailable("it went away before it answered")
          })
        )
      })

      const asHello = (reply: unknown) =>
        decodeHello(reply).pipe(
          Effect.tap((hello) => Effect.sync(() => void (host = host?.pid === hello.pid ? hello : host))),
          Effect.catchTag("SchemaError", (error) => unavailable(`its hello can't be understood: ${error.message}`))
        )
      const hello = Effect.flatMap(call(introduction), asHello)
      const upgrade = Effect.fn("HostLink.upgrade")(function* (check: boolean) {
        const successor = { entry: entrypoint("host"), node: globalThis.process.execPath, version: VERSION }
        const reply = yield* call({ op: "upgrade", ...successor, check }, UPGRADE_WITHIN)
        return check ? null : yield* asHello(reply)
      })

      const release = Effect.suspend(() => {
        released = true
        return host === null ? Effect.void : call({ op: "stop" })
      }).pipe(Effect.timeoutOption("2 seconds"), Effect.ignore)

      return HostLink.of({ call, news, release, host: Effect.sync(() => host), hello, upgrade })
    })
  )
}

const introduction = {
  op: "hello",
  protocol: HOST_PROTOCOL_VERSION,
  daemonPid: globalThis.process.pid
} as const

/** Why this daemon and that host can't speak to one another, and what to do; null when they can. */
export const misfitOf = ({ oldestProtocol = 1, pid, protocol, version }: HelloReply): string | null => {
  if (protocol >= OLDEST_HOST_PROTOCOL_VERSION && oldestProtocol <= HOST_PROTOCOL_VERSION) return null
  const who = `the session-host ${pid} (${buildName({ version })}) speaks protocol ${oldestProtocol} to ${protocol}, this daemon (${buildName(ownBuild)}) ${OLDEST_HOST_PROTOCOL_VERSION} to ${HOST_PROTOCOL_VERSION}`
  const isNewer = oldestProtocol > HOST_PROTOCOL_VERSION
  return isNewer
    ? `${who}. Its sessions run on. Install that version of hob again, or a newer one, and run \`hob restart\` with it`
    : `${who}. Its sessions run on. Install a version of hob between the two and run \`hob upgrade\` with it, then with this one`
}

/** Why a host can't be asked that, which came after it; null when it can. */
export const missingIn = (
  { features = [], protocol, version }: Pick<HelloReply, "features" | "protocol" | "version">,
  op: HostRequest["op"]
): string | null => {
  const isKnown =
    op === "set"
      ? features.includes("set")
      : op === "screens" || op === "answer" || op === "cancel"
        ? protocol >= 2
        : op !== "upgrade" || features.includes("upgrade")
  if (isKnown) return null
  return `the one that holds these sessions is older than this daemon (${buildName({ version })}) and can't do that. It goes with its last session, and the next one can`
}

const unavailable = (detail: string) => Effect.fail(new SessionHostUnavailable({ detail }))

const cancel = (id: number, request: number) => encodeRequest({ id, op: "cancel", request })

interface Line {
  readonly call: (request: WithoutId<HostRequest>) => Effect.Effect<unknown, HostRefused | SessionHostUnavailable>
  /** Fails when the line breaks. */
  readonly closed: Effect.Effect<never, SessionHostUnavailable>
}

/** Speaks control frames on a connected socket: answers matched to requests by id, events handed on as they come. */
const openLine = Effect.fnUntraced(function* (socket: Socket, onNews: (news: LinkNews) => void) {
  const pending = new Map<number, Deferred.Deferred<unknown, HostRefused | SessionHostUnavailable>>()
  const closed = yield* Deferred.make<never, SessionHostUnavailable>()
  let lastId = 0

  const fail = (detail: string) => {
    const exit = Exit.fail(new SessionHostUnavailable({ detail }))
    Deferred.doneUnsafe(closed, exit)
    for (const reply of pending.values()) Deferred.doneUnsafe(reply, exit)
    pending.clear()
  }

  const reader = new FrameReader(MAX_FRAME_BYTES, (type, payload) => {
    if (type !== FrameType.control) return
    const message = decodeFrame(payload.toString("utf8"))
    if (message._tag === "Failure") return socket.destroy(new Error("it sent a message that can't be understood"))
    if ("event" in message.value) return onNews({ type: "event", event: message.value })
    if ("screens" in message.value) return onNews({ type: "screens", event: message.value.screens })
    const { error, id, result } = message.value
    const reply = pending.get(id)
    if (reply === undefined) return
    pending.delete(id)
    Deferred.doneUnsafe(reply, error === undefined ? Exit.succeed(result) : Exit.fail(new HostRefused({ error })))
  })

  socket.on("data", (chunk: Buffer) => {
    try {
      reader.push(chunk)
    } catch (error) {
      socket.destroy(error as Error)
    }
  })
  socket.on("error", (error) => fail(error.message))
  socket.on("close", () => fail("the connection closed"))
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      socket.destroy()
      fail("the daemon let go of it")
    })
  )

  const line: Line = {
    call: (request) =>
      Effect.suspend(() => {
        const id = ++lastId
        const frame = encodeJsonFrame(FrameType.control, encodeRequest({ ...request, id } as HostRequest))
        if (frame.length > MAX_FRAME_BYTES) {
          // The host would have to end the connection, and every call on it.
          const message = `A request of ${frame.length} bytes; the session-host takes ${MAX_FRAME_BYTES}.`
          return Effect.fail(new HostRefused({ error: { code: "bad-request", message } satisfies HostError }))
        }
        const reply = Deferred.makeUnsafe<unknown, HostRefused | SessionHostUnavailable>()
        pending.set(id, reply)
        socket.write(frame)
        return Effect.onInterrupt(Deferred.await(reply), () =>
          Effect.sync(() => {
            pending.delete(id)
            // The others are answered soon, and nobody minds.
            if (request.op === "screens") socket.write(encodeJsonFrame(FrameType.control, cancel(++lastId, id)))
          })
        )
      }),
    closed: Deferred.await(closed)
  }
  return line
})

import { Context, Effect, Layer, Result, Schema, Stream } from "effect"
import * as Jit from "effect/schema/SchemaJITCompiler"
import { randomUUID } from "node:crypto"
import { HobConfig } from "../config/HobConfig.ts"
import type { Paths } from "../config/paths.ts"
import { templateOf } from "../config/templates.ts"
import {
  type DataTicket,
  InputQueueFull,
  type OwnSession,
  type Session,
  type SessionAmbiguous,
  SessionEnded,
  type SessionEvent,
  SessionHostUnavailable,
  SessionId,
  type SessionNameTaken,
  SessionNotFound,
  type SessionRunning,
  SpawnFailed,
  type Template,
  type TooManyTags,
  type UnknownSignal
} from "../protocol/index.ts"
import { HostSession, ListReply, MAX_FRAME_BYTES, SendReply } from "../protocol/sessionHost.ts"
import { Catalogue } from "./Catalogue.ts"
import { type Caller, makeEnding } from "./ending.ts"
import { type Entry, isOpen, stateOf, toSession } from "./entry.ts"
import { sessionEnvironment } from "../config/environment.ts"
import { type HostCall, HostLink } from "./HostLink.ts"
import { makeLabels } from "./labels.ts"
import { makeSpawning, sessionVariables } from "./spawning.ts"
import { decideStart } from "./start.ts"
import { applyTemplate, type TemplateOptions } from "./templates.ts"
import { currentUser } from "../config/user.ts"

type Lookup = SessionNotFound | SessionAmbiguous
type Unavailable = SessionHostUnavailable

/** What a client wants to see of a session's bytes: see `sessions.attach`. */
export interface AttachOptions {
  readonly mode: "attach" | "follow" | "read" | "records"
  readonly readOnly?: boolean
  readonly since?: number
  readonly tail?: number
  /** Mode `records`, with `since`: where the input that is known ends. */
  readonly sinceInput?: number
  /** Mode `records`: goes on as the log grows. */
  readonly follow?: boolean
  /** It is no client that anybody counts. */
  readonly uncounted?: boolean
  readonly cols?: number
  readonly rows?: number
}

/** Which sessions: the ended ones too, and only those that have all the tags. */
export interface ListOptions {
  readonly all?: boolean
  readonly tags?: ReadonlyArray<string>
}

/** One send: what fits into a frame of the session-host's control line as base64. */
const MAX_SEND_BYTES = Math.floor(MAX_FRAME_BYTES / 2)

const END_OF_TRANSMISSION = Buffer.from([0x04])

const decodeHostSession = Schema.decodeUnknownEffect(HostSession)
// A hundred sessions a time, whenever somebody lists them.
Jit.enable(ListReply.ast)
const decodeListReply = Schema.decodeUnknownEffect(ListReply)
const decodeSendReply = Schema.decodeUnknownEffect(SendReply)

/**
 * Terminal sessions: what was asked for, what the session-host holds, and what has ended. The programs and their
 * bytes are in the host; this service knows them, names them and speaks for them.
 */
export class Sessions extends Context.Service<
  Sessions,
  {
    run(options: TemplateOptions): Effect.Effect<Session, SpawnFailed | SessionNameTaken | Unavailable>
    /** Newest first; with `all`, the ended ones too; with `tags`, those that have all of them. */
    list(options?: ListOptions): Effect.Effect<ReadonlyArray<Session>>
    /** The same, and why the host can't be asked, if it can't: then what runs is not known. */
    listing(
      options?: ListOptions
    ): Effect.Effect<{ readonly sessions: ReadonlyArray<Session>; readonly hostUnavailable?: string }>
    show(ref: string): Effect.Effect<Session, Lookup | Unavailable>
    attach(ref: string, options: AttachOptions): Effect.Effect<DataTicket, Lookup | Unavailable>
    /** Types bytes into a session; all or nothing. */
    send(
      ref: string,
      data: Uint8Array,
      options?: { readonly endInput?: boolean }
    ): Effect.Effect<typeof SendReply.Type, Lookup | Unavailable | SessionEnded | InputQueueFull>
    resize(
      ref: string,
      size: { cols: number; rows: number }
    ): Effect.Effect<Session, Lookup | Unavailable | SessionEnded>
    /** Waits until the session has ended and its output is complete. */
    wait(ref: string): Effect.Effect<Session, Lookup | Unavailable>
    kill(
      ref: string,
      options?: { readonly signal?: string; readonly graceMillis?: number } & Caller
    ): Effect.Effect<Session, Lookup | Unavailable | UnknownSignal | OwnSession>
    remove(
      ref: string,
      options?: { readonly force?: boolean } & Caller
    ): Effect.Effect<{ readonly id: SessionId }, Lookup | Unavailable | SessionRunning | OwnSession>
    /** Gives a session another name, or none. */
    rename(ref: string, name: string | null): Effect.Effect<Session, Lookup | Unavailable | SessionNameTaken>
    tag(
      ref: string,
      changes: { readonly add?: ReadonlyArray<string>; readonly remove?: ReadonlyArray<string> }
    ): Effect.Effect<Session, Lookup | Unavailable | TooManyTags>
    /** Kills every session, and waits for them; none is started anew any more. How many they were. None from inside one of them. */
    killAll(caller?: Caller): Effect.Effect<number, OwnSession>
    /** What happens from the moment of subscribing. */
    readonly events: Stream.Stream<SessionEvent>
    /** Those of the configuration in force, by name. */
    readonly templates: Effect.Effect<Readonly<Record<string, Template>>>
    /** `waiting`: have ended and are about to be started anew. */
    readonly counts: Effect.Effect<{ readonly running: number; readonly total: number; readonly waiting: number }>
  }
>()("hob/sessions/Sessions") {
  static readonly layer = (paths: Paths) => Layer.effect(Sessions, make(paths))
}

const make = Effect.fnUntraced(function* (paths: Paths) {
  const catalogue = yield* Catalogue
  const config = yield* HobConfig
  const link = yield* HostLink
  const { entries, find, put, take } = catalogue
  const labels = yield* makeLabels
  const ending = yield* makeEnding(labels.change)
  const spawn = yield* makeSpawning(paths)

  const askSession = (request: HostCall) =>
    link.call(request).pipe(Effect.flatMap((reply) => Effect.orDie(decodeHostSession(reply))))

  const run = Effect.fn("Sessions.run")(function* (asked: TemplateOptions) {
    const { sessions } = yield* config.get
    const user = currentUser()
    const options = yield* Effect.fromResult(applyTemplate(asked, yield* templates, user.home))
    const id = options.id ?? SessionId.make(randomUUID())
    const given = { id, createdAt: new Date().toISOString(), settings: sessions, user }
    const file = yield* Effect.fromResult(decideStart(entries.values(), options, given))
    const env = sessionEnvironment({
      caller: options.env ?? null,
      daemon: process.env,
      deny: sessions.environmentDeny,
      allow: sessions.environmentAllow,
      user,
      kind: file.kind,
      ...(options.extraEnv === undefined ? {} : { extra: options.extraEnv }),
      session: sessionVariables(paths, id)
    })
    return yield* spawn(file, env)
  })

  const templates = Effect.map(config.get, (settings) =>
    Object.fromEntries(Object.entries(settings.templates).map(([name, setting]) => [name, templateOf(setting)]))
  )

  /** Asks the host how its sessions are. */
  const refresh = link.call({ op: "list" }).pipe(
    Effect.catchTag("HostRefused", ({ refusal }) =>
      Effect.fail(new SessionHostUnavailable({ detail: refusal.message }))
    ),
    Effect.flatMap((reply) => Effect.orDie(decodeListReply(reply))),
    Effect.map((reply) => void reply.sessions.forEach(take))
  )

  /** What is left of lost sessions: looked for once, when somebody asks. A host of another version may not know. */
  const findRemains = (candidates: Iterable<Entry>) =>
    Effect.forEach(
      Array.from(candidates).filter((entry) => stateOf(entry) === "lost" && entry.remains === undefined),
      (entry) =>
        askSession({ op: "inspect", session: entry.file.id }).pipe(
          Effect.map((remains) => void put({ ...entry, remains })),
          Effect.ignore
        ),
      { concurrency: 16, discard: true }
    )

  const listing = Effect.fn("Sessions.list")(function* (options: ListOptions = {}) {
    const known = yield* Effect.result(catalogue.hostKnown)
    const asked =
      Result.isSuccess(known) && Array.from(entries.values()).some((entry) => isOpen(entry))
        ? yield* Effect.result(refresh)
        : known
    const problem = Result.isFailure(asked) ? { hostUnavailable: asked.failure.detail } : {}
    if (options.all === true) yield* findRemains(entries.values())
    // Several may begin in one millisecond: of those the last to begin is the newest.
    const sessions = Array.from(entries.values())
      .toReversed()
      .filter((entry) => options.all === true || isOpen(entry))
      .filter(({ file }) => (options.tags ?? []).every((tag) => file.tags.includes(tag)))
      .map(toSession)
      .sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0))
    return { sessions, ...problem }
  })

  const show = Effect.fn("Sessions.show")(function* (ref: string) {
    const entry = yield* find(ref)
    // When the host can't be asked, what is known is told.
    yield* isOpen(entry) ? Effect.ignore(refresh) : findRemains([entry])
    return toSession(entries.get(entry.file.id) ?? entry)
  })

  const attach = Effect.fn("Sessions.attach")(function* (ref: string, options: AttachOptions) {
    const entry = yield* find(ref)
    const { file } = entry
    const ticket = randomUUID()
    const grant: HostCall = {
      op: "grant",
      ticket,
      session: file.id,
      mode: options.mode,
      readOnly: options.readOnly ?? false,
      since: options.since ?? null,
      tail: options.tail ?? null,
      cols: options.cols ?? null,
      rows: options.rows ?? null,
      ...(options.sinceInput === undefined ? {} : { sinceInput: options.sinceInput }),
      ...(options.follow === undefined ? {} : { follow: options.follow }),
      ...(options.uncounted === undefined ? {} : { uncounted: options.uncounted })
    }
    // It can only be refused for a session that is removed just now.
    yield* link
      .call(grant)
      .pipe(Effect.catchTag("HostRefused", () => Effect.fail(new SessionNotFound({ session: ref }))))
    return { session: toSession(entries.get(file.id) ?? entry), path: paths.hostSocket, ticket }
  })

  const ended = (entry: Entry) => new SessionEnded({ id: entry.file.id, state: stateOf(entry) })

  const send = Effect.fn("Sessions.send")(function* (
    ref: string,
    typed: Uint8Array,
    { endInput = false }: { readonly endInput?: boolean } = {}
  ) {
    const entry = yield* find(ref)
    if (!isOpen(entry)) return yield* ended(entry)
    const onPipes = entry.file.kind === "pipe"
    // A terminal has no end of input but the character that stands for it.
    const data = endInput && !onPipes ? Buffer.concat([typed, END_OF_TRANSMISSION]) : Buffer.from(typed)
    const { sessions } = yield* config.get
    const full = (queuedBytes: number, limitBytes: number) =>
      new InputQueueFull({ id: entry.file.id, queuedBytes, limitBytes })
    const limitBytes = Math.min(sessions.inputQueueBytes, MAX_SEND_BYTES)
    if (data.length > limitBytes) return yield* full(0, limitBytes)
    const reply = yield* link
      .call({ op: "send", session: entry.file.id, data: data.toString("base64"), endInput: endInput && onPipes })
      .pipe(
        Effect.catchTag("HostRefused", ({ refusal }) =>
          Effect.fail(
            refusal.code === "input-queue-full"
              ? full(refusal.queuedBytes ?? 0, refusal.limitBytes ?? 0)
              : new SessionEnded({ id: entry.file.id, state: "exited" })
          )
        )
      )
    return yield* Effect.orDie(decodeSendReply(reply))
  })

  const resize = Effect.fn("Sessions.resize")(function* (ref: string, size: { cols: number; rows: number }) {
    const entry = yield* find(ref)
    if (!isOpen(entry)) return yield* ended(entry)
    const host = yield* askSession({ op: "resize", session: entry.file.id, ...size }).pipe(
      Effect.catchTag("HostRefused", () => Effect.fail(new SessionEnded({ id: entry.file.id, state: "exited" })))
    )
    return toSession(take(host) ?? entry)
  })

  // A stopping daemon leaves the host to its sessions, and leaves no host without any.
  yield* Effect.addFinalizer(() => Effect.suspend(() => (ending.open().length > 0 ? Effect.void : link.release)))

  return Sessions.of({
    run,
    list: (options) => Effect.map(listing(options), ({ sessions }) => sessions),
    listing,
    show,
    attach,
    send,
    resize,
    wait: ending.wait,
    kill: ending.kill,
    remove: ending.remove,
    rename: labels.rename,
    tag: labels.tag,
    killAll: ending.killAll,
    templates,
    events: Stream.fromPubSub(catalogue.events),
    counts: Effect.sync(() => ({
      running: ending.open().length,
      total: entries.size,
      waiting: Array.from(entries.values()).filter(({ restartsAt }) => restartsAt !== undefined).length
    }))
  })
})

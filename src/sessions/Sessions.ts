import { Context, Deferred, Duration, Effect, Exit, Layer, PubSub, Queue, Result, Schema, Stream } from "effect"
import { randomUUID } from "node:crypto"
import { homedir } from "node:os"
import { Concerns } from "../actors/Concerns.ts"
import { HobConfig } from "../config/HobConfig.ts"
import type { Paths } from "../config/paths.ts"
import {
  type DataTicket,
  InputQueueFull,
  type Session,
  SessionAmbiguous,
  SessionEnded,
  type SessionEvent,
  SessionHostUnavailable,
  SessionId,
  SessionNameTaken,
  SessionNotFound,
  SessionRunning,
  SpawnFailed,
  UnknownSignal
} from "../protocol/index.ts"
import { HostSession, ListReply, SendReply, type SessionFile } from "../protocol/sessionHost.ts"
import { answered, type Entry, readCatalogue, readEntry, stateOf, told, toSession } from "./catalogue.ts"
import { sessionEnvironment } from "./environment.ts"
import { type HostCall, HostLink, type LinkNews } from "./HostLink.ts"
import { resolveSession } from "./resolve.ts"
import { expired } from "./retention.ts"
import { currentUser } from "./user.ts"

/** Events that a subscriber has not yet taken; a slower one loses the oldest and can list again. */
const EVENTS_CAPACITY = 1024

type Lookup = SessionNotFound | SessionAmbiguous
type Unavailable = SessionHostUnavailable

/** What `sessions.run` is asked for. */
export interface RunOptions {
  readonly name?: string
  readonly tags?: ReadonlyArray<string>
  readonly command?: ReadonlyArray<string>
  readonly cwd?: string
  /** The caller's whole environment; without it the session gets a login environment. */
  readonly env?: Readonly<Record<string, string>>
  readonly kind?: "pty" | "pipe"
  readonly cols?: number
  readonly rows?: number
}

/** What a client wants to see of a session's bytes: see `sessions.attach`. */
export interface AttachOptions {
  readonly mode: "attach" | "follow" | "read" | "records"
  readonly readOnly?: boolean
  readonly since?: number
  readonly tail?: number
  readonly cols?: number
  readonly rows?: number
}

const decodeHostSession = Schema.decodeUnknownEffect(HostSession)
const decodeListReply = Schema.decodeUnknownEffect(ListReply)
const decodeSendReply = Schema.decodeUnknownEffect(SendReply)

/**
 * Terminal sessions: what was asked for, what the session-host holds, and what has ended. The programs and their
 * bytes are in the host; this service knows them, names them and speaks for them.
 */
export class Sessions extends Context.Service<
  Sessions,
  {
    run(options: RunOptions): Effect.Effect<Session, SpawnFailed | SessionNameTaken | Unavailable>
    /** Newest first; with `all`, the ended ones too. */
    list(options?: { readonly all?: boolean }): Effect.Effect<ReadonlyArray<Session>>
    show(ref: string): Effect.Effect<Session, Lookup | Unavailable>
    attach(ref: string, options: AttachOptions): Effect.Effect<DataTicket, Lookup | Unavailable>
    /** Types bytes into a session; all or nothing. */
    send(
      ref: string,
      data: Uint8Array
    ): Effect.Effect<typeof SendReply.Type, Lookup | Unavailable | SessionEnded | InputQueueFull>
    resize(
      ref: string,
      size: { cols: number; rows: number }
    ): Effect.Effect<Session, Lookup | Unavailable | SessionEnded>
    /** Waits until the session has ended and its output is complete. */
    wait(ref: string): Effect.Effect<Session, Lookup>
    kill(
      ref: string,
      options?: { readonly signal?: string; readonly graceMillis?: number }
    ): Effect.Effect<Session, Lookup | Unavailable | UnknownSignal>
    remove(
      ref: string,
      options?: { readonly force?: boolean }
    ): Effect.Effect<{ readonly id: SessionId }, Lookup | Unavailable | SessionRunning>
    /** Kills every session, and waits for them. How many they were. */
    readonly killAll: Effect.Effect<number>
    /** What happens from the moment of subscribing. */
    readonly events: Stream.Stream<SessionEvent>
    readonly counts: Effect.Effect<{ readonly running: number; readonly total: number }>
  }
>()("hob/sessions/Sessions") {
  static readonly layer = (paths: Paths) => Layer.effect(Sessions, make(paths))
}

const make = Effect.fnUntraced(function* (paths: Paths) {
  const concerns = yield* Concerns
  const config = yield* HobConfig
  const link = yield* HostLink
  const entries = yield* readCatalogue(paths.sessions)
  const events = yield* PubSub.sliding<SessionEvent>(EVENTS_CAPACITY)
  /** Done once the first host has said hello: until then nobody can tell a running session from a lost one. */
  const known = yield* Deferred.make<void>()

  const announce = (type: SessionEvent["type"], entry: Entry | null) =>
    PubSub.publish(events, {
      type,
      at: new Date().toISOString(),
      session: entry === null ? null : toSession(entry)
    })

  const put = (entry: Entry) => {
    entries.set(entry.file.id, entry)
    return entry
  }

  /** A session has begun: announced before anything else of it, whoever hears of it first. */
  const begin = (entry: Entry, host: HostSession) =>
    Effect.suspend(() => (entry.starting ? announce("started", put(answered(entry, host))) : Effect.void))

  // ── the actor: news from the host ──

  /** A host has said hello: what it does not hold has ended (and says so on disk), or is lost. */
  const onConnected = Effect.fnUntraced(function* ({ hello }: Extract<LinkNews, { type: "connected" }>) {
    const held = new Set(hello.sessions.map(({ id }) => id))
    let lost = 0
    for (const entry of entries.values()) {
      if (entry.exit !== null || entry.starting || held.has(entry.file.id)) continue
      const onDisk = yield* readEntry(paths.sessions, entry.file.id)
      if (onDisk?.exit) {
        yield* announce("closed", put(onDisk))
      } else if (entry.host !== null) {
        lost++
        yield* announce("lost", put({ ...entry, host: null }))
      }
    }
    for (const session of hello.sessions) put(told(entries.get(session.id), session))
    if (lost > 0) {
      yield* announce("host-lost", null)
      yield* Effect.logError(
        `the session-host went away: ${lost} sessions are lost, their logs are kept; session-host ${hello.pid} takes new ones`
      )
    }
    yield* Deferred.succeed(known, undefined)
    yield* retain
  })

  const retain = Effect.gen(function* () {
    const { sessions } = yield* config.get
    for (const entry of expired(entries.values(), sessions, Date.now())) {
      yield* link.call({ op: "remove", session: entry.file.id }).pipe(
        Effect.andThen(Effect.sync(() => entries.delete(entry.file.id))),
        Effect.catch((error) => Effect.logWarning(`session ${entry.file.id} could not be removed: ${error.message}`))
      )
    }
  })

  yield* concerns.supervise("sessions", (up) =>
    Effect.gen(function* () {
      yield* up
      for (;;) {
        const news = yield* Queue.take(link.news)
        if (news.type === "connected") {
          yield* onConnected(news)
          continue
        }
        const { event, session } = news.event
        const before = entries.get(session.id)
        if (before === undefined) continue
        yield* begin(before, session)
        yield* announce(event, put(told(before, session)))
        if (event === "closed") yield* retain
      }
    })
  )

  // ── requests ──

  const find = (ref: string) =>
    Effect.andThen(
      hostKnown,
      Effect.suspend(() =>
        Effect.fromResult(Result.map(resolveSession(named(entries.values()), ref), ({ entry }) => entry))
      )
    )

  const hostKnown = Deferred.await(known).pipe(
    Effect.timeoutOrElse({
      duration: "15 seconds",
      orElse: () =>
        Effect.flatMap(concerns.status, (all) => {
          const failure = all.find(({ name }) => name === "session-host link")?.lastFailure
          return Effect.fail(new SessionHostUnavailable({ detail: failure?.reason ?? "it has not answered yet" }))
        })
    })
  )

  /** Refusals that no caller can do anything about are bugs. */
  const ask = (request: HostCall, allow?: Duration.Input) =>
    link
      .call(request, allow)
      .pipe(Effect.catchTag("HostRefused", (error) => Effect.die(new Error(error.refusal.message))))

  /** Takes what an answer tells; a session that has been removed meanwhile stays removed. */
  const take = (host: HostSession) => {
    const entry = entries.get(host.id)
    return entry === undefined ? undefined : put(answered(entry, host))
  }

  const askSession = (request: HostCall, allow?: Duration.Input) =>
    link.call(request, allow).pipe(Effect.flatMap((reply) => Effect.orDie(decodeHostSession(reply))))

  const run = Effect.fn("Sessions.run")(function* (options: RunOptions) {
    const { sessions } = yield* config.get
    const user = currentUser()
    const kind = options.kind ?? "pty"
    const command = options.command?.length ? options.command : [sessions.shell ?? user.shell]
    if (command[0] === "") {
      return yield* new SpawnFailed({
        reason: "empty-command",
        subject: "",
        detail: "The command is empty. Give a program to run, or nothing at all for your shell."
      })
    }
    const running = Array.from(entries.values()).filter((entry) => isOpen(entry)).length
    if (running >= sessions.maxCount) {
      return yield* new SpawnFailed({
        reason: "too-many-sessions",
        subject: String(sessions.maxCount),
        detail: `${running} sessions are running and the limit is ${sessions.maxCount} (sessions.maxCount). End some with \`hob kill\`.`
      })
    }
    const name = options.name ?? null
    const holder =
      name === null
        ? undefined
        : Array.from(entries.values()).find((entry) => entry.file.name === name && isOpen(entry))
    if (name !== null && holder !== undefined) return yield* new SessionNameTaken({ name, id: holder.file.id })

    const id = SessionId.make(randomUUID())
    const file: SessionFile = {
      id,
      name,
      tags: options.tags ?? [],
      command,
      cwd: options.cwd ?? homedir(),
      kind,
      cols: options.cols ?? 80,
      rows: options.rows ?? 24,
      createdAt: new Date().toISOString()
    }
    // Taken at once, so that two starts with one name can't both pass the check above.
    put({ file, host: null, exit: null, starting: true })
    const env = sessionEnvironment({
      caller: options.env ?? null,
      daemon: process.env,
      deny: sessions.environmentDeny,
      allow: sessions.environmentAllow,
      user,
      kind,
      session: { HOB_SESSION_ID: id, HOB_SOCKET: paths.socket, ...hobHome(paths) }
    })
    const host = yield* askSession({
      op: "spawn",
      session: file,
      file: command[0]!,
      env,
      limits: { segmentBytes: sessions.logSegmentBytes, maxBytes: sessions.logMaxBytes, logInput: sessions.logInput },
      recentBytes: sessions.recentBytes,
      inputQueueBytes: sessions.inputQueueBytes
    }).pipe(
      Effect.catchTag("HostRefused", ({ refusal }) =>
        Effect.fail(
          new SpawnFailed(refusal.spawn ?? { reason: "system", subject: command[0]!, detail: refusal.message })
        )
      ),
      Effect.onExit((exit) =>
        Exit.isSuccess(exit) ? Effect.void : Effect.sync(() => entries.get(id)?.starting && entries.delete(id))
      )
    )
    const entry = entries.get(id)
    if (entry !== undefined) yield* begin(entry, host)
    return toSession(entries.get(id) ?? told(undefined, host))
  })

  /** Asks the host how its sessions are; when it can't be asked, what is known is told. */
  const refresh = link.call({ op: "list" }).pipe(
    Effect.flatMap(decodeListReply),
    Effect.map((reply) => void reply.sessions.forEach(take)),
    Effect.ignore
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

  const list = Effect.fn("Sessions.list")(function* (options: { readonly all?: boolean } = {}) {
    yield* Effect.ignore(hostKnown)
    if (Array.from(entries.values()).some((entry) => isOpen(entry))) yield* refresh
    if (options.all === true) yield* findRemains(entries.values())
    return Array.from(entries.values())
      .filter((entry) => options.all === true || isOpen(entry))
      .map(toSession)
      .sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0))
  })

  const show = Effect.fn("Sessions.show")(function* (ref: string) {
    const entry = yield* find(ref)
    yield* isOpen(entry) ? refresh : findRemains([entry])
    return toSession(entries.get(entry.file.id) ?? entry)
  })

  const attach = Effect.fn("Sessions.attach")(function* (ref: string, options: AttachOptions) {
    const { file } = yield* find(ref)
    const ticket = randomUUID()
    yield* ask({
      op: "grant",
      ticket,
      session: file.id,
      mode: options.mode,
      readOnly: options.readOnly ?? false,
      since: options.since ?? null,
      tail: options.tail ?? null,
      cols: options.cols ?? null,
      rows: options.rows ?? null
    })
    return { session: toSession(entries.get(file.id)!), path: paths.hostSocket, ticket }
  })

  const ended = (entry: Entry) => new SessionEnded({ id: entry.file.id, state: stateOf(entry) })

  const send = Effect.fn("Sessions.send")(function* (ref: string, data: Uint8Array) {
    const entry = yield* find(ref)
    if (!isOpen(entry)) return yield* ended(entry)
    const { sessions } = yield* config.get
    const full = (queuedBytes: number, limitBytes: number) =>
      new InputQueueFull({ id: entry.file.id, queuedBytes, limitBytes })
    if (data.length > sessions.inputQueueBytes) return yield* full(0, sessions.inputQueueBytes)
    const reply = yield* link
      .call({ op: "send", session: entry.file.id, data: Buffer.from(data).toString("base64") })
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

  const wait = Effect.fn("Sessions.wait")(function* (ref: string) {
    const subscription = yield* PubSub.subscribe(events)
    const { file } = yield* Effect.catchTag(find(ref), "SessionHostUnavailable", () =>
      Effect.fail(new SessionNotFound({ session: ref }))
    )
    for (;;) {
      const entry = entries.get(file.id)
      if (entry === undefined) return yield* new SessionNotFound({ session: ref })
      if (!isOpen(entry) && !entry.starting) return toSession(entry)
      yield* PubSub.take(subscription)
    }
  }, Effect.scoped)

  const kill = Effect.fn("Sessions.kill")(function* (
    ref: string,
    options: { readonly signal?: string; readonly graceMillis?: number } = {}
  ) {
    const entry = yield* find(ref)
    if (!isOpen(entry)) return toSession(entry)
    const { sessions } = yield* config.get
    const signal = options.signal ?? "SIGTERM"
    const graceMillis = options.graceMillis ?? sessions.killGraceMillis
    yield* link.call({ op: "kill", session: entry.file.id, signal, graceMillis }, graceMillis).pipe(
      // Any other refusal means that it ended while we asked.
      Effect.catchTag("HostRefused", ({ refusal }) =>
        refusal.code === "unknown-signal"
          ? Effect.fail(new UnknownSignal({ signal }))
          : refusal.code === "internal"
            ? Effect.fail(new SessionHostUnavailable({ detail: refusal.message }))
            : Effect.void
      )
    )
    return yield* wait(entry.file.id)
  })

  const remove = Effect.fn("Sessions.remove")(function* (ref: string, options: { readonly force?: boolean } = {}) {
    const { file } = yield* find(ref)
    const id = file.id
    if (isOpen(entries.get(id))) {
      if (options.force !== true) return yield* new SessionRunning({ id })
      yield* kill(id).pipe(Effect.catchTag("UnknownSignal", Effect.die))
    }
    yield* link
      .call({ op: "remove", session: id })
      .pipe(Effect.catchTag("HostRefused", () => Effect.fail(new SessionRunning({ id }))))
    const entry = entries.get(id)
    entries.delete(id)
    if (entry !== undefined) yield* announce("removed", entry)
    return { id }
  })

  const killAll = Effect.gen(function* () {
    const open = Array.from(entries.values()).filter((entry) => isOpen(entry))
    yield* Effect.forEach(open, ({ file }) => Effect.exit(kill(file.id)), { concurrency: "unbounded", discard: true })
    return open.length
  })

  // A stopping daemon leaves the host to its sessions, and leaves no host without any.
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => (Array.from(entries.values()).some((entry) => isOpen(entry)) ? Effect.void : link.release))
  )

  return Sessions.of({
    run,
    list,
    show,
    attach,
    send,
    resize,
    wait,
    kill,
    remove,
    killAll,
    events: Stream.fromPubSub(events),
    counts: Effect.sync(() => ({
      running: Array.from(entries.values()).filter((entry) => isOpen(entry)).length,
      total: entries.size
    }))
  })
})

/** Not ended: its program runs, or is about to, or has ended while its children still print. */
const isOpen = (entry: Entry | undefined): boolean => entry !== undefined && (entry.starting || entry.host !== null)

const named = function* (entries: Iterable<Entry>) {
  for (const entry of entries) {
    const { createdAt, id, name } = entry.file
    yield { id, name, createdAt, open: isOpen(entry), entry }
  }
}

/** A `hob` inside the session must find this daemon also when it lives in a home of its own. */
const hobHome = (paths: Paths): Record<string, string> => {
  const home = paths.environment["HOB_HOME"]
  return home === undefined ? {} : { HOB_HOME: home }
}

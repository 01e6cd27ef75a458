import { Context, Effect, Fiber, FiberMap, Layer, Stream } from "effect"
import { createHash, randomUUID } from "node:crypto"
import { Announcer } from "../actors/Announcer.ts"
import { Concerns } from "../actors/Concerns.ts"
import { HobConfig } from "../config/HobConfig.ts"
import {
  type Agent,
  type AgentEvent,
  AgentNeedsPrompt,
  type AgentSession,
  AgentTakesNoTurns,
  IdempotencyConflict,
  type InputQueueFull,
  type Session,
  type SessionAmbiguous,
  type SessionEnded,
  type SessionHostUnavailable,
  SessionId,
  type SessionNotFound,
  type StartAgentError,
  UnknownAgent
} from "../protocol/index.ts"
import { Sessions } from "../sessions/Sessions.ts"
import { logPieces } from "../sessions/hostStream.ts"
import { Database } from "../storage/Database.ts"
import { usableDirectory } from "./directory.ts"
import { EventReader } from "./EventReader.ts"
import { announceEvents, followAgent } from "./Following.ts"
import { knownAgents, turnLine, withPrompt } from "./known.ts"
import { makePerKey } from "./perKey.ts"
import { decideProgress, initial, isWorking } from "./progress.ts"
import { readers } from "./readers.ts"
import * as rows from "./rows.ts"
import type { AgentRow } from "./rows.ts"

/** What an agent session is started with: see `agents.start`. */
export interface StartAgentOptions {
  readonly directory: string
  readonly prompt?: string
  readonly agent?: string
  readonly command?: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
  readonly callerEnv?: Readonly<Record<string, string>>
  readonly name?: string
  readonly tags?: ReadonlyArray<string>
  readonly idempotencyKey?: string
  readonly createDirectory?: boolean
  readonly endInput?: boolean
}

export interface StartedAgent {
  readonly session: AgentSession
  readonly isNew: boolean
}

type Lookup = SessionNotFound | SessionAmbiguous | SessionHostUnavailable

/**
 * Agent sessions: coding agents on pipes, started by name in a directory, given turns, and what they say read into
 * events. Their bytes are the session's, in its log; this knows what they mean.
 */
export class Agents extends Context.Service<
  Agents,
  {
    start(options: StartAgentOptions): Effect.Effect<StartedAgent, StartAgentError>
    turn(
      ref: string,
      text: string,
      options?: { readonly endInput?: boolean }
    ): Effect.Effect<
      { readonly acceptedBytes: number; readonly queuedBytes: number },
      Lookup | SessionEnded | InputQueueFull | AgentTakesNoTurns
    >
    events(
      ref: string,
      options?: { readonly since?: number; readonly follow?: boolean; readonly raw?: boolean }
    ): Stream.Stream<AgentEvent, Lookup | AgentTakesNoTurns>
    readonly list: (options?: { readonly all?: boolean }) => Effect.Effect<ReadonlyArray<AgentSession>>
    /** What is known of the agent in a session; null where none was started there. */
    readonly of: (session: Session) => AgentSession | null
    readonly known: Effect.Effect<ReadonlyArray<Agent>>
  }
>()("hob/agents/Agents") {
  static readonly layer = Layer.effect(
    Agents,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const announcer = yield* Announcer
  const concerns = yield* Concerns
  const config = yield* HobConfig
  const database = yield* Database
  const sessions = yield* Sessions
  const tracked = new Map<SessionId, AgentRow>()
  const byKey = new Map<string, SessionId>()
  const followers = yield* FiberMap.make<SessionId>()
  const perKey = makePerKey()
  const scope = yield* Effect.scope

  const put = (row: AgentRow): AgentRow => {
    tracked.set(row.session, row)
    if (row.key !== null) byKey.set(row.key, row.session)
    return row
  }
  const forget = (id: SessionId) =>
    Effect.suspend(() => {
      const row = tracked.get(id)
      if (row === undefined) return Effect.void
      tracked.delete(id)
      if (row.key !== null && byKey.get(row.key) === id) byKey.delete(row.key)
      return Effect.ignore(database.write((sql) => rows.remove(sql, id)))
    })
  // One that can't be written down is read again, some day.
  const keep = (row: AgentRow) => Effect.ignore(database.write((sql) => rows.advance(sql, row)))

  const heard = (id: SessionId) => (events: ReadonlyArray<AgentEvent>, session: Session) =>
    Effect.suspend(() => {
      const row = tracked.get(id)
      if (row === undefined) return Effect.void
      const at = new Date().toISOString()
      const progress = events.reduce((progress, event) => decideProgress(progress, event, at), row.progress)
      const next = put({ ...row, progress, offset: events.at(-1)!.offset })
      announceEvents(announcer, session, events)
      return keep(next)
    })

  const follow = (row: AgentRow) => {
    const read = readers[row.output]
    const id = row.session
    if (read === undefined) return Effect.void
    const following = followAgent({ sessions, row: () => tracked.get(id) ?? row, read, heard: heard(id) })
    return Effect.asVoid(FiberMap.run(followers, id, following))
  }

  const toAgentSession = (row: AgentRow, session: Session): AgentSession => {
    const { agent, input, offset, progress } = row
    const { agentSession, costUsd, lastResult, model, turns } = progress
    const isOpen = session.state === "running" || session.state === "starting"
    return {
      session,
      agent: agent as AgentSession["agent"],
      state: isOpen ? (isWorking(progress) ? "working" : "idle") : "ended",
      takesTurns: isOpen && input === "stream-json",
      agentSession,
      model,
      turns,
      lastResult,
      costUsd,
      offset
    }
  }

  const known = Effect.map(config.get, ({ agents }) => knownAgents(agents))

  /** Which agent is meant; null: a command alone. */
  const agentOf = Effect.fnUntraced(function* ({ agent: name, command }: StartAgentOptions) {
    if (name === undefined && command !== undefined) return null
    const agents = yield* known
    const agent = agents.find((agent) => (name === undefined ? agent.isDefault : agent.name === name))
    if (agent !== undefined) return agent
    const wanted = name ?? (yield* config.get).agents.default
    return yield* new UnknownAgent({ agent: wanted, known: agents.map((agent) => agent.name) })
  })

  /** What a request with this key has started before, if it is still known. */
  const earlier = Effect.fnUntraced(function* (key: string | null, fingerprint: string) {
    const id = key === null ? undefined : byKey.get(key)
    const row = id === undefined ? undefined : tracked.get(id)
    if (row === undefined) return undefined
    const session = yield* Effect.catchTag(sessions.show(row.session), ["SessionNotFound", "SessionAmbiguous"], () =>
      Effect.as(forget(row.session), undefined)
    )
    if (session === undefined) return undefined
    if (row.fingerprint !== fingerprint)
      return yield* new IdempotencyConflict({ idempotencyKey: key!, session: row.session })
    return { session: toAgentSession(row, session), isNew: false }
  })

  const begin = Effect.fnUntraced(function* (options: StartAgentOptions, fingerprint: string) {
    const { idempotencyKey: key = null, prompt } = options
    const agent = yield* agentOf(options)
    const input = agent?.input ?? "text"
    if (agent !== null && input !== "stream-json" && prompt === undefined) {
      return yield* new AgentNeedsPrompt({ agent: agent.name })
    }
    const cwd = yield* usableDirectory(options.directory, { create: options.createDirectory === true })
    const command = options.command ?? agent!.command
    const row: AgentRow = {
      session: SessionId.make(randomUUID()),
      agent: agent?.name ?? null,
      input,
      output: agent?.output ?? "text",
      key,
      fingerprint,
      offset: 0,
      progress: { ...initial, given: prompt === undefined ? 0 : 1 }
    }
    return yield* Effect.uninterruptible(run(options, row, command, cwd))
  })

  const run = Effect.fnUntraced(function* (
    { callerEnv, endInput = false, env, name, prompt, tags }: StartAgentOptions,
    row: AgentRow,
    command: ReadonlyArray<string>,
    cwd: string
  ) {
    const { agent, input, session: id } = row
    // Before it runs: when hob dies now, the key still leads to what was started.
    yield* database.write((sql) => rows.insert(sql, row))
    put(row)
    const session = yield* sessions
      .run({
        id,
        kind: "pipe",
        command: input === "argument" && agent !== null ? withPrompt(command, prompt!) : command,
        cwd,
        ...(callerEnv === undefined ? {} : { env: callerEnv }),
        ...(env === undefined ? {} : { extraEnv: env }),
        ...(name === undefined ? {} : { name }),
        ...(tags === undefined ? {} : { tags })
      })
      .pipe(Effect.tapError(() => forget(id)))
    yield* follow(row)
    const first = input === "stream-json" ? turnLine : (text: string) => `${text}\n`
    const typed = prompt === undefined || (input === "argument" && agent !== null) ? "" : first(prompt)
    const ends = endInput || (agent !== null && input !== "stream-json")
    // It may have ended already: that is for its session to tell.
    if (typed !== "" || ends) yield* Effect.ignore(sessions.send(id, Buffer.from(typed), { endInput: ends }))
    return { session: toAgentSession(row, session), isNew: true }
  })

  const start = Effect.fn("Agents.start")((options: StartAgentOptions) => {
    const { idempotencyKey: key = null } = options
    const fingerprint = fingerprintOf(options)
    const whole = Effect.flatMap(earlier(key, fingerprint), (before) =>
      before === undefined ? begin(options, fingerprint) : Effect.succeed(before)
    )
    // Of two requests with one key, the second finds what the first has started. One whose client leaves is started all the same.
    const work = key === null ? whole : perKey.run(key, whole)
    return Effect.flatMap(Effect.forkIn(work, scope), Fiber.join)
  })

  const turn = Effect.fn("Agents.turn")(function* (
    ref: string,
    text: string,
    { endInput = false }: { readonly endInput?: boolean } = {}
  ) {
    const { id } = yield* sessions.show(ref)
    const row = tracked.get(id)
    if (row === undefined || row.agent === null || row.input !== "stream-json") {
      return yield* new AgentTakesNoTurns({ session: id, agent: row?.agent ?? null })
    }
    const sent = yield* sessions.send(id, Buffer.from(turnLine(text)), { endInput })
    const now = tracked.get(id)
    if (now !== undefined) {
      yield* keep(put({ ...now, progress: { ...now.progress, given: now.progress.given + 1 } }))
    }
    return sent
  })

  const events: Agents["Service"]["events"] = (ref, { follow = false, raw = false, since } = {}) =>
    Stream.unwrap(
      Effect.gen(function* () {
        const { id } = yield* sessions.show(ref)
        const row = tracked.get(id)
        const read = row === undefined ? undefined : readers[row.output]
        if (read === undefined) return yield* new AgentTakesNoTurns({ session: id, agent: row?.agent ?? null })
        const ticket = yield* sessions.attach(id, {
          mode: "records",
          follow,
          uncounted: true,
          ...(since === undefined ? {} : { since })
        })
        const reader = new EventReader({ read, raw })
        return Stream.flatMap(logPieces(ticket), (pieces) =>
          Stream.fromIterable(pieces.flatMap((piece) => reader.push(piece)))
        )
      })
    )

  const of = (session: Session): AgentSession | null => {
    const row = tracked.get(session.id)
    return row === undefined ? null : toAgentSession(row, session)
  }

  for (const row of yield* database.read(rows.load).pipe(Effect.orElseSucceed(() => []))) put(row)

  yield* concerns.supervise("agents", (up) =>
    Effect.gen(function* () {
      yield* up
      const removed = Stream.runForEach(
        Stream.filter(sessions.events, ({ type }) => type === "removed"),
        ({ session }) => (session === null ? Effect.void : forget(session.id))
      )
      const resume = Effect.gen(function* () {
        if (tracked.size === 0) return
        const known = new Map((yield* sessions.list({ all: true })).map((session) => [session.id, session]))
        for (const row of tracked.values()) {
          const session = known.get(row.session)
          if (session === undefined) yield* forget(row.session)
          else if (session.state === "running" || session.output.end > row.offset) yield* follow(row)
        }
      })
      return yield* Effect.andThen(
        Effect.all([removed, resume], { concurrency: "unbounded", discard: true }),
        Effect.never
      )
    })
  )

  return Agents.of({
    start,
    turn,
    events,
    of,
    known,
    list: ({ all = false } = {}) =>
      Effect.map(sessions.list({ all }), (listed) => listed.flatMap((session) => of(session) ?? []))
  })
})

/** Tells whether two requests with one key ask for the same. */
const fingerprintOf = ({ callerEnv: _callerEnv, idempotencyKey: _key, ...options }: StartAgentOptions): string =>
  createHash("sha256")
    .update(JSON.stringify(sorted(options)))
    .digest("hex")

const sorted = (value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, inner]) => [name, sorted(inner)])
      )
    : value

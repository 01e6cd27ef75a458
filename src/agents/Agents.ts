import { Context, Effect, FiberMap, Layer, Stream } from "effect"
import { Announcer } from "../actors/Announcer.ts"
import { Concerns } from "../actors/Concerns.ts"
import { HobConfig } from "../config/HobConfig.ts"
import {
  type Agent,
  type AgentEvent,
  type AgentSession,
  AgentTakesNoTurns,
  type InputQueueFull,
  type Session,
  type SessionAmbiguous,
  type SessionEnded,
  type SessionHostUnavailable,
  type SessionId,
  type SessionNotFound,
  type StartAgentError
} from "../protocol/index.ts"
import { Sessions } from "../sessions/Sessions.ts"
import { logPieces } from "../sessions/hostStream.ts"
import { Database } from "../storage/Database.ts"
import { EventReader } from "./EventReader.ts"
import { announceEvents, followAgent } from "./Following.ts"
import { knownAgents, turnLine } from "./known.ts"
import { decideProgress } from "./progress.ts"
import { readers } from "./readers.ts"
import * as rows from "./rows.ts"
import type { AgentRow } from "./rows.ts"
import { makeStart, type StartAgentOptions, type StartedAgent } from "./starting.ts"
import { makeTracked, toAgentSession } from "./tracked.ts"

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
  const tracked = makeTracked(database)
  const { forget, keep, put } = tracked
  const followers = yield* FiberMap.make<SessionId>()

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

  const known = Effect.map(config.get, ({ agents }) => knownAgents(agents))

  const start = yield* makeStart({ config, database, sessions, tracked, known, follow })

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
        if (tracked.size() === 0) return
        const known = new Map((yield* sessions.list({ all: true })).map((session) => [session.id, session]))
        for (const row of tracked.rows()) {
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

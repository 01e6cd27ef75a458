/** Starts agents, or what was started by the same request before. */
import { Effect, Fiber } from "effect"
import { createHash, randomUUID } from "node:crypto"
import type { HobConfig } from "../config/HobConfig.ts"
import {
  type Agent,
  AgentNeedsPrompt,
  type AgentSession,
  IdempotencyConflict,
  SessionId,
  UnknownAgent
} from "../protocol/index.ts"
import type { Sessions } from "../sessions/Sessions.ts"
import type { Database } from "../storage/Database.ts"
import { usableDirectory } from "./directory.ts"
import { turnLine, withPrompt } from "./known.ts"
import { makePerKey } from "./perKey.ts"
import { initial } from "./progress.ts"
import * as rows from "./rows.ts"
import type { AgentRow } from "./rows.ts"
import { toAgentSession, type Tracked } from "./tracked.ts"

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

export interface StartingOptions {
  readonly config: HobConfig["Service"]
  readonly database: Database["Service"]
  readonly sessions: Sessions["Service"]
  readonly tracked: Tracked
  readonly known: Effect.Effect<ReadonlyArray<Agent>>
  /** Reads what it says, from now on. */
  readonly follow: (row: AgentRow) => Effect.Effect<void>
}

/** `agents.start`; what has begun goes on until the scope closes. */
export const makeStart = Effect.fnUntraced(function* ({
  config,
  database,
  follow,
  known,
  sessions,
  tracked
}: StartingOptions) {
  const perKey = makePerKey()
  const scope = yield* Effect.scope

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
    const row = key === null ? undefined : tracked.byKey(key)
    if (row === undefined) return undefined
    const session = yield* Effect.catchTag(sessions.show(row.session), ["SessionNotFound", "SessionAmbiguous"], () =>
      Effect.as(tracked.forget(row.session), undefined)
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
    tracked.put(row)
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
      .pipe(Effect.tapError(() => tracked.forget(id)))
    yield* follow(row)
    const first = input === "stream-json" ? turnLine : (text: string) => `${text}\n`
    const typed = prompt === undefined || (input === "argument" && agent !== null) ? "" : first(prompt)
    const ends = endInput || (agent !== null && input !== "stream-json")
    // It may have ended already: that is for its session to tell.
    if (typed !== "" || ends) yield* Effect.ignore(sessions.send(id, Buffer.from(typed), { endInput: ends }))
    return { session: toAgentSession(row, session), isNew: true }
  })

  return Effect.fn("Agents.start")((options: StartAgentOptions) => {
    const { idempotencyKey: key = null } = options
    const fingerprint = fingerprintOf(options)
    const whole = Effect.flatMap(earlier(key, fingerprint), (before) =>
      before === undefined ? begin(options, fingerprint) : Effect.succeed(before)
    )
    // Of two requests with one key, the second finds what the first has started. One whose client leaves is started all the same.
    const work = key === null ? whole : perKey.run(key, whole)
    return Effect.flatMap(Effect.forkIn(work, scope), Fiber.join)
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

/** What happy's own daemon is asked over HTTP, answered by hob's sessions. */
import { Effect, Option, Schema } from "effect"
import type { Agents } from "../../agents/Agents.ts"
import { identityOf, isAlive, type ProcessIdentity } from "../../config/processIdentity.ts"
import { expandVariables } from "../../machine/expandVariables.ts"
import type { Machine } from "../../machine/Machine.ts"
import type { Starting } from "../../machine/sessionCalls.ts"
import type { Session } from "../../protocol/sessions.ts"
import type { Sessions } from "../../sessions/Sessions.ts"
import type { Reply } from "../../wire/http/messages.ts"
import {
  emptyBody,
  hostPidOf,
  invalidBody,
  missingField,
  noRoute,
  notJson,
  SessionStarted,
  SpawnSession,
  StopSession
} from "./messages.ts"

export interface RequestsOptions {
  readonly agents: Agents["Service"]
  readonly machine: Machine["Service"]
  readonly sessions: Sessions["Service"]
  readonly starting: Starting
  readonly env: Readonly<Record<string, string | undefined>>
  readonly version: () => string
  readonly shutDown: Effect.Effect<void>
}

export interface Asked {
  readonly method: string
  readonly path: string
  /** Whether the request says that it has JSON. */
  readonly hasType: boolean
  readonly body: Buffer
}

/** A session that is not hob's: somebody has begun it in a terminal, and it has reported itself. */
interface Reported {
  readonly sessionId: string
  readonly process: ProcessIdentity
}

/** So many are remembered; of more the oldest is forgotten. */
const MAX_REPORTED = 1000

const ok = (body: object): Reply => ({ status: 200, body })
const parse = (body: Buffer): Option.Option<unknown> => {
  try {
    return Option.some(JSON.parse(body.toString()) as unknown)
  } catch {
    return Option.none()
  }
}

const decodeSpawn = Schema.decodeUnknownOption(SpawnSession)
const decodeStop = Schema.decodeUnknownOption(StopSession)
const decodeStarted = Schema.decodeUnknownOption(SessionStarted)

export const makeRequests = (options: RequestsOptions): ((asked: Asked) => Effect.Effect<Reply>) => {
  const { agents, env, machine, sessions, shutDown, starting, version } = options
  const reported = new Map<number, Reported>()

  const living = (): ReadonlyArray<Reported> => {
    for (const [pid, { process }] of reported) if (!isAlive(process)) reported.delete(pid)
    return [...reported.values()]
  }

  const own = Effect.map(agents.list(), (list) => list.map(({ session }) => session))

  const list = Effect.map(own, (running: ReadonlyArray<Session>) => ({
    children: [
      ...running.flatMap(({ id, pid }) => (pid === null ? [] : [{ startedBy: "daemon", happySessionId: id, pid }])),
      ...living().map(({ process, sessionId }) => ({
        startedBy: "happy directly - likely by user from terminal",
        happySessionId: sessionId,
        pid: process.pid
      }))
    ]
  }))

  const stopSession = (sessionId: string): Effect.Effect<boolean> =>
    Effect.gen(function* () {
      const pid = /^PID-(\d{1,10})$/.exec(sessionId)?.[1]
      const isMeant = (id: string, itsPid: number | null) =>
        pid === undefined ? id === sessionId : itsPid === Number(pid)
      const session = (yield* own).find((each) => isMeant(each.id, each.pid))
      if (session !== undefined) {
        // Told at once, as there; hob sees to it that all of it ends.
        return yield* Effect.as(Effect.forkDetach(Effect.ignore(sessions.kill(session.id))), true)
      }
      const other = living().find((each) => isMeant(each.sessionId, each.process.pid))
      if (other === undefined) return false
      return yield* Effect.sync(() => signal(other.process.pid))
    })

  const spawn = (body: typeof SpawnSession.Type): Effect.Effect<Reply> =>
    Effect.gen(function* () {
      const { agent, directory, environmentVariables } = body
      const failed = (error: string): Reply => ({ status: 500, body: { success: false, error } })
      const variables = expandVariables(environmentVariables ?? {}, env)
      if (typeof variables === "string") return failed(variables)
      const wanted = { directory, createDirectory: true, env: variables, ...(agent === undefined ? {} : { agent }) }
      return yield* Effect.match(starting.start(wanted), {
        onFailure: ({ reason }) => failed(reason),
        onSuccess: (sessionId) => ok({ success: true, sessionId, approvedNewDirectoryCreation: true })
      })
    })

  const started = ({ metadata, sessionId }: typeof SessionStarted.Type): Reply => {
    const pid = hostPidOf(metadata)
    const process = pid === undefined ? null : identityOf(pid)
    if (process !== null) {
      reported.delete(process.pid)
      reported.set(process.pid, { sessionId, process })
      const [oldest] = reported.keys()
      if (reported.size > MAX_REPORTED) reported.delete(oldest!)
    }
    return ok({ status: "ok" })
  }

  const status = Effect.match(machine.status, {
    onFailure: ({ message }): Reply => ({ status: 500, body: { error: message } }),
    onSuccess: ({ machineId, serverUrl, state }): Reply =>
      ok({ machineId, cliVersion: version(), serverUrl, connected: state === "ready" })
  })

  /** What is wrong with a body is told by its first field that is. */
  const withBody = <A>(
    body: unknown,
    decoded: Option.Option<A>,
    fields: Readonly<Record<string, string>>,
    answer: (value: A) => Effect.Effect<Reply> | Reply
  ): Effect.Effect<Reply> => {
    if (Option.isSome(decoded)) {
      const reply = answer(decoded.value)
      return Effect.isEffect(reply) ? reply : Effect.succeed(reply)
    }
    if (typeof body !== "object" || body === null || Array.isArray(body)) {
      return Effect.succeed(invalidBody("body/ Invalid input: expected object"))
    }
    const wrong = Object.entries(fields).find(([name, type]) => {
      const value = (body as Readonly<Record<string, unknown>>)[name]
      return type === "unknown" ? value === undefined : typeof value !== type
    })
    const [field, expected] = wrong ?? ["", "another value"]
    return Effect.succeed(invalidBody(missingField(body, field, expected)))
  }

  return ({ body, hasType, method, path }) => {
    const route = `${method} ${path.split("?", 1)[0]}`
    if (method === "POST" && hasType && body.length === 0) return Effect.succeed(emptyBody)
    const given = body.length === 0 ? Option.some<unknown>(undefined) : parse(body)
    if (Option.isNone(given)) return Effect.succeed(notJson)
    const value = given.value
    switch (route) {
      case "POST /list":
        return Effect.map(list, ok)
      case "POST /status":
        return status
      case "POST /stop":
        return Effect.as(shutDown, ok({ status: "stopping" }))
      case "POST /stop-session":
        return withBody(value, decodeStop(value), { sessionId: "string" }, ({ sessionId }) =>
          Effect.map(stopSession(sessionId), (success) => ok({ success }))
        )
      case "POST /spawn-session":
        return withBody(value, decodeSpawn(value), { directory: "string" }, spawn)
      case "POST /session-started":
        return withBody(value, decodeStarted(value), { sessionId: "string", metadata: "unknown" }, started)
    }
    return Effect.succeed(noRoute(method, path))
  }
}

const signal = (pid: number): boolean => {
  try {
    return process.kill(pid, "SIGTERM")
  } catch {
    return false
  }
}

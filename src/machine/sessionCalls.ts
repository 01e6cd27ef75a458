/** What devices may always do: start, stop and resume agents, and end the daemon. */
import { Clock, Effect, Schema } from "effect"
import type { Shutdown } from "../actors/Shutdown.ts"
import { SessionId } from "../protocol/ids.ts"
import type { Session } from "../protocol/sessions.ts"
import type { Sessions } from "../sessions/Sessions.ts"
import { expandVariables, Variables } from "./expandVariables.ts"
import { CallRefused, type RemoteCall, remoteCall } from "./RemoteCall.ts"

/** What an agent is started with. */
export interface StartOptions {
  readonly directory: string
  readonly agent?: string
  readonly env?: Readonly<Record<string, string>>
  /** The directory is made where there is none. */
  readonly createDirectory: boolean
  /** The agent's own name for a conversation that it is to go on with. */
  readonly resume?: string
}

/** Starts agents: see `src/agents`. */
export interface Starting {
  /** Gives the session's id; `missing-directory`: there is none, and it was not to be made. */
  readonly start: (options: StartOptions) => Effect.Effect<string | "missing-directory", CallRefused>
  /** What is known of the agent in a session. */
  readonly agentIn: (session: Session) => { readonly agent: string; readonly conversation: string | null } | null
}

export interface SessionCallsOptions {
  readonly sessions: Sessions["Service"]
  readonly starting: Starting
  readonly shutdown: Shutdown["Service"]
  readonly env: Readonly<Record<string, string | undefined>>
}

const Text = Schema.String.check(Schema.isMaxLength(4096))
const optionalText = Schema.optionalKey(Schema.NullOr(Text))

const Spawn = Schema.Struct({
  type: Schema.optionalKey(Schema.Literal("spawn-in-directory")),
  directory: Schema.optionalKey(Schema.NullOr(Text)),
  approvedNewDirectoryCreation: Schema.optionalKey(Schema.NullOr(Schema.Boolean)),
  token: Schema.optionalKey(Schema.NullOr(Schema.String.check(Schema.isPattern(/^[\x21-\x7e]{1,8192}$/)))),
  agent: optionalText,
  environmentVariables: Schema.optionalKey(Schema.NullOr(Variables)),
  resumeClaudeSessionId: optionalText
})

const Resume = Schema.Struct({
  sessionId: optionalText,
  fallback: Schema.optionalKey(
    Schema.NullOr(
      Schema.Struct({ metadata: Schema.Struct({ path: Text, flavor: optionalText, claudeSessionId: optionalText }) })
    )
  )
})

const Stop = Schema.Struct({ sessionId: optionalText })
const StopDaemon = Schema.Struct({ reason: optionalText, force: Schema.optionalKey(Schema.NullOr(Schema.Boolean)) })

const STOP_REASON = "a device of the account has asked for it"

const refuse = (reason: string) => Effect.fail(new CallRefused({ reason }))
const failing = (error: { readonly message: string }) => new CallRefused({ reason: error.message })
const isSessionId = Schema.is(SessionId)

/** Devices know two ways in which a start may fail; they are told in both. */
const startRefused = (reason: string) => ({ type: "error", errorMessage: reason, error: reason })
/** What a conversation is called by its agent; it becomes an argument of the agent's. */
const isConversation = (id: string) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(id)

export const sessionCalls = ({ env, sessions, shutdown, starting }: SessionCallsOptions): ReadonlyArray<RemoteCall> => {
  /** Resumptions under way: of two for one session, the second gets what the first has started. */
  const resuming = new Map<string, Effect.Effect<object, CallRefused>>()

  const start = (options: StartOptions) =>
    Effect.map(starting.start(options), (started) =>
      started === "missing-directory"
        ? { type: "requestToApproveDirectoryCreation", directory: options.directory }
        : { type: "success", sessionId: started }
    )

  const spawn = remoteCall(
    "spawn-happy-session",
    Spawn,
    (params) =>
      Effect.gen(function* () {
        const { agent, approvedNewDirectoryCreation, directory, environmentVariables, resumeClaudeSessionId, token } =
          params
        if (directory == null || directory === "") return yield* refuse("Directory is required")
        if (resumeClaudeSessionId != null && !isConversation(resumeClaudeSessionId)) {
          return yield* refuse("The conversation's id is none.")
        }
        const variables = expandVariables(environmentVariables ?? {}, env)
        if (typeof variables === "string") return yield* refuse(variables)
        if (token != null && (agent ?? "claude") !== "claude") return yield* refuse("hob hands tokens to claude only.")
        return yield* start({
          directory,
          createDirectory: approvedNewDirectoryCreation === true,
          ...(agent == null ? {} : { agent }),
          env: token == null ? variables : { ...variables, CLAUDE_CODE_OAUTH_TOKEN: token },
          ...(resumeClaudeSessionId == null ? {} : { resume: resumeClaudeSessionId })
        })
      }),
    { refused: startRefused }
  )

  const resumeOnce = ({ fallback, sessionId }: typeof Resume.Type) =>
    Effect.gen(function* () {
      const known = isSessionId(sessionId)
        ? yield* Effect.catch(sessions.show(sessionId), () => Effect.succeed(null))
        : null
      if (known !== null && (known.state === "running" || known.state === "starting")) {
        return { type: "success", sessionId: known.id }
      }
      const its = known === null ? null : starting.agentIn(known)
      const conversation = its?.conversation ?? fallback?.metadata.claudeSessionId
      if (conversation == null || !isConversation(conversation)) {
        return yield* refuse(
          "What is to be gone on with is not known: the agent has not said what it calls the conversation."
        )
      }
      const directory = known?.cwd ?? fallback?.metadata.path
      if (directory === undefined) return yield* refuse("Session not found")
      const agent = its?.agent ?? fallback?.metadata.flavor
      return yield* start({
        directory,
        createDirectory: false,
        ...(agent == null ? {} : { agent }),
        resume: conversation
      })
    })

  const resume = remoteCall(
    "resume-happy-session",
    Resume,
    (params) =>
      Effect.gen(function* () {
        const { sessionId } = params
        if (sessionId == null || sessionId === "") return yield* refuse("Session ID is required")
        const underWay = resuming.get(sessionId)
        if (underWay !== undefined) return yield* underWay
        const once = yield* Effect.cached(resumeOnce(params))
        resuming.set(sessionId, once)
        return yield* Effect.ensuring(
          once,
          Effect.sync(() => void resuming.delete(sessionId))
        )
      }),
    { refused: startRefused }
  )

  const stop = remoteCall("stop-session", Stop, ({ sessionId }) => {
    if (sessionId == null || sessionId === "") return refuse("Session ID is required")
    // The beginning of an id is for people who see what it leads to.
    if (!isSessionId(sessionId)) return refuse("Session not found or failed to stop")
    return Effect.as(Effect.mapError(sessions.kill(sessionId), failing), { message: "Session stopped" })
  })

  const stopDaemon = remoteCall(
    "stop-daemon",
    StopDaemon,
    ({ force }, { announceStop }) =>
      Effect.gen(function* () {
        const at = yield* Clock.currentTimeMillis
        yield* announceStop({ reason: STOP_REASON, source: "mobile-app", at })
        const { running } = yield* sessions.counts
        const stays = running === 1 ? "1 session runs on." : `${running} sessions run on.`
        return {
          message: `Daemon stop request acknowledged, starting shutdown sequence... ${stays}`,
          shutdownAt: at,
          sessionsLeft: running,
          ...(force === true ? { force } : {})
        }
      }),
    { afterwards: shutdown.request(STOP_REASON, "mobile-app") }
  )

  return [spawn, resume, stop, stopDaemon]
}

import { Effect, Exit, Schema } from "effect"
import { HobConfig } from "../config/HobConfig.ts"
import type { Paths } from "../config/paths.ts"
import { type Session, type SessionHostUnavailable, type SessionId, SpawnFailed } from "../protocol/index.ts"
import { HostSession, type SessionFile } from "../protocol/sessionHost.ts"
import { Catalogue } from "./Catalogue.ts"
import { claudeHooks } from "./claudeHooks.ts"
import { toSession, told } from "./entry.ts"
import { HostLink } from "./HostLink.ts"

const decodeHostSession = Schema.decodeUnknownEffect(HostSession)

/** What a program in a session has to know of hob. */
export const sessionVariables = (paths: Paths, id: SessionId): Record<string, string> => {
  // A `hob` inside the session must find this daemon also when it lives in a home of its own.
  const home = paths.environment["HOB_HOME"]
  return { HOB_SESSION_ID: id, HOB_SOCKET: paths.socket, ...(home === undefined ? {} : { HOB_HOME: home }) }
}

/** What a host must be able to do for this session; one of an earlier version would do without, and say nothing. */
const needsFeature = ({ limits = {}, restart }: SessionFile): string | null =>
  Object.keys(limits).length > 0 ? "limits" : restart !== undefined ? "environment" : null

/** How a session that may start is started: in the catalogue at once, then in the session-host. */
export const makeSpawning = Effect.fnUntraced(function* (paths: Paths) {
  const catalogue = yield* Catalogue
  const config = yield* HobConfig
  const link = yield* HostLink
  const { entries, put } = catalogue

  const checkHost = Effect.fnUntraced(function* (file: SessionFile) {
    const feature = needsFeature(file)
    if (feature === null) return
    yield* catalogue.hostKnown
    const host = yield* link.host
    if (host === null || host.features?.includes(feature) === true) return
    const detail =
      feature === "limits"
        ? "The running session-host is older than this daemon and can't hold a session to limits. Once its sessions have ended, `hob stop --all` ends it, and the next one can."
        : "The running session-host is older than this daemon and can't keep what a restart needs. Once its sessions have ended, `hob stop --all` ends it, and the next one can."
    return yield* new SpawnFailed({ reason: "limit-unavailable", subject: feature, detail })
  })

  const begin = Effect.fnUntraced(function* (
    file: SessionFile,
    env: Readonly<Record<string, string>>
  ): Effect.fn.Return<Session, SpawnFailed | SessionHostUnavailable> {
    const { capture, sessions } = yield* config.get
    const insert = yield* claudeHooks({ paths, capture, file, env })
    const executable = file.command[0]!
    const spawn = link.call({
      op: "spawn",
      session: file,
      file: executable,
      env,
      limits: { segmentBytes: sessions.logSegmentBytes, maxBytes: sessions.logMaxBytes, logInput: sessions.logInput },
      recentBytes: sessions.recentBytes,
      inputQueueBytes: sessions.inputQueueBytes,
      ...(insert === null ? {} : { insert }),
      ...(file.restart === undefined ? {} : { keepEnvironment: true })
    })
    const host = yield* checkHost(file).pipe(
      Effect.andThen(spawn),
      Effect.flatMap((reply) => Effect.orDie(decodeHostSession(reply))),
      Effect.catchTag("HostRefused", ({ refusal }) =>
        Effect.fail(
          new SpawnFailed(refusal.spawn ?? { reason: "system", subject: executable, detail: refusal.message })
        )
      ),
      Effect.onExit((exit) =>
        Exit.isSuccess(exit)
          ? Effect.void
          : Effect.sync(() => entries.get(file.id)?.starting === true && catalogue.forget(file.id))
      )
    )
    const entry = entries.get(file.id)
    if (entry !== undefined) yield* catalogue.begin(entry, host)
    return toSession(entries.get(file.id) ?? told(undefined, host))
  })

  /** Starts the session of `file`, which has been allowed, with `env`. To be called in the step that allowed it. */
  return (
    file: SessionFile,
    env: Readonly<Record<string, string>>
  ): Effect.Effect<Session, SpawnFailed | SessionHostUnavailable> => {
    // Taken at once, so that two starts with one name can't both be allowed.
    put({ file, host: null, exit: null, starting: true })
    return begin(file, env)
  }
})

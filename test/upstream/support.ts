import { Context, Effect, Exit, Layer, Scope } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Announcer } from "../../src/actors/Announcer.ts"
import { Concerns } from "../../src/actors/Concerns.ts"
import { HobConfig } from "../../src/config/HobConfig.ts"
import type { Settings } from "../../src/config/settings.ts"
import { Secrets } from "../../src/secrets/Secrets.ts"
import { Database } from "../../src/storage/Database.ts"
import { layer, Upstreams } from "../../src/upstream/Upstreams.ts"
import { type StartedMiddleware, type StartOptions, startMiddleware } from "../support/middleware/start.ts"

/** A stand-in of the middleware, for as long as the scope is open. */
export const middlewareOf = (options: StartOptions = {}): Effect.Effect<StartedMiddleware, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => startMiddleware({ rateLimitCalls: 100_000, ...options })),
    ({ stop }) => Effect.promise(stop)
  )

export const home = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "upstream-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** The upstreams of a home, until they are stopped. Settings that make nobody wait, unless others are given. */
export const upstreamsOf = (directory: string, settings: Partial<Settings["upstream"]> = {}) =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Scope.Scope)
    const context = yield* layer.pipe(
      Layer.provideMerge(Layer.merge(Concerns.layer, Announcer.layer)),
      Layer.provideMerge(Secrets.layer({ home: directory })),
      Layer.provideMerge(
        Layer.orDie(Database.layerFile({ path: join(directory, "hob.db"), durability: "process-crash" }))
      ),
      Layer.provideMerge(
        HobConfig.layerTest({
          upstream: { retryMinMillis: 20, retryMaxMillis: 100, loginsPerMinuteCount: 1000, ...settings }
        })
      ),
      Layer.fresh,
      Layer.buildWithScope(scope)
    )
    return {
      upstreams: Context.get(context, Upstreams),
      announcer: Context.get(context, Announcer),
      concerns: Context.get(context, Concerns),
      database: Context.get(context, Database),
      stop: Scope.close(scope, Exit.void)
    }
  })

/** A stand-in that is declared under the name `nas`, with the password of its user. */
export const declared = (
  options: StartOptions = {},
  more: {
    readonly settings?: Partial<Settings["upstream"]>
    readonly concurrency?: number
    readonly lifetimeMillis?: number
  } = {}
) =>
  Effect.gen(function* () {
    const started = yield* middlewareOf(options)
    const directory = yield* home
    const { announcer, concerns, database, stop, upstreams } = yield* upstreamsOf(directory, more.settings)
    yield* upstreams.add({
      name: "nas",
      uri: started.uri,
      user: "admin",
      credential: { kind: "password", secret: "correct horse" },
      ...(more.concurrency === undefined ? {} : { concurrency: more.concurrency }),
      ...(more.lifetimeMillis === undefined ? {} : { lifetimeMillis: more.lifetimeMillis })
    })
    return { ...started, directory, announcer, upstreams, concerns, database, stopUpstreams: stop }
  })

/** Waits until it is so. */
export const until = (isSo: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (isSo() ? Effect.void : Effect.flatMap(Effect.sleep(5), () => until(isSo))))

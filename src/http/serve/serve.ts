/** The HTTP door as it is while it is open. Loaded when it is first opened: what it needs is much, and most never open it. */
import { Clock, Effect, FiberSet, Stream } from "effect"
import { readFile } from "node:fs/promises"
import { HobConfig } from "../../config/HobConfig.ts"
import { NativeSocket } from "../../connection/layer.ts"
import { DaemonRpcs, type DaemonStatus } from "../../protocol/index.ts"
import { HttpListener } from "../../wire/http/HttpListener.ts"
import { openFilesLimit } from "../../wire/openFiles.ts"
import { enterBrowser } from "../enterBrowser.ts"
import { Http } from "../Http.ts"
import type { HttpAt } from "../listenAt.ts"
import { describeApi } from "../rest/api.ts"
import { makeRest } from "../rest/Rest.ts"
import { Live } from "./Live.ts"
import { metricsText } from "./metrics.ts"
import { enteredPage, page, script } from "./page.ts"
import { Serving } from "./Serving.ts"
import { makeUpgrader, WebSocketClient } from "./webSocket.ts"

const PING = "20 seconds"
/** Clients may have so much of what the process may open: `1 / MAX_SHARE`. */
const MAX_SHARE = 2
/** A wall clock may be set: what expires is looked at that often. */
const LOOK_MILLIS = 60_000

/** A listener at `at`, with everything behind it; until its scope closes. `isStopping`: the daemon does. */
export const makeDoorAt = Effect.fnUntraced(function* (
  at: HttpAt & { readonly type: "listen" },
  isStopping: () => boolean
) {
  const http = yield* Http
  const config = yield* HobConfig
  const native = yield* NativeSocket
  const clock = yield* Clock.Clock
  const status = yield* DaemonRpcs.accessHandler("daemon.status")
  const fork = yield* FiberSet.makeRuntime<never, void, never>()
  const tls = at.tls === undefined ? undefined : yield* readTls(at.tls)
  yield* http.tokens.prepare

  let settings = yield* config.get
  yield* Effect.forkScoped(Stream.runForEach(config.changes, (next) => Effect.sync(() => void (settings = next))))

  const live: Live = new Live((bearer) => {
    const watching = fork(
      Effect.gen(function* () {
        while (http.tokens.isGood(bearer.id)) {
          const left = bearer.expiresMillis! - (yield* Clock.currentTimeMillis)
          yield* Effect.sleep(Math.min(Math.max(left, 100), LOOK_MILLIS))
        }
        live.endBearer(bearer.id)
      })
    )
    return () => watching.interruptUnsafe()
  })
  const cut = (id: string) => live.endBearer(id)
  http.cutOff.add(cut)
  yield* Effect.addFinalizer(() => Effect.sync(() => void http.cutOff.delete(cut)))
  yield* Effect.forkScoped(
    Effect.forever(
      Effect.andThen(
        Effect.sleep(PING),
        Effect.sync(() => live.ping())
      )
    )
  )

  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
  let spec: string | undefined
  let port = at.port
  const serving = new Serving({
    settings: () => settings.http,
    boundTo: at.host,
    isSecure: tls !== undefined,
    // With the prefix, nothing but this host over TLS can have set it, and no plain port is sent it.
    cookieName: () => `${tls === undefined ? "" : "__Host-"}hob_${port}`,
    tokens: http.tokens,
    counters: http.counters,
    live,
    serve: native.serve,
    fork,
    rest: yield* makeRest(fork),
    upgrade: makeUpgrader(settings.socket.lineBytes),
    metrics: Effect.map(status(undefined, {} as never) as Effect.Effect<DaemonStatus>, (now) => {
      const { system, user } = process.cpuUsage()
      return metricsText({
        status: now,
        counters: http.counters,
        process: {
          cpuSeconds: (system + user) / 1e6,
          residentBytes: process.memoryUsage.rss(),
          uptimeSeconds: process.uptime()
        }
      })
    }),
    openapi: () => (spec ??= JSON.stringify(describeApi())),
    enter: (code) => enterBrowser(http, code, settings.http.browserMillis),
    cameBy: http.cameBy,
    pages: { page, script, entered: enteredPage },
    monotonic
  })

  // WebSockets are connections of the native socket: when hob stops, that one lets what is in flight finish.
  const isLeft = (client: object): boolean => isStopping() && client instanceof WebSocketClient
  const share = Math.max(1, Math.floor((openFilesLimit() ?? Infinity) / MAX_SHARE))
  return new HttpListener({
    host: at.host,
    port: at.port,
    requestMillis: at.requestMillis,
    ...(tls === undefined ? {} : { tls }),
    verbs: "GET, POST or DELETE",
    maxConnections: () => Math.min(settings.http.maxConnectionCount, share),
    handle: serving.handle,
    upgrade: serving.upgrade,
    listening: (now) => void (port = now),
    closing: () => live.endAll((client) => !isLeft(client))
  })
})

const readTls = ({ certFile, keyFile }: { readonly certFile: string; readonly keyFile: string }) =>
  Effect.tryPromise({
    try: async () => ({ cert: await readFile(certFile), key: await readFile(keyFile) }),
    catch: (error) => `The certificate can't be read: ${(error as Error).message}.`
  })

import { Context, Effect, Layer, Stream } from "effect"
import { Connections } from "../actors/Connections.ts"
import { monotonicMillis } from "../actors/monotonic.ts"
import { HobConfig } from "../config/HobConfig.ts"
import type { Paths } from "../config/paths.ts"
import { type Listening, makeListening } from "../listening/Listening.ts"
import { HttpFixed, HttpNotListening, type HttpStatus, type Scope } from "../protocol/index.ts"
import { Database } from "../storage/Database.ts"
import { CODE_MILLIS, Codes } from "./Codes.ts"
import { decideHttpAt, type HttpAt, visitedAt } from "./listenAt.ts"
import { type Bearer, makeTokens, type Tokens } from "./tokens/Tokens.ts"

/** How much there has been, since the daemon's start. */
export interface Counters {
  /** Answers by their status. */
  readonly answers: Map<number, number>
  webSockets: number
  eventStreams: number
}

/** The HTTP API, whether it listens or not: who may come, where it is, and what there has been. */
export class Http extends Context.Service<
  Http,
  {
    readonly listening: Listening<HttpAt, HttpFixed, HttpNotListening>
    readonly status: Effect.Effect<HttpStatus>
    /** Whether somebody may come. */
    readonly waits: Effect.Effect<boolean>
    readonly tokens: Tokens
    readonly codes: Codes
    readonly counters: Counters
    /** An address that lets one browser in, until `notAfterMillis` at the longest. */
    login(
      scope: Scope,
      notAfterMillis?: number
    ): Effect.Effect<{ readonly url: string; readonly expiresInMillis: number }, HttpNotListening>
    /** A client of the native socket came by this token. */
    cameBy(clientId: number, bearer: Bearer): void
    /** When what a client may do ends, in milliseconds since 1970; Infinity: it came by no token that expires. */
    notAfterMillis(clientId: number): number
    /** Ends what was begun with a token, when that is no good any more. */
    readonly cutOff: Set<(tokenId: string) => void>
  }
>()("hob/http/Http") {
  static readonly layer = (paths: Paths) => Layer.effect(Http, make(paths))
}

const make = Effect.fnUntraced(function* (paths: Paths) {
  const config = yield* HobConfig
  const connections = yield* Connections
  const cutOff = new Set<(tokenId: string) => void>()
  const tokens = yield* makeTokens(yield* Database, paths.httpToken, (id) => {
    for (const cut of cutOff) cut(id)
  })
  const ends = new Map<number, number>()
  const codes = new Codes()
  const counters: Counters = { answers: new Map(), webSockets: 0, eventStreams: 0 }
  const listening = yield* makeListening<HttpAt, HttpFixed, HttpNotListening>({
    config: paths.config,
    group: "http",
    wanted: decideHttpAt,
    told: { up: "hob answers over HTTP at", refused: "hob does not answer over HTTP" },
    portCommand: "hob http enable --port PORT",
    fixed: (key, source) => new HttpFixed({ key, source }),
    notListening: (reason) => new HttpNotListening({ reason })
  })
  const status = Effect.map(listening.status, (now): HttpStatus => ({
    ...now,
    tokenFile: paths.httpToken,
    webSockets: counters.webSockets,
    eventStreams: counters.eventStreams
  }))
  return Http.of({
    listening,
    status,
    waits: Effect.map(listening.status, ({ state }) => state !== "off"),
    tokens,
    codes,
    counters,
    cutOff,
    cameBy: (clientId, { expiresMillis }) => {
      if (expiresMillis === null) return
      ends.set(clientId, expiresMillis)
      connections.onLeave(clientId, () => void ends.delete(clientId))
    },
    notAfterMillis: (clientId) => ends.get(clientId) ?? Infinity,
    login: (scope, notAfterMillis) =>
      Effect.gen(function* () {
        const { url } = yield* listening.status
        if (url === null) return yield* new HttpNotListening({ reason: "`hob http enable` switches it on." })
        const code = codes.make(scope, yield* monotonicMillis, notAfterMillis)
        const { hosts } = (yield* config.get).http
        return { url: `${visitedAt(url, hosts)}/login?code=${code}`, expiresInMillis: CODE_MILLIS }
      })
  })
})

/** Where it listens, now and whenever that changes; null while it doesn't. */
export const addresses = (http: Http["Service"]): Stream.Stream<string | null> =>
  Stream.changes(Stream.map(http.listening.statuses, ({ url }) => url))

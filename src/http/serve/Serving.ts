import { isUtf8 } from "node:buffer"
import type { IncomingMessage } from "node:http"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { type Fiber, Effect } from "effect"
import type { Settings } from "../../config/settings.ts"
import type { Forbids } from "../../connection/Door.ts"
import { allows, type Scope, scopeOf } from "../../protocol/index.ts"
import type { Exchange } from "../../wire/http/HttpListener.ts"
import { rawReply } from "../../wire/http/HttpListener.ts"
import { type Head, reject, type Reply, tooLarge } from "../../wire/http/messages.ts"
import { RateLimit } from "../../wire/http/RateLimit.ts"
import type { Counters } from "../Http.ts"
import type { Rest } from "../rest/Rest.ts"
import type { Bearer, Tokens } from "../tokens/Tokens.ts"
import { answerBytes, foreignHeaders, ownHeaders, preflight } from "./answers.ts"
import { type Admitted, bodyProblem, credentialOf, guard } from "./guard.ts"
import { Live } from "./Live.ts"
import { findRoute, type Route } from "./routes.ts"
import { RpcExchange } from "./rpc.ts"
import { agentStream, channelStream, outputStream } from "./streams.ts"
import { type makeUpgrader, WebSocketClient } from "./webSocket.ts"

/** Wrong tokens from one address in a minute; further ones are told when to come again. */
const FAILURES_PER_MINUTE = 10

export interface ServingOptions {
  readonly settings: () => Settings["http"]
  /** The address that is listened on. */
  readonly boundTo: string
  readonly isSecure: boolean
  /** What a browser's cookie is called: another hob on another port has its own. */
  readonly cookieName: () => string
  readonly tokens: Tokens
  readonly counters: Counters
  readonly live: Live
  /** Makes a client of the native socket of it. */
  readonly serve: (socket: Socket, forbids: Forbids, entered: (clientId: number) => void) => Effect.Effect<void>
  /** A client of the native socket came by this token. */
  readonly cameBy: (clientId: number, bearer: Bearer) => void
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  readonly rest: Rest
  readonly upgrade: ReturnType<typeof makeUpgrader>
  readonly metrics: Effect.Effect<string>
  readonly openapi: () => string
  /** Lets a browser in by its code: the cookie's value, or why not. */
  readonly enter: (code: string) => Effect.Effect<string | Reply | undefined>
  readonly pages: { readonly page: string; readonly script: string; readonly entered: string }
  /** Milliseconds that only go forward. */
  readonly monotonic: () => number
}

const unauthorized = (error: string): Reply => reject(401, error, { "www-authenticate": 'Bearer realm="hob"' })

/** Whoever is let in: as whom, and where to. */
interface Entered {
  readonly admitted: Admitted
  readonly route: Route
  readonly params: Readonly<Record<string, string>>
  readonly bearer: Bearer | undefined
}

/** A request's way: who it is from, whether it may, what it is for; and its answer. Nothing is done before all of that is known. */
export class Serving {
  readonly #options: ServingOptions
  readonly #failures = new RateLimit()

  constructor(options: ServingOptions) {
    this.#options = options
  }

  readonly handle = (exchange: Exchange): void => {
    const entered = this.#enter(exchange.head, exchange.address)
    if ("status" in entered) return this.#reply(exchange, entered)
    const { admitted, route } = entered
    const { bodyBytes } = this.#options.settings()
    const problem = bodyProblem(exchange.head, route, bodyBytes)
    if (problem !== undefined) return this.#reply(exchange, problem, admitted)
    if (!route.takesBody) return this.#answer(exchange, entered, undefined)
    exchange.receive(bodyBytes, (body) => {
      if (body === "gone") return
      if (body === "too-large") return this.#reply(exchange, tooLarge(bodyBytes), admitted)
      if (body === "pushed-out") return this.#reply(exchange, reject(408, "The body took too long to come."), admitted)
      if (!isUtf8(body)) return this.#reply(exchange, reject(400, "The body is not UTF-8."), admitted)
      const { bearer } = entered
      // It may have come for long.
      if (bearer !== undefined && !this.#options.tokens.isGood(bearer.id)) {
        return this.#reply(exchange, unauthorized("The token has expired, or was revoked."), admitted)
      }
      this.#answer(exchange, entered, body)
    })
  }

  readonly upgrade = (head: Head, request: IncomingMessage, socket: Duplex, first: Buffer): void => {
    const refuse = ({ body, headers, status }: Reply): void => {
      this.#count(status)
      const { error } = (body ?? { error: "" }) as { readonly error: string }
      socket.end(rawReply(status, error, headers), () => socket.destroy())
    }
    const entered = this.#enter(head, request.socket.remoteAddress ?? "")
    if ("status" in entered) return refuse(entered)
    const { bearer, route } = entered
    if (route.answers !== "webSocket") return refuse(reject(400, "Only /ws speaks another protocol than HTTP."))
    if (head.headers.get("upgrade")?.[0]?.toLowerCase() !== "websocket") {
      return refuse(reject(426, "Only a WebSocket can be opened.", { upgrade: "websocket" }))
    }
    const { counters, fork, live, upgrade } = this.#options
    upgrade(request, socket, first, (webSocket) => {
      this.#count(101)
      counters.webSockets++
      const client = new WebSocketClient(webSocket, socket, () => {
        counters.webSockets--
        live.delete(client)
      })
      live.add(client, bearer)
      fork(this.#serve(client.line.socket, bearer))
    })
  }

  /** Who it is, and whether they may: an answer that says why not, or where it goes on. */
  #enter(head: Head, address: string): Entered | Reply {
    const { boundTo, cookieName, settings } = this.#options
    const { hosts, origins } = settings()
    const admitted = guard(head, { hosts, origins, boundTo })
    if ("status" in admitted) return admitted
    if (head.method === "OPTIONS" && admitted.foreignOrigin !== undefined) return preflight(admitted.foreignOrigin)
    const found = findRoute(head.method, admitted.path)
    if ("route" in found && found.route.scope === undefined) return { ...found, admitted, bearer: undefined }
    const bearer = this.#bearer(head, address, cookieName(), admitted)
    if ("status" in bearer) return withOrigin(bearer, admitted)
    if (!("route" in found)) {
      const allow = found.allow.join(", ")
      const reply =
        allow === ""
          ? reject(404, "There is nothing here. GET /openapi.json lists what there is.")
          : reject(405, `Use ${allow}.`, { allow })
      return withOrigin(reply, admitted)
    }
    const { scope } = found.route
    if (!allows(bearer.scope, scope!)) return withOrigin(reject(403, lacking(bearer.scope, scope!)), admitted)
    return { ...found, admitted, bearer }
  }

  #bearer(head: Head, address: string, cookieName: string, admitted: Admitted): Bearer | Reply {
    const { monotonic, tokens } = this.#options
    const credential = credentialOf(head, cookieName, admitted)
    if (credential === undefined) {
      return unauthorized("A token is needed: Authorization: Bearer TOKEN. `hob token new` makes one.")
    }
    const bearer = tokens.find(credential.token, credential.kind)
    if (typeof bearer !== "string") return bearer
    const seconds = this.#failures.take(address, FAILURES_PER_MINUTE, monotonic())
    if (seconds !== undefined) {
      return reject(429, "Too many wrong tokens. Come again later.", { "retry-after": String(seconds) })
    }
    return unauthorized(
      bearer === "expired" ? "The token has expired." : "The token is not one of hob's, or was revoked."
    )
  }

  #answer(exchange: Exchange, entered: Entered, body: Buffer | undefined): void {
    const { admitted, bearer, params, route } = entered
    const { fork, live, metrics, openapi, pages } = this.#options
    const headers = { ...ownHeaders, ...foreignHeaders(admitted.foreignOrigin) }
    switch (route.answers) {
      case "rest": {
        // For HEAD too: its body is left out where it is written.
        const answered = this.#options.rest({ method: route.method, target: targetOf(admitted), body })
        return void fork(
          Effect.map(answered, (reply) => {
            this.#count(reply.status)
            answerBytes(exchange.response(), reply.status, { ...headers, ...reply.headers }, reply.body)
          })
        )
      }
      case "rpc": {
        this.#count(200)
        const rpc = new RpcExchange({
          body: body!,
          response: exchange.response(),
          headers,
          closed: () => live.delete(rpc)
        })
        live.add(rpc, bearer)
        return void fork(this.#serve(rpc.line.socket, bearer))
      }
      case "events":
        return this.#stream(exchange, entered, headers, channelStream(exchange.head, admitted.query))
      case "agentEvents":
        return this.#stream(exchange, entered, headers, agentStream(exchange.head, params["id"]!, admitted.query))
      case "output":
        return this.#stream(exchange, entered, headers, outputStream(params["id"]!, admitted.query))
      case "metrics":
        return void fork(
          Effect.map(metrics, (text) =>
            this.#send(exchange, { ...headers, "content-type": "text/plain; version=0.0.4; charset=utf-8" }, text)
          )
        )
      case "openapi":
        return this.#send(exchange, { ...headers, "content-type": "application/json" }, openapi())
      case "webSocket":
        return this.#reply(exchange, reject(426, "This is a WebSocket.", { upgrade: "websocket" }), admitted)
      case "login":
        return this.#login(exchange, headers, admitted.query.get("code") ?? "")
      case "page":
        return this.#send(exchange, { ...headers, "content-type": "text/html; charset=utf-8" }, pages.page)
      case "script":
        return this.#send(exchange, { ...headers, "content-type": "text/javascript; charset=utf-8" }, pages.script)
    }
  }

  #stream(
    exchange: Exchange,
    { admitted, bearer }: Entered,
    headers: Readonly<Record<string, string>>,
    stream: ReturnType<typeof channelStream> | Reply
  ): void {
    if ("status" in stream) return this.#reply(exchange, stream, admitted)
    const { counters, fork, live } = this.#options
    counters.eventStreams++
    const begun = stream.begin({
      response: stream.isEndless ? exchange.endless() : exchange.response(),
      headers,
      refuse: (reply) => this.#reply(exchange, reply, admitted),
      closed: () => {
        counters.eventStreams--
        live.delete(begun)
      }
    })
    live.add(begun, bearer)
    this.#count(200)
    fork(this.#serve(begun.call.line.socket, bearer))
  }

  #serve(socket: Socket, bearer: Bearer | undefined): Effect.Effect<void> {
    const { cameBy, serve } = this.#options
    return serve(socket, forbidsFor(bearer), (clientId) => {
      if (bearer !== undefined) cameBy(clientId, bearer)
    })
  }

  #login(exchange: Exchange, headers: Readonly<Record<string, string>>, code: string): void {
    const { enter, fork, isSecure, monotonic, pages, settings } = this.#options
    fork(
      Effect.map(enter(code), (value) => {
        if (value === undefined) {
          const seconds = this.#failures.take(exchange.address, FAILURES_PER_MINUTE, monotonic())
          const again = seconds === undefined ? 401 : 429
          return this.#reply(
            exchange,
            reject(again, "The code is not good any more: `hob http login` makes another one.")
          )
        }
        if (typeof value !== "string") return this.#reply(exchange, value)
        const seconds = Math.floor(settings().browserMillis / 1000)
        const cookie = `${this.#options.cookieName()}=${value}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${seconds}${isSecure ? "; Secure" : ""}`
        this.#send(
          exchange,
          { ...headers, "content-type": "text/html; charset=utf-8", "set-cookie": cookie },
          pages.entered
        )
      })
    )
  }

  #send(exchange: Exchange, headers: Readonly<Record<string, string>>, text: string): void {
    this.#count(200)
    answerBytes(exchange.response(), 200, headers, text)
  }

  #reply(exchange: Exchange, reply: Reply, admitted?: Admitted): void {
    this.#count(reply.status)
    const headers = { ...ownHeaders, ...foreignHeaders(admitted?.foreignOrigin), ...reply.headers }
    exchange.reply({ ...reply, headers })
  }

  #count(status: number): void {
    const { answers } = this.#options.counters
    answers.set(status, (answers.get(status) ?? 0) + 1)
  }
}

const withOrigin = (reply: Reply, { foreignOrigin }: Admitted): Reply => ({
  ...reply,
  headers: { ...foreignHeaders(foreignOrigin), ...reply.headers }
})

/** For effect's router; segments stay as they were sent. */
const targetOf = ({ path, query }: Admitted): string => {
  const text = query.toString()
  return text === "" ? path : `${path}?${text}`
}

const lacking = (has: Scope, needs: Scope): string => `This token's scope is "${has}", and this needs "${needs}".`

const forbidsFor = (bearer: Bearer | undefined): Forbids => {
  if (bearer === undefined) return () => "A token is needed."
  const { scope } = bearer
  return (method) => (allows(scope, scopeOf(method)) ? undefined : lacking(scope, scopeOf(method)))
}

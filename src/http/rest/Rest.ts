import { Cause, Effect, Layer } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest } from "effect/http"
import { HttpApiBuilder, HttpApiError } from "effect/http-api"
import { describeIssue } from "../../connection/methods.ts"
import { RestApi } from "./api.ts"
import * as handlers from "./handlers.ts"

export interface RestRequest {
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly body: Buffer | undefined
}

export interface RestReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** Of a path. What a schema finds too long is told so; the router would only say that there is no such route. */
const LONGEST_SEGMENT = 16 * 1024
const EMPTY = Buffer.alloc(0)

const said = (status: number, error: string): RestReply => ({
  status,
  headers: { "content-type": "application/json" },
  body: Buffer.from(JSON.stringify({ status, error }))
})

/** Answers requests to the routes of the API that have been let in. */
export type Rest = (request: RestRequest) => Effect.Effect<RestReply>

/** The API as effect's router runs it; bodies and who may come are settled before. */
export const makeRest = (fork: (effect: Effect.Effect<void>) => unknown) =>
  Effect.gen(function* () {
    const routed = yield* HttpRouter.toHttpEffect(
      HttpApiBuilder.layer(RestApi).pipe(Layer.provide(handlers.layer(fork)), Layer.provide(HttpServer.layerServices))
    ).pipe(Effect.provideService(HttpRouter.RouterConfig, { maxParamLength: LONGEST_SEGMENT }))
    const requests = new Requests()
    const rest: Rest = ({ body, method, target }) => {
      const request = HttpServerRequest.fromWeb(requests.of(method, target, body))
      return routed.pipe(
        Effect.map(({ body, headers, status }): RestReply => {
          const bytes = body._tag === "Uint8Array" ? body.body : EMPTY
          const type = body._tag === "Uint8Array" ? { "content-type": body.contentType } : {}
          return { status, headers: { ...headers, ...type }, body: bytes }
        }),
        Effect.provideService(HttpServerRequest.HttpServerRequest, request),
        Effect.scoped,
        Effect.catchCause((cause) => failed(cause))
      ) as Effect.Effect<RestReply>
    }
    return rest
  })

/** As many as are asked for again and again. */
const KEPT = 64

/** Requests as effect reads them. One without a body is never changed by being read, and making it costs as much as an answer. */
class Requests {
  readonly #kept = new Map<string, Request>()

  of(method: string, target: string, body: Buffer | undefined): Request {
    const url = `http://hob${target}`
    if (body !== undefined) {
      return new Request(url, {
        method,
        body: new Uint8Array(body),
        headers: { "content-type": "application/json" }
      })
    }
    if (method !== "GET") return new Request(url, { method })
    const known = this.#kept.get(target)
    if (known !== undefined) return known
    const request = new Request(url)
    if (this.#kept.size >= KEPT) this.#kept.clear()
    this.#kept.set(target, request)
    return request
  }
}

/** What is wrong with a request, or with hob. */
const failed = (cause: Cause.Cause<unknown>): Effect.Effect<RestReply> => {
  const error = Cause.squash(cause)
  if (HttpApiError.HttpApiSchemaError.is(error) && error.kind !== "Body" && error.kind !== "ResponseHeaders") {
    const where = error.kind === "Payload" ? "body" : error.kind.toLowerCase()
    const text = describeIssue(error.cause.issue).replace(/^params/, where)
    return Effect.succeed(said(400, text))
  }
  if (Cause.hasInterruptsOnly(cause)) return Effect.succeed(said(503, "hob is stopping."))
  return Effect.as(
    Effect.logError("a request over HTTP met a bug in hob", cause),
    said(500, "A bug in hob; `hob logs` has the details.")
  )
}

/** What is asked of the remote server over HTTP. Answers are decoded; secrets are in no error. */
import { Clock, Data, Effect, Redacted, Schema } from "effect"
import { VERSION } from "../config/version.ts"

const ANSWER_MILLIS = 15_000
const MAX_ANSWER_BYTES = 4 * 1024 * 1024
/** How hob calls itself to the server. */
export const CLIENT = `hob/${VERSION}`

/** No answer, or not one of this server. */
export class Unreachable extends Data.TaggedError("Unreachable")<{ readonly reason: string }> {
  override get message() {
    return this.reason
  }
}

/** An answer that says no. */
export class Refused extends Data.TaggedError("Refused")<{ readonly status: number; readonly reason: string }> {
  override get message() {
    return `The server has refused (${this.status}): ${this.reason}`
  }
}

interface Request<A> {
  readonly url: string
  readonly path: string
  readonly body: unknown
  readonly token?: Redacted.Redacted<string>
  readonly answer: Schema.Decoder<A>
  readonly withinMillis?: number
}

export interface Answered<A> {
  readonly value: A
  /** The server's clock when it answered, less ours; 0 where it does not say. */
  readonly skewMillis: number
}

const RefusalBody = Schema.fromJsonString(
  Schema.Struct({ error: Schema.optionalKey(Schema.String), message: Schema.optionalKey(Schema.String) })
)
const decodeRefusal = Schema.decodeUnknownOption(RefusalBody)

const reasonOf = (text: string): string => {
  const body = decodeRefusal(text)
  const said = body._tag === "Some" ? (body.value.message ?? body.value.error) : undefined
  // oxlint-disable-next-line no-control-regex
  return (said ?? "it does not say why").replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ").slice(0, 300)
}

const why = (error: unknown): string => {
  const { cause, message } = error as { readonly cause?: unknown; readonly message?: string }
  const inner = (cause as { readonly message?: string; readonly code?: string } | undefined) ?? {}
  return inner.message || inner.code || message || String(error)
}

const readText = async (response: Response): Promise<string> => {
  let text = ""
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    if (text.length > MAX_ANSWER_BYTES) throw new Error("the answer is too long")
  }
  return text
}

const post = <A>(request: Request<A>): Effect.Effect<Answered<A>, Unreachable | Refused> =>
  Effect.gen(function* () {
    const { answer, body, path, token, url, withinMillis = ANSWER_MILLIS } = request
    const said = yield* Effect.tryPromise({
      try: async (signal) => {
        const response = await fetch(`${url.replace(/\/+$/, "")}${path}`, {
          method: "POST",
          signal,
          redirect: "error",
          headers: {
            "content-type": "application/json",
            // One that was kept since the last time may be half open.
            connection: "close",
            "x-happy-client": CLIENT,
            ...(token === undefined ? {} : { authorization: `Bearer ${Redacted.value(token)}` })
          },
          body: JSON.stringify(body)
        })
        return { status: response.status, date: response.headers.get("date"), text: await readText(response) }
      },
      catch: (error) => new Unreachable({ reason: `It can't be reached (${why(error)}).` })
    }).pipe(
      Effect.timeoutOrElse({
        duration: withinMillis,
        orElse: () => Effect.fail(new Unreachable({ reason: `It has not answered in ${withinMillis / 1000} s.` }))
      })
    )
    if (said.status < 200 || said.status > 299) {
      return yield* new Refused({ status: said.status, reason: reasonOf(said.text) })
    }
    const value = yield* Effect.mapError(
      Schema.decodeUnknownEffect(Schema.fromJsonString(answer))(said.text),
      () => new Unreachable({ reason: `What answers ${path} is not the server of this protocol.` })
    )
    const date = said.date === null ? Number.NaN : Date.parse(said.date)
    const skewMillis = Number.isNaN(date) ? 0 : date - (yield* Clock.currentTimeMillis)
    return { value, skewMillis }
  })

const Registered = Schema.Struct({
  machine: Schema.Struct({
    metadata: Schema.String,
    metadataVersion: Schema.Int,
    daemonState: Schema.NullOr(Schema.String),
    daemonStateVersion: Schema.Int
  })
})
export type Registered = (typeof Registered.Type)["machine"]

export interface Registration {
  readonly id: string
  readonly metadata: string
  readonly daemonState: string
  readonly dataEncryptionKey?: string
}

/** `POST /v1/machines`: a new machine is made; of one that is known, what the server has is given, whatever is posted. */
export const register = (url: string, token: Redacted.Redacted<string>, registration: Registration) =>
  post({ url, path: "/v1/machines", body: registration, token, answer: Registered })

/** `POST /v1/auth`: a proof of the account's secret, for a token. */
export const authenticate = (url: string, proof: object) =>
  Effect.map(
    post({ url, path: "/v1/auth", body: proof, answer: Schema.Struct({ token: Schema.String }) }),
    ({ value }) => Redacted.make(value.token)
  )

const Pairing = Schema.Union([
  Schema.Struct({ state: Schema.Literal("requested") }),
  Schema.Struct({ state: Schema.Literal("authorized"), token: Schema.String, response: Schema.String })
])

/** `POST /v1/auth/request`: asks whether a device has answered. */
export const askPairing = (url: string, publicKey: string) =>
  Effect.map(
    post({ url, path: "/v1/auth/request", body: { publicKey, supportsV2: true }, answer: Pairing }),
    ({ value }) => value
  )

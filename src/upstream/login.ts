/** How hob shows an upstream who is calling. Each step is a request; what it is answered with decides the next. */
import { Effect, Redacted } from "effect"
import { randomBytes } from "node:crypto"
import type { PromptRefused } from "../protocol/methods.ts"
import type { CredentialKind } from "../protocol/upstream.ts"
import type { RpcError } from "./envelope.ts"
import { arrayElements, objectMembers, textOf } from "./scan.ts"
import * as scram from "./scram.ts"
import type { Target } from "./target.ts"
import { Lost } from "./Wire.ts"

/** The login is refused for good: asking again would be answered the same, or lock the account. */
export class Refused {
  readonly _tag = "Refused"
  /** Of the upstream, or `hob` where it was not asked. */
  readonly response: string
  /** What is wrong and what to do, as a sentence. */
  readonly reason: string
  constructor(response: string, reason: string) {
    this.response = response
    this.reason = reason
  }
}

/** Somebody has logged in too often: it is tried again, but not soon. */
export class LimitedRate {
  readonly _tag = "LimitedRate"
}

export type LoginError = Refused | LimitedRate | Lost

/** A request of the login: the text of its result, or what it was answered instead. */
export type Ask = (method: string, params: ReadonlyArray<unknown>) => Effect.Effect<string, RpcError | Lost>

export interface LoginOptions {
  readonly name: string
  readonly target: Target
  readonly user: string | null
  readonly credential: { readonly kind: CredentialKind; readonly secret: Redacted.Redacted } | null
  readonly ask: Ask
  /** Asks a person for a one-time password. */
  readonly oneTimePassword: Effect.Effect<string, PromptRefused>
  readonly keys: KeyCache
}

/** Derived keys, for as long as salt, iterations and secret stay the same. In memory alone. */
export class KeyCache {
  #last: { readonly of: string; readonly keys: scram.DerivedKeys } | undefined

  derive(secret: string, { iterations, salt }: scram.ServerFirst): Effect.Effect<scram.DerivedKeys> {
    const of = `${iterations}:${salt.toString("base64")}:${secret}`
    if (this.#last?.of === of) return Effect.succeed(this.#last.keys)
    return Effect.map(
      Effect.promise(() => scram.deriveKeys(secret, salt, iterations)),
      (keys) => {
        this.#last = { of, keys }
        return keys
      }
    )
  }

  forget(): void {
    this.#last = undefined
  }
}

const MAX_ONE_TIME_PASSWORDS = 3
const METHOD_NOT_FOUND = -32601
/** "Too many logins": an error of the method with this errno. */
const EBUSY = 16

/** Logs in. Nothing is sent where the server knows its callers, or there is nothing to log in with. */
export const login = (options: LoginOptions): Effect.Effect<void, LoginError> => {
  const { credential, target } = options
  if (credential === null) return Effect.void
  if (credential.kind === "api-key") return withApiKey(options, target, Redacted.value(credential.secret))
  if (!target.isPrivate) {
    return refuse(
      `its address is ws:// on another machine, and anybody on the way could read the ${credential.kind}. Use wss://.`
    )
  }
  return credential.kind === "token"
    ? withToken(options, Redacted.value(credential.secret))
    : withPassword(options, Redacted.value(credential.secret))
}

const withPassword = (options: LoginOptions, password: string): Effect.Effect<void, LoginError> => {
  const { user } = options
  if (user === null) return refuse("a password needs a user: `hob upstream login NAME --user USER`.")
  const mechanism = {
    mechanism: "PASSWORD_PLAIN",
    username: user,
    password,
    login_options: { user_info: false, reconnect_token: false }
  }
  return loginEx(options, mechanism, { method: "auth.login", params: [user, password] })
}

const withToken = (options: LoginOptions, token: string): Effect.Effect<void, LoginError> =>
  loginEx(options, { mechanism: "TOKEN_PLAIN", token }, { method: "auth.login_with_token", params: [token] })

const withApiKey = (options: LoginOptions, target: Target, key: string): Effect.Effect<void, LoginError> =>
  Effect.gen(function* () {
    const { user } = options
    const parts = scram.readApiKey(key)
    const canScram = user !== null && parts !== undefined && (yield* mechanisms(options)).includes("SCRAM")
    if (canScram) return yield* withScram(options, user, parts)
    if (!target.isPrivate) {
      return yield* refuse(
        "an API key would go over the network in the clear, and the server would revoke it. Use wss://, or a server and a user (--user) that can SCRAM."
      )
    }
    const older = { method: "auth.login_with_api_key", params: [key] }
    // Before users had keys, keys had no user.
    if (user === null) return yield* loginBefore(options, older)
    yield* loginEx(options, { mechanism: "API_KEY_PLAIN", username: user, api_key: key }, older)
  })

/** Some versions fail here: they are taken for those that know the plain ones alone. */
const mechanisms = ({ ask }: LoginOptions): Effect.Effect<ReadonlyArray<string>, Lost> =>
  ask("auth.mechanism_choices", []).pipe(
    Effect.map((result) => (arrayElements(result) ?? []).flatMap((text) => textOf(text) ?? [])),
    Effect.catch((error) => (error instanceof Lost ? Effect.fail(error) : Effect.succeed([])))
  )

const withScram = (options: LoginOptions, user: string, key: scram.ApiKey): Effect.Effect<void, LoginError> =>
  Effect.gen(function* () {
    const first = scram.clientFirst(user, key.keyId, randomBytes(scram.NONCE_BYTES))
    const began = yield* exchange(options, scramMessage("CLIENT_FIRST_MESSAGE", first.message))
    if (began.type !== "SCRAM_RESPONSE") return yield* settle(options, began)
    const server = scram.readServerFirst(began.text, first.nonce)
    if (typeof server === "string") return yield* refuse(`it does not keep to SCRAM: ${server}.`)
    const keys = yield* options.keys.derive(key.secret, server)
    const final = scram.clientFinal(first, server, keys)
    const ended = yield* exchange(options, scramMessage("CLIENT_FINAL_MESSAGE", final.message))
    if (ended.type !== "SCRAM_RESPONSE") return yield* settle(options, ended)
    if (!scram.isServerFinal(ended.text, final))
      return yield* refuse(
        "it could not show that it has the API key too: it may be another server. Nothing was called."
      )
  })

const scramMessage = (type: string, text: string) => ({ mechanism: "SCRAM", scram_type: type, rfc_str: text })

/** What `auth.login_ex` answers, as far as it decides anything. */
interface Response {
  readonly type: string
  /** Of SCRAM: the message. */
  readonly text: string
  readonly urls: ReadonlyArray<string>
}

const exchange = ({ ask }: LoginOptions, mechanism: object): Effect.Effect<Response, LoginError> =>
  ask("auth.login_ex", [mechanism]).pipe(
    Effect.map((result) => {
      const members = objectMembers(result)
      return {
        type: textOf(members?.get("response_type")) ?? "UNKNOWN",
        text: textOf(members?.get("rfc_str")) ?? "",
        urls: (arrayElements(members?.get("urls") ?? "[]") ?? []).flatMap((text) => textOf(text) ?? [])
      }
    }),
    Effect.catch((error) => Effect.fail(failureOf(error)))
  )

interface Older {
  readonly method: string
  readonly params: ReadonlyArray<string>
}

/** By `auth.login_ex`, or where the server does not have it by the method of before. */
const loginEx = (options: LoginOptions, mechanism: object, older: Older): Effect.Effect<void, LoginError> =>
  Effect.catchIf(
    Effect.flatMap(exchange(options, mechanism), (response) => settle(options, response)),
    (error): error is Refused => error instanceof Refused && error.response === String(METHOD_NOT_FOUND),
    () => loginBefore(options, older)
  )

/** Those of before say yes or no, and nothing of why. */
const loginBefore = ({ ask }: LoginOptions, { method, params }: Older): Effect.Effect<void, LoginError> =>
  ask(method, params).pipe(
    Effect.catch((error) => Effect.fail(failureOf(error))),
    Effect.flatMap((result) =>
      result === "true" ? Effect.void : Effect.fail(new Refused("AUTH_ERR", sentences["AUTH_ERR"]!))
    )
  )

const settle = (options: LoginOptions, response: Response, asked = 0): Effect.Effect<void, LoginError> => {
  if (response.type === "SUCCESS") return Effect.void
  if (response.type === "OTP_REQUIRED" && asked < MAX_ONE_TIME_PASSWORDS) {
    return options.oneTimePassword.pipe(
      Effect.mapError(
        ({ message }) =>
          new Refused(
            "OTP_REQUIRED",
            `it asks for a one-time password. ${message} \`hob upstream login ${options.name}\` asks for it.`
          )
      ),
      Effect.flatMap((password) => exchange(options, { mechanism: "OTP_TOKEN", otp_token: password.trim() })),
      Effect.flatMap((next) => settle(options, next, asked + 1))
    )
  }
  const where = response.type === "REDIRECT" && response.urls.length > 0 ? ` (${response.urls.join(", ")})` : ""
  const sentence = sentences[response.type] ?? "It answered with something that hob does not know."
  return Effect.fail(new Refused(response.type, `${sentence.replace("…", where)}`))
}

const sentences: Readonly<Record<string, string>> = {
  AUTH_ERR:
    "it does not know this user with this credential. `hob upstream login NAME --password-stdin` (or --api-key-stdin, --token-stdin) changes it.",
  EXPIRED: "the credential has expired. Renew it there, then `hob upstream login NAME`.",
  DENIED: "the account may not use the API. Allow it there, then `hob upstream reconnect NAME`.",
  OTP_REQUIRED: "the one-time password was not accepted. `hob upstream login NAME` asks for another.",
  REDIRECT: "another server is in charge…. Add that one: `hob upstream add`.",
  SCRAM_RESPONSE: "it answered with a step of SCRAM that was not asked for."
}

const failureOf = (error: RpcError | Lost): LoginError => {
  if (error instanceof Lost) return error
  if (error.errno === EBUSY || /rate limit/i.test(error.reason)) return new LimitedRate()
  return new Refused(String(error.code), `it refuses the login: ${error.reason}`)
}

const refuse = (reason: string): Effect.Effect<never, Refused> => Effect.fail(new Refused("hob", reason))

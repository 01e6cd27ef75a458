/** How a client becomes somebody. */
import { randomBytes } from "node:crypto"
import type { Call, Connection, Method } from "./Connection.ts"
import { callError } from "./errors.ts"
import type { Middleware } from "./Middleware.ts"
import { beginScram, finishScram, type ScramKey, scramKey } from "./scram.ts"

const OTP_TRIES = 3

export const loginMethods = (middleware: Middleware): ReadonlyArray<readonly [string, Method]> => {
  const { options } = middleware
  const tokens = new Set(options.tokens)
  const revoked = new Set<string>()
  const scramKeys = new Map<string, ScramKey>()

  const isPassword = (user: unknown, password: unknown) =>
    typeof user === "string" && Object.hasOwn(options.users, user) && options.users[user]!.password === password
  const otpOf = (user: string) => options.users[user]?.otp
  /** `USER:ID` of a whole key, `ID-SECRET`. */
  const isKey = (key: unknown): key is string =>
    typeof key === "string" && !revoked.has(key) && Object.values(options.apiKeys).some((keys) => keys.includes(key))

  const enter = (connection: Connection, user: string, mechanism: string): void => {
    connection.session = { user, mechanism }
    connection.otp = null
    middleware.counts.logins++
  }
  const leave = (connection: Connection): void => {
    connection.session = null
    middleware.counts.failedLogins++
  }

  const success = (connection: Connection, user: string, mechanism: string, login_options: unknown): object => {
    enter(connection, user, mechanism)
    const wanted = (login_options ?? {}) as { reconnect_token?: boolean }
    const token = wanted.reconnect_token === true ? randomBytes(16).toString("hex") : null
    if (token !== null) tokens.add(token)
    return { response_type: "SUCCESS", user_info: userInfo(user), authenticator: "LEVEL_1", reconnect_token: token }
  }
  const userInfo = (user: string) => ({ pw_name: user, pw_uid: 950, privilege: { roles: { $set: ["FULL_ADMIN"] } } })

  const refused = (connection: Connection): object => {
    leave(connection)
    return { response_type: "AUTH_ERR" }
  }

  const afterPassword = (connection: Connection, user: string, login_options: unknown): object => {
    const outcome = options.users[user]?.outcome
    if (outcome !== undefined) {
      leave(connection)
      return outcome === "REDIRECT"
        ? { response_type: outcome, urls: ["https://other.test"] }
        : { response_type: outcome }
    }
    if (otpOf(user) === undefined) return success(connection, user, "PASSWORD_PLAIN", login_options)
    connection.otp = { user, tries: 0 }
    return { response_type: "OTP_REQUIRED", username: user }
  }

  const apiKeyPlain = (connection: Connection, user: string, key: unknown): object => {
    if (!isKey(key) || options.apiKeys[user]?.includes(key) !== true) return refused(connection)
    if (options.revokesKeysSentPlain && connection.endPoint === undefined && connection.address !== null) {
      revoked.add(key)
      leave(connection)
      return { response_type: "EXPIRED" }
    }
    return success(connection, user, "API_KEY_PLAIN", undefined)
  }

  const findScramKey = (user: string, keyId: string): ScramKey | undefined => {
    const key = options.apiKeys[user]?.find((each) => each.startsWith(`${keyId}-`) && !revoked.has(each))
    if (key === undefined) return undefined
    const { iterations, salt } = options.scram
    const made = scramKeys.get(key) ?? scramKey(key.slice(keyId.length + 1), salt ?? randomBytes(16), iterations)
    scramKeys.set(key, made)
    return made
  }

  const scramMessage = (connection: Connection, { rfc_str, scram_type }: Record<string, unknown>): object => {
    const answer = (type: string, text: string, user_info: unknown) => ({
      response_type: "SCRAM_RESPONSE",
      scram_type: type,
      rfc_str: text,
      user_info
    })
    if (scram_type === "CLIENT_FIRST_MESSAGE") {
      connection.scram = beginScram(String(rfc_str), findScramKey, options.scram.serverNonce)
      if (connection.scram === null) return refused(connection)
      return answer("SERVER_FIRST_RESPONSE", connection.scram.serverFirst, null)
    }
    const exchange = connection.scram
    connection.scram = null
    const final = exchange === null ? null : finishScram(exchange, String(rfc_str), connection.endPoint)
    if (exchange === null || final === null) return refused(connection)
    enter(connection, exchange.user, "SCRAM")
    return answer("SERVER_FINAL_RESPONSE", final, userInfo(exchange.user))
  }

  const loginEx = ({ connection, params: [asked] }: Call): string => {
    const said = (asked ?? {}) as Record<string, unknown>
    const mechanism = String(said["mechanism"])
    middleware.counts.mechanisms.push(mechanism)
    return JSON.stringify(continueWith(connection, mechanism, said))
  }

  const continueWith = (connection: Connection, mechanism: string, said: Record<string, unknown>): object => {
    if (!options.mechanisms.includes(mechanism) && mechanism !== "OTP_TOKEN") {
      throw callError(`${mechanism}: mechanism is not supported`, "EINVAL")
    }
    const user = String(said["username"])
    switch (mechanism) {
      case "PASSWORD_PLAIN":
        return isPassword(user, said["password"])
          ? afterPassword(connection, user, said["login_options"])
          : refused(connection)
      case "API_KEY_PLAIN":
        return apiKeyPlain(connection, user, said["api_key"])
      case "TOKEN_PLAIN":
        return takeToken(said["token"]) ? success(connection, "admin", mechanism, undefined) : refused(connection)
      case "OTP_TOKEN":
        return otpToken(connection, said["otp_token"])
      default:
        return scramMessage(connection, said)
    }
  }

  const otpToken = (connection: Connection, token: unknown): object => {
    const asked = connection.otp
    if (asked === null) throw callError("No one-time password was asked for", "EINVAL")
    if (token === otpOf(asked.user)) return success(connection, asked.user, "OTP_TOKEN", undefined)
    if (++asked.tries < OTP_TRIES) return { response_type: "OTP_REQUIRED", username: asked.user }
    connection.otp = null
    return refused(connection)
  }

  /** Each is good for one login. */
  const takeToken = (token: unknown): boolean => typeof token === "string" && tokens.delete(token)

  const asBoolean = (connection: Connection, mechanism: string, user: string | null): string => {
    middleware.counts.mechanisms.push(mechanism)
    if (user === null) leave(connection)
    else enter(connection, user, mechanism)
    return String(user !== null)
  }

  return [
    ["auth.mechanism_choices", () => JSON.stringify(mechanismChoices())],
    ["auth.login_ex", loginEx],
    ["auth.login_ex_continue", loginEx],
    [
      "auth.login",
      ({ connection, params: [user, password, otp] }) => {
        const isRight = isPassword(user, password) && otpOf(user as string) === (otp ?? undefined)
        return asBoolean(connection, "auth.login", isRight ? (user as string) : null)
      }
    ],
    [
      "auth.login_with_api_key",
      ({ connection, params: [key] }) => {
        const user = Object.keys(options.apiKeys).find((name) => options.apiKeys[name]!.includes(key as string))
        return asBoolean(connection, "auth.login_with_api_key", isKey(key) ? (user ?? null) : null)
      }
    ],
    [
      "auth.login_with_token",
      ({ connection, params: [token] }) =>
        asBoolean(connection, "auth.login_with_token", takeToken(token) ? "admin" : null)
    ],
    [
      "auth.generate_token",
      () => {
        const token = randomBytes(16).toString("hex")
        tokens.add(token)
        return JSON.stringify(token)
      }
    ],
    ["auth.me", ({ connection }) => JSON.stringify(userInfo(connection.session!.user))]
  ]

  function mechanismChoices(): ReadonlyArray<string> {
    if (options.mechanismChoicesBroken) throw callError("'NoneType' object has no attribute 'may_create_auth_token'")
    return options.mechanisms
  }
}

/** What may be called by who has not logged in. */
export const openLoginMethods = [
  "auth.mechanism_choices",
  "auth.login_ex",
  "auth.login_ex_continue",
  "auth.login",
  "auth.login_with_api_key",
  "auth.login_with_token"
]

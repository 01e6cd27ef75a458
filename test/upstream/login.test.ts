import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { PromptRefused } from "../../src/protocol/methods.ts"
import type { CredentialKind } from "../../src/protocol/upstream.ts"
import type { RpcError } from "../../src/upstream/envelope.ts"
import { KeyCache, login, type LoginOptions } from "../../src/upstream/login.ts"
import { LoginLimit } from "../../src/upstream/LoginLimit.ts"
import { targetOf } from "../../src/upstream/target.ts"
import { declared, home, middlewareOf, upstreamsOf } from "./support.ts"

const KEY = "1-testkeymaterial0123456789abcdef"
const missing: RpcError = {
  code: -32601,
  reason: "Method does not exist",
  errno: null,
  errname: null,
  trace: null,
  extra: null
}

interface Asked {
  readonly method: string
  readonly params: ReadonlyArray<unknown>
}

/** Logs in to a server that answers as it is told, and gives what it was asked. */
const attempt = (
  kind: CredentialKind,
  answers: Readonly<Record<string, string | RpcError | ReadonlyArray<string>>>,
  change: Partial<LoginOptions> & { readonly uri?: string; readonly secret?: string } = {}
) => {
  const asked: Array<Asked> = []
  const { secret = kind === "api-key" ? KEY : "s3cret", uri = "wss://nas.lan/", ...rest } = change
  const target = targetOf(uri)
  if (typeof target === "string") throw new Error(target)
  return Effect.map(
    Effect.result(
      login({
        name: "nas",
        target,
        user: "ada",
        credential: { kind, secret: Redacted.make(secret) },
        keys: new KeyCache(),
        oneTimePassword: Effect.fail(new PromptRefused({ reason: "Nobody is there." })),
        ask: (method, params) =>
          Effect.suspend(() => {
            const before = asked.filter((one) => one.method === method).length
            asked.push({ method, params })
            const answer = answers[method] ?? missing
            if (typeof answer === "string") return Effect.succeed(answer)
            return "code" in answer ? Effect.fail(answer) : Effect.succeed(answer[before] ?? answer.at(-1)!)
          }),
        ...rest
      })
    ),
    (result) => ({ asked, methods: asked.map(({ method }) => method), result })
  )
}

const SUCCESS = '{"response_type": "SUCCESS"}'

describe("a login", () => {
  it.effect("goes by auth.login_ex, and by the method of before where there is none", () =>
    Effect.gen(function* () {
      const now = yield* attempt("password", { "auth.login_ex": SUCCESS })
      assert.strictEqual(now.result._tag, "Success")
      assert.deepStrictEqual(now.methods, ["auth.login_ex"])
      for (const [kind, older, params] of [
        ["password", "auth.login", ["ada", "s3cret"]],
        ["token", "auth.login_with_token", ["s3cret"]],
        ["api-key", "auth.login_with_api_key", [KEY]]
      ] as const) {
        const before = yield* attempt(kind, { [older]: "true" })
        assert.strictEqual(before.result._tag, "Success", kind)
        assert.deepStrictEqual(before.asked.at(-1), { method: older, params })
        const refused = yield* attempt(kind, { [older]: "false" })
        assert.deepInclude((refused.result as any).failure, { _tag: "Refused", response: "AUTH_ERR" })
      }
    })
  )

  it.effect("sends nothing secret over a network in the clear", () =>
    Effect.gen(function* () {
      const uri = "ws://nas.lan/api/current"
      for (const kind of ["password", "token"] as const) {
        const { asked, result } = yield* attempt(kind, { "auth.login_ex": SUCCESS }, { uri })
        assert.deepInclude((result as any).failure, { _tag: "Refused", response: "hob" })
        assert.deepStrictEqual(asked, [])
      }
      for (const choices of ['["API_KEY_PLAIN", "PASSWORD_PLAIN"]', missing]) {
        const key = yield* attempt("api-key", { "auth.mechanism_choices": choices, "auth.login_ex": SUCCESS }, { uri })
        assert.deepInclude((key.result as any).failure, { _tag: "Refused", response: "hob" })
        assert.deepStrictEqual(key.methods, ["auth.mechanism_choices"])
      }
      const scram = yield* attempt(
        "api-key",
        { "auth.mechanism_choices": '["SCRAM"]', "auth.login_ex": SUCCESS },
        { uri }
      )
      assert.notInclude(JSON.stringify(scram.asked), "testkeymaterial")
      const here = yield* attempt("password", { "auth.login_ex": SUCCESS }, { uri: "ws://127.0.0.1/" })
      assert.strictEqual(here.result._tag, "Success")
    })
  )

  it.effect("asks for a one-time password, three times at most, and for none where nobody is there", () =>
    Effect.gen(function* () {
      const OTP = '{"response_type": "OTP_REQUIRED", "username": "ada"}'
      const nobody = yield* attempt("password", { "auth.login_ex": OTP })
      assert.deepInclude((nobody.result as any).failure, { _tag: "Refused", response: "OTP_REQUIRED" })
      assert.include((nobody.result as any).failure.reason, "hob upstream login nas")
      const right = yield* attempt(
        "password",
        { "auth.login_ex": [OTP, OTP, SUCCESS] },
        { oneTimePassword: Effect.succeed(" 123456\n") }
      )
      assert.strictEqual(right.result._tag, "Success")
      assert.deepStrictEqual(right.asked.at(-1)!.params, [{ mechanism: "OTP_TOKEN", otp_token: "123456" }])
      const wrong = yield* attempt("password", { "auth.login_ex": OTP }, { oneTimePassword: Effect.succeed("0") })
      assert.deepInclude((wrong.result as any).failure, { _tag: "Refused", response: "OTP_REQUIRED" })
      assert.lengthOf(wrong.asked, 4)
    })
  )

  it.effect("that is answered with a refusal is refused, whatever it is; too many logins are not", () =>
    Effect.gen(function* () {
      for (const response of ["AUTH_ERR", "EXPIRED", "DENIED", "REDIRECT", "SOMETHING_NEW"]) {
        const { result } = yield* attempt("password", {
          "auth.login_ex": `{"response_type": "${response}", "urls": ["wss://b"]}`
        })
        assert.deepInclude((result as any).failure, { _tag: "Refused", response })
        assert.match((result as any).failure.reason, /\.$/)
      }
      const busy: RpcError = { ...missing, code: -32001, errno: 16, reason: "[EBUSY] Rate Limit Exceeded" }
      const limited = yield* attempt("password", { "auth.login_ex": busy })
      assert.deepInclude((limited.result as any).failure, { _tag: "LimitedRate" })
    })
  )

  it.effect("derives the costly keys of SCRAM again only when something is another one", () =>
    Effect.gen(function* () {
      const keys = new KeyCache()
      const first = { nonce: "", message: "", salt: Buffer.from("salt"), iterations: 50_000 }
      const derived = yield* keys.derive("a", first)
      assert.strictEqual(yield* keys.derive("a", { ...first, nonce: "another" }), derived)
      assert.notStrictEqual(yield* keys.derive("b", first), derived)
      assert.notStrictEqual(yield* keys.derive("b", { ...first, iterations: 50_001 }), derived)
    })
  )

  it.effect("of SCRAM does not believe a server without the key, nor one that asks for too little", () =>
    Effect.gen(function* () {
      const answers = (first: string) => ({
        "auth.mechanism_choices": '["SCRAM"]',
        "auth.login_ex": [
          `{"response_type": "SCRAM_RESPONSE", "rfc_str": "${first}"}`,
          '{"response_type": "SCRAM_RESPONSE", "rfc_str": "v=AAAA"}'
        ]
      })
      const weak = yield* attempt("api-key", answers("r=AAAA,s=AAAA,i=1"))
      assert.deepInclude((weak.result as any).failure, { _tag: "Refused", response: "hob" })
      assert.lengthOf(weak.asked, 2)
    })
  )
})

describe("logins in a minute", () => {
  it.effect("are no more than may be, however many are wanted", () =>
    Effect.gen(function* () {
      const limit = new LoginLimit()
      const at: Array<number> = []
      const wanted = yield* Effect.forkChild(
        Effect.gen(function* () {
          for (let login = 0; login < 12; login++) {
            yield* limit.enter(
              () => 5,
              () => Effect.void
            )
            at.push(yield* Effect.clockWith((clock) => clock.currentTimeMillis))
          }
        })
      )
      yield* TestClock.adjust("1 second")
      assert.lengthOf(at, 5)
      yield* TestClock.adjust("58 seconds")
      assert.lengthOf(at, 5)
      yield* TestClock.adjust("3 minutes")
      yield* Fiber.join(wanted)
      for (const from of at) assert.isAtMost(at.filter((time) => time >= from && time < from + 60_000).length, 5)
    })
  )
})

describe("a server", () => {
  it.live("is logged in to with SCRAM, and never sees the key", () =>
    Effect.gen(function* () {
      const { middleware, uri } = yield* middlewareOf({
        scram: { iterations: 50_000, salt: Buffer.from("0123456789abcdef") }
      })
      const { upstreams } = yield* upstreamsOf(yield* home)
      yield* upstreams.add({ name: "nas", uri, user: "admin", credential: { kind: "api-key", secret: KEY } })
      assert.strictEqual(yield* upstreams.call({ method: "mock.echo", params: "[1]" }), "[1]")
      middleware.dropConnections()
      while ((yield* upstreams.status()).connections < 2) yield* Effect.sleep(5)
      assert.strictEqual(yield* upstreams.call({ method: "mock.echo", params: "[2]" }), "[2]")
      assert.strictEqual(middleware.counts.logins, 2)
      assert.notInclude(JSON.stringify(middleware.received), "testkeymaterial")
    })
  )

  it.live("by its socket is not logged in to at all", () =>
    Effect.gen(function* () {
      const { middleware, unixUri } = yield* middlewareOf()
      const { upstreams } = yield* upstreamsOf(yield* home)
      yield* upstreams.add({ name: "here", uri: unixUri })
      assert.strictEqual(yield* upstreams.call({ method: "mock.echo", params: "[1]" }), "[1]")
      assert.strictEqual(middleware.counts.logins, 0)
    })
  )

  it.live("that is not to be trusted is not, unless it is said to be", () =>
    Effect.gen(function* () {
      const { tlsUri } = yield* middlewareOf({ tls: ["127.0.0.1"] })
      const { upstreams } = yield* upstreamsOf(yield* home)
      const credential = { kind: "password", secret: "correct horse" } as const
      yield* upstreams.add({ name: "no", uri: tlsUri!, user: "admin", credential })
      yield* upstreams.add({ name: "yes", uri: tlsUri!, user: "admin", credential, insecure: true })
      const refused = yield* Effect.flip(upstreams.call({ name: "no", method: "core.ping" }))
      assert.strictEqual(refused._tag, "UpstreamUnreachable")
      assert.include(refused.message, "certificate")
      assert.strictEqual(yield* upstreams.call({ name: "yes", method: "mock.echo", params: "[1]" }), "[1]")
    })
  )

  it.live("that has just been logged in to is not asked for another login by whom it refuses", () =>
    Effect.gen(function* () {
      const { middleware, upstreams } = yield* declared({}, { settings: { loginsPerMinuteCount: 2 } })
      yield* upstreams.call({ method: "core.ping" })
      middleware.expireSessions()
      assert.strictEqual(yield* upstreams.call({ method: "mock.echo", params: "[1]" }), "[1]")
      assert.strictEqual(middleware.counts.logins, 2)
      middleware.expireSessions()
      // Long enough for it to be refused, and to wait then.
      const late = yield* Effect.flip(upstreams.call({ method: "mock.echo", timeoutMillis: 2000 }))
      assert.deepInclude(late, { _tag: "UpstreamTimedOut", waitedFor: "connection" })
      assert.strictEqual(middleware.counts.logins, 2)
    })
  )
})

/** How a stand-in is to be. */
export interface MiddlewareOptions {
  /** Passwords by user; with `otp` a one-time password is asked for too, with `outcome` the password is right and the login is not. */
  readonly users: Readonly<
    Record<
      string,
      { readonly password: string; readonly otp?: string; readonly outcome?: "EXPIRED" | "DENIED" | "REDIRECT" }
    >
  >
  /** Whole keys, `ID-SECRET`, by user. */
  readonly apiKeys: Readonly<Record<string, ReadonlyArray<string>>>
  /** Tokens that are good for one login each. */
  readonly tokens: ReadonlyArray<string>
  readonly mechanisms: ReadonlyArray<string>
  /** `auth.mechanism_choices` fails, as it does on some versions. */
  readonly mechanismChoicesBroken: boolean
  /** A key that comes PLAIN over TCP without TLS is revoked. */
  readonly revokesKeysSentPlain: boolean
  readonly scram: {
    readonly iterations: number
    /** At random where they are not given. */
    readonly salt?: Buffer
    readonly serverNonce?: Buffer
  }
  /** Methods that this version does not have. */
  readonly without: ReadonlyArray<string>
  /** Of who is not logged in, for each method and address. */
  readonly rateLimitCalls: number
  readonly rateLimitMillis: number
  /** How long the refusal is kept back. */
  readonly rateLimitDelayMillis: number
  /** Who comes by the Unix socket needs no login. */
  readonly trustsUnixSocket: boolean
  readonly forbiddenCollections: ReadonlyArray<string>
}

/** The newest version: every mechanism, and the older methods of login too. */
export const defaults: MiddlewareOptions = {
  users: { admin: { password: "correct horse" } },
  apiKeys: { admin: ["1-testkeymaterial0123456789abcdef"] },
  tokens: [],
  mechanisms: ["API_KEY_PLAIN", "TOKEN_PLAIN", "PASSWORD_PLAIN", "SCRAM"],
  mechanismChoicesBroken: false,
  revokesKeysSentPlain: false,
  scram: { iterations: 50_000 },
  without: [],
  rateLimitCalls: 20,
  rateLimitMillis: 60_000,
  rateLimitDelayMillis: 1000,
  trustsUnixSocket: true,
  forbiddenCollections: ["mock.secret"]
}

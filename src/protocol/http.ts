import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { ConfigInvalid } from "./daemon.ts"
import { ConfigNotWritten } from "./dialects.ts"
import { StorageError } from "./storage.ts"
import { Scope, Token, TokenId, TokenName } from "./tokens.ts"

export * from "./tokens.ts"

/** Where hob answers over HTTP. */
export const HttpStatus = Schema.Struct({
  /** `off`: it is not switched on. `refused`: it can't listen, see the reason; it tries again. */
  state: Schema.Literals(["off", "starting", "up", "refused"]),
  /** Of one that is up, such as `http://127.0.0.1:64875`. */
  url: Schema.NullOr(Schema.String),
  reason: Schema.NullOr(Schema.String),
  /** The file with the token that may do everything; whoever can read it is let in. */
  tokenFile: Schema.String,
  /** Clients on WebSockets and streams of events now. */
  webSockets: Schema.Int,
  eventStreams: Schema.Int
})
export type HttpStatus = typeof HttpStatus.Type

/** hob can't answer over HTTP there; the configuration is as it was. */
export class HttpNotListening extends Schema.TaggedError<HttpNotListening>()("HttpNotListening", {
  reason: Schema.String
}) {
  override get message() {
    return `hob can't answer over HTTP. ${this.reason}`
  }
}

/** A setting comes from a flag or a variable, which go before the configuration file. */
export class HttpFixed extends Schema.TaggedError<HttpFixed>()("HttpFixed", {
  key: Schema.String,
  source: Schema.Literals(["flag", "environment"])
}) {
  override get message() {
    return `${this.key} comes from ${this.source === "flag" ? "a flag" : "the environment"} of the daemon, which goes before the configuration file. Start it without.`
  }
}

/** No token has this id or name. */
export class TokenNotFound extends Schema.TaggedError<TokenNotFound>()("TokenNotFound", { token: Schema.String }) {
  override get message() {
    return `There is no token "${this.token}". \`hob token ls\` lists them.`
  }
}

/** Several tokens have this name; an id names one. */
export class TokenAmbiguous extends Schema.TaggedError<TokenAmbiguous>()("TokenAmbiguous", {
  token: Schema.String,
  ids: Schema.Array(TokenId)
}) {
  override get message() {
    return `${this.ids.length} tokens are called "${this.token}": ${this.ids.join(", ")}. Name one by its id.`
  }
}

/** That is what the token in the file `http.token` is called, and no other. */
export class TokenNameReserved extends Schema.TaggedError<TokenNameReserved>()("TokenNameReserved", {
  name: Schema.String
}) {
  override get message() {
    return `"${this.name}" is the token in the file http.token. Choose another name.`
  }
}

/**
 * That a token was revoked could not be written down. Whoever had it was cut off and is let in no more, until the daemon
 * starts anew.
 */
export class TokenNotRevoked extends Schema.TaggedError<TokenNotRevoked>()("TokenNotRevoked", {
  token: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `That "${this.token}" is revoked could not be written down: ${this.reason} Revoke it again, or it is good after the daemon's next start.`
  }
}

/** As many tokens as may be. */
export class TooManyTokens extends Schema.TaggedError<TooManyTokens>()("TooManyTokens", { limit: Schema.Int }) {
  override get message() {
    return `There are ${this.limit} tokens, as many as may be. \`hob token revoke\` removes those that nobody needs.`
  }
}

const NotWritten = Schema.Union([HttpFixed, ConfigInvalid, ConfigNotWritten])

/** Answers over HTTP, from now on and after every restart: written to the configuration file. */
export const EnableHttp = Rpc.make("http.enable", {
  payload: {
    /** Default: what the configuration says. 0: any that is free. */
    port: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65535 })))
  },
  success: HttpStatus,
  error: Schema.Union([HttpNotListening, NotWritten])
})

/** Answers over HTTP no longer. Whoever is connected is cut off. */
export const DisableHttp = Rpc.make("http.disable", { success: HttpStatus, error: NotWritten })

/** Whether and where hob answers over HTTP. */
export const ShowHttp = Rpc.make("http.status", { success: HttpStatus })

/**
 * A code that lets one browser in, once and within a minute: at the address that comes with it, where it is changed for
 * a cookie. Asked for by a token that expires, the cookie expires no later.
 */
export const LoginHttp = Rpc.make("http.login", {
  payload: {
    /** What the browser may do. Default: `admin`. */
    scope: Schema.optionalKey(Scope)
  },
  success: Schema.Struct({ url: Schema.String, expiresInMillis: Schema.Int }),
  error: HttpNotListening
})

/**
 * Makes a token. It is shown this once; what is kept tells only whether it is the same. Asked for by a token that expires,
 * it expires no later.
 */
export const CreateToken = Rpc.make("tokens.create", {
  payload: {
    name: TokenName,
    scope: Scope,
    /** Without it, it is good until it is revoked. */
    expiresInMillis: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 1000, maximum: 10 * 366 * 24 * 3600 * 1000 }))
    )
  },
  success: Schema.Struct({ token: Schema.String, info: Token }),
  error: Schema.Union([TooManyTokens, TokenNameReserved, StorageError])
})

/** The tokens there are, those that have expired too; none of them is shown. */
export const ListTokens = Rpc.make("tokens.list", { success: Schema.Struct({ tokens: Schema.Array(Token) }) })

/**
 * Lets nobody in by a token any more, by its id or, where only one has it, its name. Who was, is cut off, also where it
 * can't be written down.
 */
export const RevokeToken = Rpc.make("tokens.revoke", {
  payload: { token: Schema.Union([TokenId, TokenName]) },
  success: Schema.Struct({ info: Token }),
  error: Schema.Union([TokenNotFound, TokenAmbiguous, TokenNotRevoked])
})

export const HttpRpcs = RpcGroup.make(
  EnableHttp,
  DisableHttp,
  ShowHttp,
  LoginHttp,
  CreateToken,
  ListTokens,
  RevokeToken
)

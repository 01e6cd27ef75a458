import type { HttpStatus, Scope, Token } from "../../protocol/http.ts"
import type { Context } from "../context.ts"
import { call, callAgain } from "../daemon.ts"
import { ExitCode } from "../exit.ts"
import { httpText, tokenTable } from "../render/http.ts"
import { printError, printJson, printLine } from "../stdio.ts"

/** `hob http enable` */
export const httpEnable = async (
  context: Context,
  { json, port }: { readonly port: number | null; readonly json: boolean }
): Promise<number> => {
  const status = await call<HttpStatus>(context, "http.enable", port === null ? {} : { port })
  if (json) printJson(status)
  else printLine(`hob answers at ${status.url}, now and after each start.\nThe token is in ${status.tokenFile}.`)
  return ExitCode.ok
}

/** `hob http disable` */
export const httpDisable = async (context: Context, { json }: { readonly json: boolean }): Promise<number> => {
  const status = await call<HttpStatus>(context, "http.disable", {})
  if (json) printJson(status)
  else printLine("hob does not answer over HTTP any more.")
  return ExitCode.ok
}

/** `hob http status` */
export const httpStatus = async (context: Context, { json }: { readonly json: boolean }): Promise<number> => {
  const status = await callAgain<HttpStatus>(context, "http.status", () => ({}))
  if (json) printJson(status)
  else printLine(httpText(status))
  return ExitCode.ok
}

/** `hob http login` */
export const httpLogin = async (
  context: Context,
  { json, scope }: { readonly scope: Scope | null; readonly json: boolean }
): Promise<number> => {
  const login = await call<{ readonly url: string; readonly expiresInMillis: number }>(
    context,
    "http.login",
    scope === null ? {} : { scope }
  )
  if (json) printJson(login)
  else {
    printLine(login.url)
    printError(`hob: It lets one browser in, once, within ${Math.round(login.expiresInMillis / 1000)} s.`)
  }
  return ExitCode.ok
}

export interface TokenNewOptions {
  readonly name: string
  readonly scope: Scope
  readonly expires: number | null
  readonly json: boolean
}

/** `hob token new` */
export const tokenNew = async (context: Context, options: TokenNewOptions): Promise<number> => {
  const { expires, json, name, scope } = options
  const made = await call<{ readonly token: string; readonly info: Token }>(context, "tokens.create", {
    name,
    scope,
    ...(expires === null ? {} : { expiresInMillis: expires })
  })
  if (json) printJson(made)
  else {
    printLine(made.token)
    printError(`hob: It is not shown again. \`hob token revoke ${made.info.id}\` ends it.`)
  }
  return ExitCode.ok
}

/** `hob token ls` */
export const tokenList = async (context: Context, { json }: { readonly json: boolean }): Promise<number> => {
  const listed = await callAgain<{ readonly tokens: ReadonlyArray<Token> }>(context, "tokens.list", () => ({}))
  if (json) printJson(listed)
  else if (listed.tokens.length > 0) printLine(tokenTable(listed.tokens, Date.now()))
  else printLine("There is no token yet. `hob http enable` makes the first one.")
  return ExitCode.ok
}

/** `hob token revoke` */
export const tokenRevoke = async (
  context: Context,
  { json, token }: { readonly token: string; readonly json: boolean }
): Promise<number> => {
  const revoked = await call<{ readonly info: Token }>(context, "tokens.revoke", { token })
  if (json) printJson(revoked)
  else printLine(`"${revoked.info.name}" lets nobody in any more.`)
  return ExitCode.ok
}

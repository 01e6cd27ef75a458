import { resolve } from "node:path"
import { isatty } from "node:tty"
import type { Credential, CredentialKind, LoginItem, Upstream } from "../../protocol/upstream.ts"
import { CallError } from "../../client/wire/bare.ts"
import type { Context } from "../context.ts"
import { call, callAgain, open } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { upstreamTable, upstreamText } from "../render/upstream.ts"
import { secretText } from "../secretText.ts"
import { printJson, printLine } from "../stdio.ts"
import { answer } from "./call.ts"

export interface CredentialOptions {
  readonly passwordStdin: boolean
  readonly apiKeyStdin: boolean
  readonly tokenStdin: boolean
}

const flags = [
  ["passwordStdin", "--password-stdin", "password"],
  ["apiKeyStdin", "--api-key-stdin", "api-key"],
  ["tokenStdin", "--token-stdin", "token"]
] as const satisfies ReadonlyArray<readonly [keyof CredentialOptions, string, CredentialKind]>

/** The credential that a flag promises, from standard input; where that is a terminal, typed unseen. */
const credentialOf = async (options: CredentialOptions, env: Context["env"]): Promise<Credential | undefined> => {
  const given = flags.filter(([option]) => options[option])
  if (given.length > 1)
    throw new Fault(ExitCode.usage, "Of --password-stdin, --api-key-stdin and --token-stdin only one can be given.")
  if (given[0] === undefined) return undefined
  const [, flag, kind] = given[0]
  if (!isatty(0)) return { kind, secret: await secretText(flag, "-", env) }
  const { ask } = await import("../../client/askPerson.ts")
  const answered = await ask({ type: "text", message: `The ${kind.replace("-", " ")}:`, secret: true })
  if (!("value" in answered) || answered.value === "") throw new Fault(ExitCode.usage, `${flag}: the secret is empty.`)
  return { kind, secret: String(answered.value) }
}

export interface AddOptions extends CredentialOptions {
  readonly name: string
  readonly uri: string | null
  readonly user: string | null
  readonly insecure: boolean
  readonly ca: string | null
  readonly concurrency: number | null
  readonly lifetime: number | null
  readonly json: boolean
}

/** `hob upstream add` */
export const upstreamAdd = async (context: Context, options: AddOptions): Promise<number> => {
  const { ca, concurrency, insecure, lifetime, name, uri, user } = options
  const credential = await credentialOf(options, context.env)
  const added = await call<Upstream>(context, "upstream.add", {
    name,
    ...(uri === null ? {} : { uri }),
    ...(user === null ? {} : { user }),
    ...(credential === undefined ? {} : { credential }),
    ...(insecure ? { insecure } : {}),
    ...(ca === null ? {} : { caFile: resolve(ca) }),
    ...(concurrency === null ? {} : { concurrency }),
    ...(lifetime === null ? {} : { lifetimeMillis: lifetime })
  }).catch(asArguments)
  if (options.json) printJson(added)
  else printLine(`"${added.name}" is ${added.uri}. The first call connects: \`hob upstream ping ${added.name}\`.`)
  return ExitCode.ok
}

/** What is a flag elsewhere is an argument here. */
const asArguments = (error: unknown): never => {
  const [, field, rest] =
    error instanceof CallError ? (/^params\.(name|uri): Expected (.*)$/s.exec(error.message) ?? []) : []
  if (field === undefined) throw error
  throw new Fault(ExitCode.usage, `<${field}>: must be ${rest}`)
}

/** `hob upstream ls` */
export const upstreamList = async (context: Context, { json }: { readonly json: boolean }): Promise<number> => {
  const listed = await callAgain<{ readonly upstreams: ReadonlyArray<Upstream> }>(context, "upstream.list", () => ({}))
  if (json) printJson(listed)
  else printLine(upstreamTable(listed.upstreams, Date.now()))
  return ExitCode.ok
}

interface NamedOptions {
  readonly name: string | null
  readonly json: boolean
}
const named = ({ name }: { readonly name: string | null }) => (name === null ? {} : { name })

/** `hob upstream status`: exit code 1 when it is refused, or waits to be tried again. */
export const upstreamStatus = async (context: Context, options: NamedOptions): Promise<number> => {
  const upstream = await callAgain<Upstream>(context, "upstream.status", () => named(options))
  if (options.json) printJson(upstream)
  else printLine(upstreamText(upstream, Date.now()))
  return upstream.state === "refused" || upstream.state === "waiting" ? ExitCode.failure : ExitCode.ok
}

/** Longer than a connection and all of its login may take. */
const CONNECT_WITHIN_MILLIS = 10 * 60_000

/** `hob upstream reconnect` */
export const upstreamReconnect = async (context: Context, options: NamedOptions): Promise<number> => {
  const upstream = await call<Upstream>(context, "upstream.reconnect", named(options), CONNECT_WITHIN_MILLIS)
  if (options.json) printJson(upstream)
  else printLine(`"${upstream.name}" is ${upstream.state}.`)
  return ExitCode.ok
}

/** `hob upstream rm` */
export const upstreamRemove = async (
  context: Context,
  options: { readonly name: string; readonly json: boolean }
): Promise<number> => {
  const removed = await call<Upstream>(context, "upstream.remove", { name: options.name })
  if (options.json) printJson(removed)
  else printLine(`"${removed.name}" is removed, and its credential with it.`)
  return ExitCode.ok
}

/** `hob upstream ping` */
export const upstreamPing = async (
  context: Context,
  options: NamedOptions & { readonly timeout: number | null }
): Promise<number> => {
  const pong = await call<{ readonly name: string; readonly roundTripMillis: number }>(
    context,
    "upstream.ping",
    { ...named(options), ...(options.timeout === null ? {} : { timeoutMillis: options.timeout }) },
    CONNECT_WITHIN_MILLIS
  )
  if (options.json) printJson(pong)
  else printLine(`"${pong.name}" answers: ${pong.roundTripMillis.toFixed(1)} ms`)
  return ExitCode.ok
}

/** `hob upstream login`: what the server asks for is asked at the terminal. */
export const upstreamLogin = async (
  context: Context,
  options: NamedOptions & CredentialOptions & { readonly user: string | null }
): Promise<number> => {
  const credential = await credentialOf(options, context.env)
  const client = await open(context)
  try {
    const items = client.subscribe("upstream.login", {
      ...named(options),
      ...(options.user === null ? {} : { user: options.user }),
      ...(credential === undefined ? {} : { credential })
    }) as AsyncGenerator<LoginItem>
    for await (const item of items) {
      if (item.type === "prompt") await answer(client, item)
      else if (item.type === "up" && options.json) printJson(item.upstream)
      else if (item.type === "up") printLine(`"${item.upstream.name}" is ${item.upstream.state}.`)
    }
    return ExitCode.ok
  } finally {
    client.close()
  }
}

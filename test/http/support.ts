import { symlinkSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Home, makeHome } from "../support/home.ts"
import { type Answer, raw } from "../webhooks/support.ts"

/** A hob that answers over HTTP on any free port, with a stand-in for Claude Code on its PATH. */
export interface Served {
  readonly home: Home
  readonly url: string
  readonly port: number
  /** The first token. */
  readonly token: string
  readonly directory: string
  /** A request as its bytes; with the first token, unless `token` says otherwise. */
  readonly ask: (asked: Asked) => Promise<Answer>
}

export interface Asked {
  readonly verb?: string
  readonly path: string
  /** Null: none. */
  readonly token?: string | null
  readonly headers?: ReadonlyArray<readonly [name: string, value: string]>
  readonly body?: unknown
  /** Null: none. */
  readonly type?: string | null
  readonly host?: string | null
  readonly version?: string
}

export const bytesOf = (
  { body, headers = [], host, path, type, verb, version = "1.1", token }: Asked & { readonly token: string | null },
  port: number
): Buffer => {
  const content = body === undefined ? undefined : Buffer.from(typeof body === "string" ? body : JSON.stringify(body))
  const lines = [
    `${verb ?? (content === undefined ? "GET" : "POST")} ${path} HTTP/${version}`,
    ...(host === null ? [] : [`Host: ${host ?? `127.0.0.1:${port}`}`]),
    ...(token === null ? [] : [`Authorization: Bearer ${token}`]),
    ...(content === undefined || type === null ? [] : [`Content-Type: ${type ?? "application/json"}`]),
    ...(content === undefined ? [] : [`Content-Length: ${content.length}`]),
    ...headers.map(([name, value]) => `${name}: ${value}`)
  ]
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), content ?? Buffer.alloc(0)])
}

export const serveHome = async (settings: Readonly<Record<string, unknown>> = {}): Promise<Served> => {
  const home = makeHome()
  const root = join(home.paths.home, "..")
  mkdirSync(home.paths.home, { mode: 0o700 })
  const bin = join(root, "bin")
  const directory = join(root, "here")
  mkdirSync(bin)
  mkdirSync(directory)
  symlinkSync(join(import.meta.dirname, "../agents/children/standIn.mjs"), join(bin, "claude"))
  Object.assign(home.env, { PATH: `${bin}:${process.env["PATH"]}` })
  writeFileSync(home.paths.config, JSON.stringify(settings))
  await home.ok(["http", "enable", "--port", "0"])
  const listening = JSON.parse(readFileSync(home.paths.httpState, "utf8")) as { port: number; url: string }
  const served = {
    ...listening,
    home,
    token: readFileSync(home.paths.httpToken, "utf8").trim(),
    directory,
    ask: (asked: Asked) => {
      const token = asked.token === undefined ? served.token : asked.token
      return raw(served.port, bytesOf({ ...asked, token }, served.port))
    }
  }
  return served
}

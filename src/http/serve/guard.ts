/** Who may come in, before anything of a request is done. Pure. */
import { isIP } from "node:net"
import { header } from "../../wire/http/headers.ts"
import {
  doubled,
  type Head,
  isBodyless,
  isJson,
  isLoopbackName,
  noHost,
  notJson,
  reject,
  type Reply,
  singleHeaders,
  unfitBody
} from "../../wire/http/messages.ts"
import type { Route } from "./routes.ts"

export interface GuardOptions {
  readonly hosts: ReadonlyArray<string>
  /** Of other pages that may come, with a token. */
  readonly origins: ReadonlyArray<string>
  /** The address that is listened on: its own name, where other machines reach it. */
  readonly boundTo: string
}

/** A request that may go on: where to, and from which page. */
export interface Admitted {
  readonly path: string
  readonly query: URLSearchParams
  /** It comes from a page of hob's own: a cookie counts. */
  readonly isOwnPage: boolean
  /** The other page it comes from: it is told that it may read the answer. */
  readonly foreignOrigin: string | undefined
}

const once = [...singleHeaders, "authorization", "cookie", "origin", "upgrade", "sec-websocket-key", "last-event-id"]

const authorityOf = (host: string): string => host.toLowerCase()
const nameOf = (host: string): string => host.replace(/:\d+$/, "").toLowerCase()

const isOwnName = (host: string, { boundTo, hosts }: GuardOptions): boolean => {
  if (!/^(?:\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/i.test(host)) return false
  const name = canonical(nameOf(host))
  if (isLoopbackName(host) || hosts.some((each) => canonical(each) === name)) return true
  return isIP(boundTo) !== 0 && canonical(isIP(boundTo) === 6 ? `[${boundTo}]` : boundTo) === name
}

/** An IPv6 address can be written in many ways; other names in one. */
const canonical = (name: string): string =>
  name.startsWith("[") ? (URL.parse(`http://${name}`)?.hostname ?? name) : name

/** The target as a path; an absolute one must name the same host as `Host`. */
const pathOf = (target: string, host: string): { readonly path: string; readonly query: URLSearchParams } | Reply => {
  const absolute = /^https?:\/\/([^/?#]*)/i.exec(target)
  if (absolute !== null && authorityOf(absolute[1]!) !== authorityOf(host)) {
    return reject(421, "The address and the header Host name different hosts.")
  }
  const rest = absolute === null ? target : target.slice(absolute[0].length) || "/"
  if (!rest.startsWith("/") || rest.startsWith("//")) return reject(400, "The target must be a path.")
  const mark = rest.indexOf("?")
  // As it was sent: what a URL makes of dots is another path than the one that a proxy has looked at.
  const path = mark === -1 ? rest : rest.slice(0, mark)
  if (path.includes("\\")) return reject(400, "A path has no backslash: write %5C.")
  return { path, query: new URLSearchParams(mark === -1 ? "" : rest.slice(mark + 1)) }
}

const foreign = reject(
  403,
  "Requests of other web pages are not accepted. http.origins of the configuration can name some."
)

/**
 * What every request must be, whoever sends it: one host that is ours, and from no page but hob's own, or one that the
 * configuration names. Other ports of this machine are other pages.
 */
export const guard = (head: Head, options: GuardOptions): Admitted | Reply => {
  const { headers } = head
  const twice = doubled(headers, once)
  if (twice !== undefined) return twice
  const host = header(headers, "host")
  if (host === undefined) return noHost
  const target = pathOf(head.target, host)
  if ("status" in target) return target
  if (!isOwnName(host, options)) {
    return reject(421, "hob is not reached by this name. http.hosts of the configuration can name others.")
  }
  const origin = header(headers, "origin")
  const site = header(headers, "sec-fetch-site")
  const isAllowed = origin !== undefined && options.origins.some((each) => each.toLowerCase() === origin.toLowerCase())
  // Where a link leads that somebody clicked; it is shown, and does nothing.
  const isVisit = isPage(target.path) && head.method === "GET" && header(headers, "sec-fetch-mode") === "navigate"
  if (origin !== undefined && !isAllowed && !isOwnOrigin(origin, host)) return foreign
  if (site !== undefined && site !== "same-origin" && site !== "none" && !isAllowed && !isVisit) return foreign
  return {
    ...target,
    isOwnPage: !isAllowed && (origin !== undefined || site === "same-origin"),
    foreignOrigin: isAllowed ? origin : undefined
  }
}

const isPage = (path: string): boolean => path === "/" || path === "/login"

const isOwnOrigin = (origin: string, host: string): boolean =>
  origin.toLowerCase() === `http://${authorityOf(host)}` || origin.toLowerCase() === `https://${authorityOf(host)}`

/** What a request's head says of its body: whether it can be what its route takes. */
export const bodyProblem = ({ headers, method }: Head, route: Route, bodyBytes: number): Reply | undefined => {
  if (!route.takesBody) return isBodyless(headers) ? undefined : reject(400, `${method} takes no body.`)
  const type = header(headers, "content-type")
  return unfitBody(headers, bodyBytes) ?? (type === undefined || !isJson(type) ? notJson : undefined)
}

/** The token of a request, and how it came. A token in the address is none: addresses are written into logs. */
export const credentialOf = (
  { headers, method }: Head,
  cookieName: string,
  { foreignOrigin, isOwnPage }: Admitted
): { readonly kind: "bearer" | "cookie"; readonly token: string } | undefined => {
  const authorization = header(headers, "authorization")
  if (authorization !== undefined) {
    const token = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization)?.[1]
    return token === undefined ? undefined : { kind: "bearer", token }
  }
  // A cookie comes by itself: it counts where the browser says that hob's own page asks, or where nothing is changed.
  const isUpgrade = headers.has("upgrade")
  if (foreignOrigin !== undefined || (!isOwnPage && (isUpgrade || method !== "GET"))) return undefined
  for (const part of (header(headers, "cookie") ?? "").split(";")) {
    const at = part.indexOf("=")
    const value = part.slice(at + 1).trim()
    if (part.slice(0, at).trim() === cookieName && /^[\x21-\x7e]{1,512}$/.test(value))
      return { kind: "cookie", token: value }
  }
  return undefined
}

/** What can be said of a request before its body is read. Pure. */
import { header, type Headers } from "../../wire/http/headers.ts"
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
import { parseTarget, type RouteTable, type Target } from "../routing.ts"
import type { WebhookRoute } from "../routes.ts"

export interface Admitted {
  readonly route: WebhookRoute
  readonly target: Target
}

export interface AdmitOptions {
  readonly routes: Pick<RouteTable, "find">
  readonly bodyBytes: number
  /** Names, beside those of this machine, under which a webhook without a secret may be reached. */
  readonly hosts: ReadonlyArray<string>
}

/** Why not, and of which webhook where that is known. */
export interface Refusal {
  readonly reply: Reply
  readonly route?: WebhookRoute
}

const NOT_FOUND = reject(404, "Not found. Use /webhook/{method}")
const ALLOW = { allow: "POST, OPTIONS" }

/**
 * Who may go on. Browsers may not at all: what they send from any page has an `Origin`, and no webhook comes from a
 * page. A webhook without a secret has nothing else that keeps pages away which pretend to be this machine, so it is
 * reached by names of this machine alone, or by those that the configuration has.
 */
export const admit = (head: Head, { bodyBytes, hosts, routes }: AdmitOptions): Admitted | Refusal => {
  const { headers } = head
  const twice = doubled(headers, singleHeaders)
  if (twice !== undefined) return { reply: twice }
  if (!headers.has("host")) return { reply: noHost }
  const target = parseTarget(head.target)
  if (target === undefined) return { reply: NOT_FOUND }
  if (head.method === "OPTIONS") return { reply: { status: 204, headers: ALLOW } }
  const route = routes.find(target)
  if (route === undefined) return { reply: NOT_FOUND }
  if (route === "ambiguous") {
    const error = `Several namespaces have a webhook "${target.method}". Use /webhook/{namespace}/{method}`
    return { reply: reject(409, error) }
  }
  const problem = head.method === "POST" ? problemOf(headers, bodyBytes, route, hosts) : reject(405, "Use POST.", ALLOW)
  return problem === undefined ? { route, target } : { route, reply: problem }
}

const problemOf = (
  headers: Headers,
  bodyBytes: number,
  { scheme }: WebhookRoute,
  hosts: ReadonlyArray<string>
): Reply | undefined => {
  const site = header(headers, "sec-fetch-site")
  if (headers.has("origin") || (site !== undefined && site !== "none")) {
    return reject(403, "Requests of browsers are not accepted.")
  }
  if (scheme === "none" && !isOwnHost(header(headers, "host") ?? "", hosts)) {
    return reject(
      421,
      "This webhook has no secret, and is not reached by this name. Add it to webhooks.hosts, or allow the method with a secret."
    )
  }
  const type = header(headers, "content-type")
  const isOther = type === undefined ? !isBodyless(headers) : !isJson(type)
  return unfitBody(headers, bodyBytes) ?? (isOther ? notJson : undefined)
}

const isOwnHost = (host: string, hosts: ReadonlyArray<string>): boolean =>
  isLoopbackName(host) || hosts.includes(host.replace(/:\d+$/, "").toLowerCase())

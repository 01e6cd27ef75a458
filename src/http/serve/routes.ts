/** Every route, what it needs, and who answers it. A request to anything else is told that there is nothing. */
import type { Scope } from "../../protocol/tokens.ts"

export interface Route {
  readonly method: "GET" | "POST" | "DELETE"
  /** `:name` stands for one segment. */
  readonly path: string
  /** Undefined: open to whoever comes by the right name. */
  readonly scope: Scope | undefined
  readonly takesBody: boolean
  readonly answers:
    | "rest"
    | "rpc"
    | "webSocket"
    | "events"
    | "output"
    | "agentEvents"
    | "metrics"
    | "openapi"
    | "login"
    | "page"
    | "script"
}

const route = (
  method: Route["method"],
  path: string,
  scope: Scope | undefined,
  answers: Route["answers"] = "rest"
): Route => ({ method, path, scope, takesBody: method === "POST", answers })

export const routes: ReadonlyArray<Route> = [
  route("GET", "/health", undefined),
  route("GET", "/status", "read"),
  route("GET", "/sessions", "read"),
  route("POST", "/sessions", "sessions"),
  route("GET", "/sessions/:id", "read"),
  route("DELETE", "/sessions/:id", "sessions"),
  route("GET", "/sessions/:id/output", "read", "output"),
  route("GET", "/sessions/:id/events", "read", "agentEvents"),
  route("POST", "/sessions/:id/input", "sessions"),
  // What each method needs is looked at call by call.
  route("POST", "/rpc", "read", "rpc"),
  route("GET", "/ws", "read", "webSocket"),
  route("GET", "/events", "read", "events"),
  route("GET", "/metrics", "read", "metrics"),
  route("GET", "/openapi.json", "read", "openapi"),
  route("GET", "/login", undefined, "login"),
  // A page without anything in it; what it shows it has to ask for.
  route("GET", "/", undefined, "page"),
  route("GET", "/page.js", undefined, "script")
]

interface Found {
  readonly route: Route
  readonly params: Readonly<Record<string, string>>
}

const compiled = routes.map((route) => ({ route, segments: route.path.split("/") }))

const decoded = (segment: string): string | undefined => {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

const match = (segments: ReadonlyArray<string>, wanted: ReadonlyArray<string>): Record<string, string> | undefined => {
  if (segments.length !== wanted.length) return undefined
  const params: Record<string, string> = {}
  for (const [at, name] of wanted.entries()) {
    const segment = segments[at]!
    if (!name.startsWith(":")) {
      if (segment !== name) return undefined
      continue
    }
    const value = decoded(segment)
    // Dots would make another path of it, for whoever reads it as an address.
    if (value === undefined || ["", ".", ".."].includes(value) || value.includes("/")) return undefined
    params[name.slice(1)] = value
  }
  return params
}

/** What can be asked for its head alone: a whole answer, and nothing happens for it. */
const hasHead: ReadonlySet<Route["answers"]> = new Set(["rest", "metrics", "openapi", "page", "script"])

const takes = (route: Route, method: string): boolean =>
  route.method === method || (method === "HEAD" && route.method === "GET" && hasHead.has(route.answers))

/** The route of a request, that of GET for HEAD; the methods that its path has, if not this one. */
export const findRoute = (method: string, path: string): Found | { readonly allow: ReadonlyArray<string> } => {
  const segments = path.split("/")
  const allow: Array<string> = []
  for (const { route, segments: wanted } of compiled) {
    const params = match(segments, wanted)
    if (params === undefined) continue
    if (takes(route, method)) return { route, params }
    allow.push(route.method, ...(takes(route, "HEAD") ? ["HEAD"] : []))
  }
  return { allow }
}

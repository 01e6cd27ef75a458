import type { WebhookRoute } from "./routes.ts"

/** What a request asks for, by its target. Names are as they stand behind percent-decoding; nothing else was checked. */
export interface Target {
  /** Undefined in the short form. */
  readonly namespace: string | undefined
  readonly method: string
  /** Behind the `?`. */
  readonly query: string
}

const PREFIX = "/webhook/"

/**
 * Reads the target of a request, as it stands in its first line: `/webhook/{method}` or `/webhook/{namespace}/{method}`.
 * By hand: a URL parser makes other paths of `..`, `//` and `\`, and throws at some. Undefined when it is neither.
 */
export const parseTarget = (target: string): Target | undefined => {
  const mark = target.indexOf("?")
  const path = mark === -1 ? target : target.slice(0, mark)
  if (!path.startsWith(PREFIX)) return undefined
  const segments = path.slice(PREFIX.length).split("/")
  if (segments.length > 2) return undefined
  const names: Array<string> = []
  for (const segment of segments) {
    const name = decoded(segment)
    if (name === undefined || name === "") return undefined
    names.push(name)
  }
  const query = mark === -1 ? "" : target.slice(mark + 1)
  return names.length === 1
    ? { namespace: undefined, method: names[0]!, query }
    : { namespace: names[0]!, method: names[1]!, query }
}

const decoded = (segment: string): string | undefined => {
  if (!segment.includes("%")) return segment
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

/** Neither name has a `/`. */
export const routeKey = ({ method, namespace }: { readonly namespace: string; readonly method: string }): string =>
  `${namespace}/${method}`

/** The webhooks there are. Only what is in here can be reached. */
export class RouteTable {
  readonly #routes = new Map<string, WebhookRoute>()
  readonly #byMethod = new Map<string, Set<string>>()

  get size(): number {
    return this.#routes.size
  }

  get(which: { readonly namespace: string; readonly method: string }): WebhookRoute | undefined {
    return this.#routes.get(routeKey(which))
  }

  put(route: WebhookRoute): void {
    const key = routeKey(route)
    this.#routes.set(key, route)
    const keys = this.#byMethod.get(route.method)
    if (keys === undefined) this.#byMethod.set(route.method, new Set([key]))
    else keys.add(key)
  }

  remove(which: { readonly namespace: string; readonly method: string }): void {
    const key = routeKey(which)
    this.#routes.delete(key)
    const keys = this.#byMethod.get(which.method)
    keys?.delete(key)
    if (keys?.size === 0) this.#byMethod.delete(which.method)
  }

  /** The one that is meant; in the short form the only one of this method, whatever its namespace. */
  find({ method, namespace }: Pick<Target, "namespace" | "method">): WebhookRoute | "ambiguous" | undefined {
    if (namespace !== undefined) return this.#routes.get(routeKey({ namespace, method }))
    const keys = this.#byMethod.get(method)
    if (keys === undefined) return undefined
    if (keys.size > 1) return "ambiguous"
    const [key] = keys
    return this.#routes.get(key!)
  }

  *values(): Iterable<WebhookRoute> {
    yield* this.#routes.values()
  }
}

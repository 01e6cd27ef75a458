/** Which upstreams there are, from what the configuration and the store say. Pure. */
import { homedir } from "node:os"
import { isAbsolute, resolve } from "node:path"
import { parseDuration } from "../config/quantities.ts"
import type { Settings } from "../config/settings.ts"
import { LOCAL_UPSTREAM_URI, type Upstream, type UpstreamDeclaration } from "../protocol/upstream.ts"
import type { Added } from "./rows.ts"

export interface Declared {
  readonly declaration: UpstreamDeclaration
  readonly declaredBy: Upstream["declaredBy"]
}

/** This machine's own middleware, where nothing else is declared. */
const LOCAL = "local"

/** By name. Of two of one name that of the configuration is meant. */
export const declarations = (
  { lifetimeMillis, servers }: Settings["upstream"],
  added: Iterable<Added>
): ReadonlyMap<string, Declared> => {
  const found = new Map<string, Declared>()
  for (const row of added) {
    const declaration = { ...row, lifetimeMillis: row.lifetimeMillis ?? lifetimeMillis }
    found.set(row.name, { declaration, declaredBy: "command" })
  }
  for (const [name, server] of Object.entries(servers)) {
    const { caFile, concurrency = 1, insecure = false, lifetime, uri, user = null } = server
    const declaration = {
      name,
      uri,
      user,
      insecure,
      caFile: caFile === undefined ? null : absolute(caFile),
      concurrency,
      lifetimeMillis: (lifetime === undefined ? undefined : parseDuration(lifetime)) ?? lifetimeMillis
    }
    found.set(name, { declaration, declaredBy: "configuration" })
  }
  if (found.size === 0) {
    const local = { name: LOCAL, uri: LOCAL_UPSTREAM_URI, user: null, insecure: false, caFile: null, concurrency: 1 }
    found.set(LOCAL, { declaration: { ...local, lifetimeMillis }, declaredBy: "default" })
  }
  return new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

const absolute = (path: string): string => {
  const expanded = path.replace(/^~(?=\/|$)/, homedir())
  return isAbsolute(expanded) ? expanded : resolve(homedir(), expanded)
}

import type { Lock } from "../../protocol/locks.ts"
import { columns, oneLine } from "./text.ts"

/** What `hob lock ls` prints: one line each, with their namespaces where there are several. */
export const lockTable = (locks: ReadonlyArray<Lock>, namespaces: boolean): string =>
  columns([
    [...(namespaces ? ["NAMESPACE"] : []), "TOKEN", "LEFT", "TTL", "BOUND TO", "WAITING", "HOLDER", "LOCK"],
    ...locks.map((each) => [
      ...(namespaces ? [oneLine(each.namespace)] : []),
      String(each.token),
      seconds(each.expiresInMillis),
      seconds(each.ttlMillis),
      each.bind === "connection" ? "connection" : "-",
      String(each.waiting),
      oneLine(each.holder),
      oneLine(each.name)
    ])
  ])

const seconds = (millis: number): string => `${(Math.max(0, millis) / 1000).toFixed(1)}s`

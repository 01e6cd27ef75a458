/** When a session is ended by its `ttl` or its `idleStop`. Pure: time comes in as a value. */
import type { Entry } from "./entry.ts"

/** Why a session is due to be ended. */
export type LifetimeReason = "ttl" | "idle-stop"

export interface Lifetime {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly reason: LifetimeReason
}

/**
 * When this session is due, as far as is known: there may have been output since the host was asked. Null: never.
 * One that is known to be at work is looked at again after its `idleStop`.
 */
export const lifetimeOf = (entry: Entry, now: number): Lifetime | null => {
  const { file, host } = entry
  if (host === null || host.exit !== null) return null
  const { idleStopMillis, ttlMillis } = file.limits ?? {}
  const dues: Array<Lifetime> = []
  if (ttlMillis !== undefined) dues.push({ at: Date.parse(file.createdAt) + ttlMillis, reason: "ttl" })
  // A host that doesn't say since when it is quiet can't be asked for this.
  if (idleStopMillis !== undefined && host.quietSince !== undefined) {
    const since = entry.activity?.state === "working" ? now : Date.parse(host.quietSince)
    dues.push({ at: since + idleStopMillis, reason: "idle-stop" })
  }
  return dues.reduce<Lifetime | null>((first, due) => (first === null || due.at < first.at ? due : first), null)
}

import { readFileSync } from "node:fs"
import { libc } from "./libc.ts"

/** Numbers of resource limits, the same on x64 and arm64. */
export const Resource = { processes: 6, locks: 10 } as const

/** What a session that is only looked at may fork beyond its limit, and the user's other programs with it, until it is looked at. */
const HEADROOM = 1024n

/** Starts a program that has this soft limit from its birth, and hands it on to all it starts. Where that can't be, it has none. */
export const withSoftLimit = <A>(resource: number, soft: bigint | null, start: () => A): A => {
  const calls = soft === null ? null : libc()
  const before = calls?.softLimit(resource, soft!) ?? null
  if (before === null) return start()
  try {
    return start()
  } finally {
    calls!.softLimit(resource, before)
  }
}

/**
 * The limit that bounds a fork bomb until it is looked at, for a session of at most `processes`. The kernel counts the
 * tasks of a whole user: so it is far beyond what the session may have, and says nothing on how many it has. Null where
 * the system doesn't tell how many tasks there are.
 */
export const bombLimit = (processes: number, path = "/proc/loadavg"): bigint | null => {
  try {
    // Running and all tasks of the machine: `0.20 0.18 0.12 1/523 12345`.
    const all = /\d+\/(\d+)/.exec(readFileSync(path, "latin1"))?.[1]
    return all === undefined ? null : BigInt(all) + BigInt(processes) + HEADROOM
  } catch {
    return null
  }
}

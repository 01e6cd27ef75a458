/**
 * A mark that a session's processes are born with and that they keep whatever they do to their parents, sessions,
 * environments, terminals and descriptors: the soft limit of locks (RLIMIT_LOCKS). The kernel has held nobody to it
 * since Linux 2.4.25, hands it on to every child, and shows it to everybody in `/proc/<pid>/limits`. It takes no cgroup
 * and no privilege.
 */
import { libc } from "./libc.ts"
import { Resource, withSoftLimit } from "./softLimits.ts"

/** Enough of an id's random digits, and less than any number that means "unlimited". */
const DIGITS = 15
const LINE = /^Max file locks\s+(\d+)\s/m

/** The mark of the session with this id, in decimal digits; null for what is no id. */
export const birthmarkOf = (id: string): string | null => {
  const digits = id.replaceAll("-", "").slice(-DIGITS)
  return /^[0-9a-f]{15}$/.test(digits) ? String(BigInt(`0x${digits}`)) : null
}

/** The mark that `/proc/<pid>/limits` tells of, null without one. */
export const parseBirthmark = (limits: string): string | null => LINE.exec(limits)?.[1] ?? null

/** Starts a program of the session `id` so that it and all that comes of it have its mark. Where that can't be, they have none. */
export const withBirthmark = <A>(id: string | undefined, start: () => A): A => {
  const mark = id === undefined ? null : birthmarkOf(id)
  return withSoftLimit(Resource.locks, mark === null ? null : BigInt(mark), start)
}

/** Takes off the mark of a session from inside which this process was started. */
export const shedBirthmark = (): void => void libc()?.softLimit(Resource.locks, null)

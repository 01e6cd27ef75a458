import { closeSync, fstatSync, readdirSync, statSync } from "node:fs"
import type { HeldLock } from "../../config/exclusiveLock.ts"
import { libc } from "../libc.ts"

/**
 * The open file by which this process holds the lock at `path`; null when there is none. POSIX locks belong to the
 * process and are kept when its image is exchanged, as long as none of its descriptors of that file is closed.
 */
export const lockDescriptor = (path: string): number | null => {
  const file = statSync(path, { bigint: true, throwIfNoEntry: false })
  if (file === undefined) return null
  for (const name of readdirSync("/proc/self/fd")) {
    try {
      const found = fstatSync(Number(name), { bigint: true })
      if (found.ino === file.ino && found.dev === file.dev) return Number(name)
    } catch {
      // It was the descriptor of the listing.
    }
  }
  return null
}

/** The lock as inherited from a predecessor of this process; null when somebody else has it. */
export const adoptLock = (path: string, fd: number): HeldLock | null => {
  const own = fstatSync(fd, { bigint: true })
  // Ours already on any Linux since 5.11; older ones let go of it while the image is exchanged.
  if (libc()?.lock(fd) !== true) return null
  return {
    isStillOurs: () => {
      try {
        const found = statSync(path, { bigint: true })
        return found.ino === own.ino && found.dev === own.dev
      } catch {
        return false
      }
    },
    release: () => closeSync(fd)
  }
}

/** How each limit is spelled in the files of a cgroup. */
import { accessSync, constants, existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { KernelLimits } from "./Cgroups.ts"

export type Controller = "memory" | "cpu" | "pids"

export const controllerOf = (limit: keyof KernelLimits): Controller =>
  limit === "memoryBytes" ? "memory" : limit === "cpuPercent" ? "cpu" : "pids"

/** Processor time is given out in slices of so many microseconds. */
const PERIOD_MICROS = 100_000

interface Entry {
  readonly file: string
  readonly value: string
  /** Without it the limit is not what it says. */
  readonly needed: boolean
}

const entries = (version: 1 | 2, limit: keyof KernelLimits, value: number): ReadonlyArray<Entry> => {
  const quota = Math.round((value * PERIOD_MICROS) / 100)
  if (version === 2) {
    switch (limit) {
      case "memoryBytes":
        return [
          { file: "memory.max", value: String(value), needed: true },
          // Otherwise what is beyond is swapped out, and nothing ends.
          { file: "memory.swap.max", value: "0", needed: false },
          // The session ends as a whole, not one process of it.
          { file: "memory.oom.group", value: "1", needed: false }
        ]
      case "cpuPercent":
        return [{ file: "cpu.max", value: `${quota} ${PERIOD_MICROS}`, needed: true }]
      case "processes":
        return [{ file: "pids.max", value: String(value), needed: true }]
    }
  }
  switch (limit) {
    case "memoryBytes":
      return [
        { file: "memory.limit_in_bytes", value: String(value), needed: true },
        // Memory and swap together; not there where the kernel doesn't count swap.
        { file: "memory.memsw.limit_in_bytes", value: String(value), needed: false }
      ]
    case "cpuPercent":
      return [
        { file: "cpu.cfs_period_us", value: String(PERIOD_MICROS), needed: true },
        { file: "cpu.cfs_quota_us", value: String(quota), needed: true }
      ]
    case "processes":
      return [{ file: "pids.max", value: String(value), needed: true }]
  }
}

/** Whether the kernel takes this limit for the cgroup `directory`. */
export const takesLimit = (directory: string, version: 1 | 2, limit: keyof KernelLimits): boolean =>
  entries(version, limit, 1).every(({ file, needed }) => !needed || isWritable(join(directory, file)))

const isWritable = (path: string): boolean => {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** Puts a limit on the cgroup `directory`; throws where the kernel refuses it. */
export const writeLimit = (directory: string, version: 1 | 2, limit: keyof KernelLimits, value: number): void => {
  for (const { file, needed, value: text } of entries(version, limit, value)) {
    const path = join(directory, file)
    try {
      // Anything that isn't there would be a new file where cgroups are played on plain directories.
      if (existsSync(path)) writeFileSync(path, text)
    } catch (error) {
      if (needed) throw error
    }
  }
}

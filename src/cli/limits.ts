import type { SessionLimits } from "../protocol/limits.ts"

/** Limits as flags say them: bytes, percent, milliseconds; null for one that is not given. */
export interface LimitFlags {
  readonly maxMemory: number | null
  readonly maxCpu: number | null
  readonly maxProcesses: number | null
  readonly ttl: number | null
  readonly idleStop: number | null
}

/** The same as the protocol says them. */
export const limitsOf = ({ idleStop, maxCpu, maxMemory, maxProcesses, ttl }: LimitFlags): SessionLimits => ({
  ...(maxMemory === null ? {} : { memoryBytes: maxMemory }),
  ...(maxCpu === null ? {} : { cpuPercent: maxCpu }),
  ...(maxProcesses === null ? {} : { processes: maxProcesses }),
  ...(ttl === null ? {} : { ttlMillis: ttl }),
  ...(idleStop === null ? {} : { idleStopMillis: idleStop })
})

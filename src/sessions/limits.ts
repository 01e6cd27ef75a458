import type { LimitsInForce } from "../protocol/index.ts"
import type { SessionFile } from "../protocol/sessionHost.ts"

/** The limits of a session with what holds each. A host that did not say what holds one has not heard of it. */
export const limitsInForce = ({ createdAt, limitedBy, limits = {} }: SessionFile): LimitsInForce => {
  const { cpuPercent, idleStopMillis, memoryBytes, processes, ttlMillis } = limits
  return {
    ...(memoryBytes === undefined ? {} : { memory: { bytes: memoryBytes, by: limitedBy?.memory ?? NOBODY } }),
    ...(cpuPercent === undefined ? {} : { cpu: { percent: cpuPercent, by: limitedBy?.cpu ?? NOBODY } }),
    ...(processes === undefined ? {} : { processes: { count: processes, by: limitedBy?.processes ?? NOBODY } }),
    ...(ttlMillis === undefined ? {} : { ttl: { millis: ttlMillis, endsAt: later(createdAt, ttlMillis) } }),
    ...(idleStopMillis === undefined ? {} : { idleStop: { millis: idleStopMillis } })
  }
}

const NOBODY = "nobody"

const later = (timestamp: string, millis: number): string => new Date(Date.parse(timestamp) + millis).toISOString()

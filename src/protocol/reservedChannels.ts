/** Which channels are hob's own. Without effect: the command line knows them too. */

/** Channels beginning so are published to by hob alone. */
export const reservedPrefixes = [
  "sessions",
  "agents",
  "locks",
  "jobs",
  "webhooks",
  "capture",
  "upstream",
  "machine"
] as const
const reserved: ReadonlySet<string> = new Set(reservedPrefixes)

/** Whether hob alone publishes there. */
export const isReserved = (channel: string): boolean => {
  const end = channel.indexOf(":")
  return reserved.has(end === -1 ? channel : channel.slice(0, end))
}

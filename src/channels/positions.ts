/**
 * Event ids as one number: an epoch, which grows with each start of the daemon, and a sequence within it. Whole numbers
 * up to 2^53 have room for 262,144 epochs of 34 thousand million events.
 */
import { EventId } from "../protocol/channels.ts"

const SEQUENCE = 2 ** 35
export const MAX_EPOCH = Number.MAX_SAFE_INTEGER / SEQUENCE - 1

/** Where the epoch begins: no event has this position, all of its events have greater ones. */
export const startOf = (epoch: number): number => epoch * SEQUENCE

export const epochOf = (position: number): number => Math.floor(position / SEQUENCE)

/** How many events the epoch still has numbers for. */
export const leftIn = (position: number): number => SEQUENCE - 1 - (position % SEQUENCE)

/** The id as it is on the wire. */
export const idText = (position: number): string => `${epochOf(position)}-${position % SEQUENCE}`

export const toId = (position: number): EventId => idText(position) as EventId

/** An id from outside: greater than any position where its epoch is greater than there can be. */
export const fromId = (id: EventId): number => {
  const [epoch, sequence] = id.split("-").map(Number)
  return epoch! * SEQUENCE + sequence!
}

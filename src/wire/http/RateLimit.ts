import { isIPv6 } from "node:net"

/** Senders that are remembered; beyond it those that have been quiet longest are forgotten, and begin anew. */
const SENDERS = 10_000
const MINUTE = 60_000

interface Bucket {
  tokens: number
  at: number
}

/**
 * So many requests a minute from each sender: as many at once, and then one whenever its share of the minute has passed.
 * Time comes in as milliseconds of any clock that only goes forward.
 */
export class RateLimit {
  readonly #buckets = new Map<string, Bucket>()

  get size(): number {
    return this.#buckets.size
  }

  /** Undefined: it may. Otherwise in how many seconds it may. */
  take(address: string, perMinute: number, now: number): number | undefined {
    const sender = senderOf(address)
    const known = this.#buckets.get(sender)
    const bucket = known ?? { tokens: perMinute, at: now }
    bucket.tokens = Math.min(perMinute, bucket.tokens + ((now - bucket.at) * perMinute) / MINUTE)
    bucket.at = now
    // Last among the remembered.
    if (known !== undefined) this.#buckets.delete(sender)
    this.#buckets.set(sender, bucket)
    if (this.#buckets.size > SENDERS) this.#forget()
    if (bucket.tokens >= 1) {
      bucket.tokens--
      return undefined
    }
    return Math.max(1, Math.ceil(((1 - bucket.tokens) * MINUTE) / perMinute / 1000))
  }

  /** A tenth of them at once: the first of a map that has lost its first ones is slow to find. */
  #forget(): void {
    let left = SENDERS / 10
    for (const sender of this.#buckets.keys()) {
      if (left-- === 0) return
      this.#buckets.delete(sender)
    }
  }
}

/** Whoever has one address of IPv6 has 2^64 of them. */
export const senderOf = (address: string): string => {
  if (!isIPv6(address)) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped !== null) return mapped[1]!
  const [head = "", tail] = address.split("%", 1)[0]!.split("::")
  const groups = head.split(":").filter((group) => group !== "")
  if (tail !== undefined) {
    const rest = tail.split(":").filter((group) => group !== "")
    while (groups.length + rest.length < 8) groups.push("0")
    groups.push(...rest)
  }
  return `${groups.slice(0, 4).join(":")}::/64`
}

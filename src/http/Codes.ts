import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import type { Scope } from "../protocol/tokens.ts"

/** Codes that wait for their browser; beyond it the oldest is forgotten. */
const MAX_CODES = 16
/** How long a code is good. */
export const CODE_MILLIS = 60_000

/** A code that was handed in. */
export interface Code {
  readonly hash: Buffer
  readonly scope: Scope
  /** When its browser's token has to end, in milliseconds since 1970; Infinity: when it likes. */
  readonly notAfterMillis: number
  readonly until: number
}

const hashOf = (code: string): Buffer => createHash("sha256").update(code).digest()

/** One-time codes: each lets one browser in, within a minute. Time comes in as milliseconds that only go forward. */
export class Codes {
  #codes: Array<Code> = []

  make(scope: Scope, now: number, notAfterMillis = Infinity): string {
    const code = randomBytes(24).toString("base64url")
    this.#codes = [
      ...this.#codes.filter(({ until }) => until > now),
      { hash: hashOf(code), scope, notAfterMillis, until: now + CODE_MILLIS }
    ]
    if (this.#codes.length > MAX_CODES) this.#codes.shift()
    return code
  }

  /** What it allows, once; unless it is given back. */
  take(code: string, now: number): Code | undefined {
    const hash = hashOf(code)
    let found: Code | undefined
    for (const each of this.#codes) if (timingSafeEqual(each.hash, hash)) found = each
    if (found === undefined) return undefined
    this.#codes = this.#codes.filter((each) => each !== found)
    return found.until > now ? found : undefined
  }

  /** For a code that could not be made use of: its browser may come again. */
  giveBack(code: Code): void {
    this.#codes = [code, ...this.#codes].slice(-MAX_CODES)
  }
}

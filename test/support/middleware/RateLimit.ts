/** So many calls within a time, for each key; what is over is refused. */
export class RateLimit {
  readonly #calls: number
  readonly #windowMillis: number
  readonly #taken = new Map<string, Array<number>>()

  constructor(calls: number, windowMillis: number) {
    this.#calls = calls
    this.#windowMillis = windowMillis
  }

  take(key: string): boolean {
    const now = Date.now()
    const recent = (this.#taken.get(key) ?? []).filter((at) => at > now - this.#windowMillis)
    const isAllowed = recent.length < this.#calls
    if (isAllowed) recent.push(now)
    this.#taken.set(key, recent)
    return isAllowed
  }
}

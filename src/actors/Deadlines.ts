/**
 * Instants at which something has to be looked at, earliest first: a binary heap. What is to be looked at earlier already
 * is not added again: whoever takes a key adds its next instant, if there still is one.
 */
export class Deadlines {
  #at: Array<number> = []
  #keys: Array<string> = []
  /** The earliest instant of each key. */
  readonly #earliest = new Map<string, number>()

  get size(): number {
    return this.#at.length
  }

  /** The earliest instant. */
  get next(): number | undefined {
    return this.#at[0]
  }

  add(at: number, key: string): void {
    const earliest = this.#earliest.get(key)
    if (earliest !== undefined && earliest <= at) return
    this.#earliest.set(key, at)
    let index = this.#at.length
    this.#at.push(at)
    this.#keys.push(key)
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (this.#at[parent]! <= at) break
      this.#swap(index, parent)
      index = parent
    }
  }

  /** Takes the key of the earliest instant if that has come. */
  take(now: number): string | undefined {
    if (this.#at.length === 0 || this.#at[0]! > now) return undefined
    this.#swap(0, this.#at.length - 1)
    this.#at.pop()
    const key = this.#keys.pop()!
    this.#earliest.delete(key)
    this.#sink()
    return key
  }

  clear(): void {
    this.#at = []
    this.#keys = []
    this.#earliest.clear()
  }

  #sink(): void {
    const size = this.#at.length
    let index = 0
    for (;;) {
      let least = index
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < size && this.#at[child]! < this.#at[least]!) least = child
      }
      if (least === index) return
      this.#swap(index, least)
      index = least
    }
  }

  #swap(a: number, b: number): void {
    const at = this.#at[a]!
    const key = this.#keys[a]!
    this.#at[a] = this.#at[b]!
    this.#keys[a] = this.#keys[b]!
    this.#at[b] = at
    this.#keys[b] = key
  }
}

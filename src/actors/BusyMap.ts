/** Entries that come before the table is made anew; as many again as there are, where that is more. */
const LEAST_ENTRIES = 256

/**
 * A map whose entries come and go by the thousand, such as requests in flight. V8 replaces a `Map`'s table whenever it is
 * used up, and an abandoned table names its successor. Once one of them counts as old it keeps alive all that follow,
 * with what was in them: everything that ever went through the map, until the whole heap is marked. Beginning a new map
 * now and then cuts that chain.
 */
export class BusyMap<K, V> {
  #map = new Map<K, V>()
  #left = LEAST_ENTRIES

  get size(): number {
    return this.#map.size
  }

  has(key: K): boolean {
    return this.#map.has(key)
  }

  get(key: K): V | undefined {
    return this.#map.get(key)
  }

  set(key: K, value: V): void {
    if (--this.#left < 0) {
      this.#map = new Map(this.#map)
      this.#left = Math.max(LEAST_ENTRIES, 2 * this.#map.size)
    }
    this.#map.set(key, value)
  }

  delete(key: K): boolean {
    return this.#map.delete(key)
  }

  /** Those that are there now: what comes or goes meanwhile may be seen or not. */
  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.#map.entries()
  }
}

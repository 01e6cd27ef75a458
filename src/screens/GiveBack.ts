import { mallocTrim } from "./mallocTrim.ts"

/** After a session was put to sleep: others that were quiet with it follow. */
const SOON_MILLIS = 5_000
/** Collecting everything takes some of what sessions that go on need. */
const APART_MILLIS = 30_000

/**
 * Gives memory back to the system when sessions have been put to sleep. What their emulators took is garbage then, but
 * V8 looks for that only when something new needs a place, and in a quiet house nothing does.
 */
export class GiveBack {
  readonly #giveBack: () => void
  readonly #soonMillis: number
  #timer: NodeJS.Timeout | null = null
  #last = -Infinity
  #closed = false

  constructor(giveBack: () => void = giveBackMemory, soonMillis = SOON_MILLIS) {
    this.#giveBack = giveBack
    this.#soonMillis = soonMillis
  }

  /** There is something to be given back. */
  later(): void {
    if (this.#closed) return
    const millis = Math.max(this.#soonMillis, this.#last + APART_MILLIS - performance.now())
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      this.#last = performance.now()
      this.#giveBack()
    }, millis)
  }

  close(): void {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }
}

/** V8's own word for collecting is there because this process is started with `--expose-gc`. */
const giveBackMemory = (): void => {
  const { gc } = globalThis as { readonly gc?: (options: Record<string, string>) => void }
  gc?.({ type: "major", execution: "sync", flavor: "last-resort" })
  mallocTrim()
}

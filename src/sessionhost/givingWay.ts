/**
 * A program that prints without end keeps a processor busy, this process another one, and the screens process what is
 * left; then a key of another session waits for a processor four times on its way to the echo. So while somebody types
 * elsewhere a session that floods is read with pauses: its program waits in the kernel.
 */

/** Somebody types as long as the last key is not longer ago. */
const TYPING_MILLIS = 500
/** Who has brought so much within `pauseMillis` pauses as long: at most 4 MB a second, which is a thousand screens. */
export const GIVING_WAY = { burstBytes: 32 * 1024, pauseMillis: 8 } as const

interface Typed {
  readonly into: object
  readonly at: number
}

/** Who was typed into last. */
export class Typing {
  #last: Typed | null = null
  /** The last one that is not that one. */
  #before: Typed | null = null
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  typed(into: object): void {
    if (this.#last !== null && this.#last.into !== into) this.#before = this.#last
    this.#last = { into, at: this.#now() }
  }

  /** Whether somebody types into another one than this. */
  elsewhere(than: object): boolean {
    const other = this.#last?.into === than ? this.#before : this.#last
    return other !== null && this.#now() - other.at < TYPING_MILLIS
  }

  /** Holds on to nobody who is gone. */
  forget(gone: object): void {
    if (this.#last?.into === gone) {
      this.#last = this.#before
      this.#before = null
    } else if (this.#before?.into === gone) this.#before = null
  }
}

/** What one session has brought lately, and whether it gives way. */
export class Burst {
  readonly #mayGo: () => boolean
  readonly #now: () => number
  #bytes = 0
  #from = -Infinity
  #gaveWay = false

  /** `mayGo` is asked when a lot has come in a short time. */
  constructor(mayGo: () => boolean, now: () => number = () => performance.now()) {
    this.#mayGo = mayGo
    this.#now = now
  }

  /** It gave way the last time it could. */
  get gaveWay(): boolean {
    return this.#gaveWay
  }

  /** Counts what a turn has read; true when there is to be a pause now. */
  read(bytes: number): boolean {
    const now = this.#now()
    if (now - this.#from > GIVING_WAY.pauseMillis) {
      this.#from = now
      this.#bytes = 0
    }
    this.#bytes += bytes
    if (this.#bytes < GIVING_WAY.burstBytes) return false
    this.#gaveWay = !this.#mayGo()
    return this.#gaveWay
  }
}

/** That of this process. */
export const typing = new Typing()

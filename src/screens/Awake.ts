/** Emulators at once, whatever the number of sessions: each takes a megabyte or a few. */
const MOST_AWAKE = 32
/** Who has just been of use will be again: waking costs more than most of what is waited for. */
const REST_MILLIS = 250
/** Those who wait for a place look again so often. */
const AGAIN_MILLIS = 50

/** Something that can be awake. */
export interface Sleeper {
  readonly awake: boolean
  /** When it was last of use, by `performance.now()`. */
  readonly usedAt: number
  /** `spent`: it has had so much, or so long, that it is another's turn; else `working` with something to take, or `idle`. */
  readonly standing: "idle" | "spent" | "working"
  /** False when it can't be put to sleep as it is now. */
  readonly putToSleep: () => boolean
}

export interface AwakeOptions {
  /** How many, unless they can't be put to sleep. */
  readonly most?: number
  readonly restMillis?: number
}

/**
 * Who is awake, and who goes to sleep for whom. What has output to take waits for a place while all who are awake are
 * in use, until one of them has had its share; who is asked for something wakes at once.
 */
export class Awake {
  readonly #most: number
  readonly #restMillis: number
  readonly #awake = new Set<Sleeper>()
  readonly #waiting = new Set<() => void>()
  #timer: NodeJS.Timeout | null = null

  constructor({ most = MOST_AWAKE, restMillis = REST_MILLIS }: AwakeOptions = {}) {
    this.#most = most
    this.#restMillis = restMillis
  }

  get count(): number {
    return this.#present().length
  }

  /**
   * Whether one who has output to take may wake now; whoever is longest without use sleeps instead. If not, `again` is
   * called when it is worth another try.
   */
  hasRoom(again: () => void): boolean {
    const present = this.#present()
    if (present.length < this.#most) return true
    const rested = performance.now() - this.#restMillis
    const mayGo = (sleeper: Sleeper) =>
      sleeper.standing === "spent" || (sleeper.standing === "idle" && sleeper.usedAt <= rested)
    if (present.some((sleeper) => mayGo(sleeper) && sleeper.putToSleep())) return true
    // Whoever can't sleep must not keep the others waiting for ever.
    if (present.every(mayGo)) return true
    this.#waiting.add(again)
    this.#timer ??= setTimeout(() => this.#again(), AGAIN_MILLIS)
    return false
  }

  /** `sleeper` wakes, and somebody else goes to sleep if there are too many. */
  wakes(sleeper: Sleeper): void {
    const present = this.#present()
    if (present.length >= this.#most) {
      const others = [...present.filter(isWorking(false)), ...present.filter(isWorking(true))]
      others.some((other) => other.putToSleep())
    }
    this.#awake.add(sleeper)
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#waiting.clear()
  }

  #again(): void {
    this.#timer = null
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const again of waiting) again()
  }

  /** Longest without use first. */
  #present(): ReadonlyArray<Sleeper> {
    for (const sleeper of this.#awake) if (!sleeper.awake) this.#awake.delete(sleeper)
    return [...this.#awake].sort((a, b) => a.usedAt - b.usedAt)
  }
}

const isWorking =
  (working: boolean) =>
  ({ standing }: Sleeper): boolean =>
    (standing === "working") === working

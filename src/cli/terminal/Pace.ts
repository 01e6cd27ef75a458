/** Frames are at least this far apart. */
const FRAME_MILLIS = 16

/** Draws when there is something to draw, as often as a terminal takes it and an eye sees it. */
export class Pace {
  /** False when the terminal takes no more for now. */
  readonly #draw: () => boolean
  #timer: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined
  #isWaiting = false
  #isBlocked = false
  #last = -FRAME_MILLIS

  constructor(draw: () => boolean) {
    this.#draw = draw
  }

  /** There is something to draw. The first time in a while it is drawn once everything that came with it is there. */
  ask(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    this.#plan()
  }

  /** The terminal takes more. */
  free(): void {
    if (!this.#isBlocked) return
    this.#isBlocked = false
    if (this.#isWaiting) this.#plan()
  }

  /** What was to be drawn is not any more. */
  stop(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#immediate)
    this.#isWaiting = false
  }

  close(): void {
    this.stop()
    this.#isWaiting = true
    this.#isBlocked = true
  }

  #plan(): void {
    if (this.#isBlocked) return
    const wait = this.#last + FRAME_MILLIS - performance.now()
    if (wait > 0) this.#timer = setTimeout(this.#now, wait)
    else this.#immediate = setImmediate(this.#now)
  }

  readonly #now = (): void => {
    this.#isWaiting = false
    this.#last = performance.now()
    this.#isBlocked = !this.#draw()
  }
}

/** What turns a fresh terminal of this size into a session's screen, as it is after all output before `offset`. */
export interface Snapshot {
  readonly offset: number
  readonly cols: number
  readonly rows: number
  readonly bytes: Buffer
}

/** Asks for a session's screen with so many lines of history above it; null when there is none to be had. */
export type AskScreen = (historyLines: number) => Promise<Snapshot | null>

/** The first screen of a client. */
export interface FirstScreen {
  readonly historyLines: number
  readonly deadlineMillis: number
  /** Whether all output so far will do as well. */
  readonly isReplayExact: boolean
}

/** How long an attaching client waits for the exact screen before it gets recent output. */
export const FIRST_SCREEN_MILLIS = 1000
/** Screens of one client are at least this far apart. */
const APART_MILLIS = 250
/** After an answer that was of no use: doubled each time. */
const FIRST_RETRY_MILLIS = 500
const LAST_RETRY_MILLIS = 10_000

/**
 * The exact screens of one attached client: the first one, and a fresh one whenever it may have lost track. Never more
 * than one question at a time, and not more often than a person can look.
 */
export class ExactScreens {
  readonly #ask: AskScreen
  readonly #show: (snapshot: Snapshot) => boolean
  #wanted = false
  /** With so many lines of history. */
  #historyLines = 0
  #asking = false
  #over = false
  #timer: NodeJS.Timeout | undefined
  #notBefore = 0
  #retry = FIRST_RETRY_MILLIS

  /** `show` says whether it could use the screen; otherwise it is asked for another one. */
  constructor(ask: AskScreen, show: (snapshot: Snapshot) => boolean) {
    this.#ask = ask
    this.#show = show
  }

  /** Whether a fresh one was asked for and has not been shown. */
  get isWanted(): boolean {
    return this.#wanted
  }

  /** Calls `begin` once: with the screen, or with null when there is none in time. */
  async first(
    { deadlineMillis, historyLines }: FirstScreen,
    begin: (snapshot: Snapshot | null) => void
  ): Promise<void> {
    let settled = false
    const settle = (snapshot: Snapshot | null) => {
      if (settled || this.#over) return
      settled = true
      clearTimeout(timer)
      begin(snapshot)
    }
    const timer = (this.#timer = setTimeout(() => settle(null), deadlineMillis))
    this.#asking = true
    const snapshot = await this.#answer(historyLines)
    this.#asking = false
    settle(snapshot)
    // One that comes too late has history with it, and recent output was shown meanwhile.
    this.#next()
  }

  /** A fresh screen, with so many lines of history above it. */
  want(historyLines = 0): void {
    this.#historyLines = Math.max(this.#historyLines, historyLines)
    if (this.#over || this.#wanted) return
    this.#wanted = true
    this.#next()
  }

  close(): void {
    this.#over = true
    clearTimeout(this.#timer)
  }

  #next(): void {
    if (this.#over || !this.#wanted || this.#asking) return
    clearTimeout(this.#timer)
    const wait = this.#notBefore - performance.now()
    if (wait > 0) this.#timer = setTimeout(() => void this.#again(), wait)
    else void this.#again()
  }

  async #again(): Promise<void> {
    this.#asking = true
    const snapshot = await this.#answer(this.#historyLines)
    this.#asking = false
    if (this.#over) return
    const shown = snapshot !== null && this.#show(snapshot)
    this.#wanted = !shown
    if (shown) this.#historyLines = 0
    this.#notBefore = performance.now() + (shown ? APART_MILLIS : this.#retry)
    this.#retry = shown ? FIRST_RETRY_MILLIS : Math.min(this.#retry * 2, LAST_RETRY_MILLIS)
    this.#next()
  }

  async #answer(historyLines: number): Promise<Snapshot | null> {
    try {
      return await this.#ask(historyLines)
    } catch {
      return null
    }
  }
}

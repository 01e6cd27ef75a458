import type { LeaseFrame } from "../../protocol/sessionHost.ts"
import { AnswerFilter, keysIn } from "./answers.ts"
import { DetachSifter } from "./detach.ts"

/** An Escape that nothing follows in this time was the Escape key. */
const ESCAPE_MILLIS = 50
/** How long it is said who has the keyboard. */
const NOTICE_MILLIS = 5000
/** How long it is said that somebody has taken the keyboard; whoever types then is told again. */
const TAKEN_MILLIS = 10_000
/** What takes the keyboard over: in nobody's ordinary typing. */
export const TAKE_KEY = "C-t"

export interface KeyboardOptions {
  readonly detachKey: string
  readonly readOnly: boolean
  /** Types into the session; false when it was dropped because the program does not read. */
  readonly send: (data: Buffer) => boolean
  readonly take: () => void
  readonly detach: () => void
  readonly ring: () => void
  /** How wide a line can be. */
  readonly columns: () => number
  /** Shows a line to the reader; null takes it away. */
  readonly notice: (text: string | null) => void
}

/**
 * What is typed in the reader's terminal: it goes to the session while this client has the input lease. The detach key
 * always works, and who only watches is told who has the keyboard, and how to take it.
 */
export class Keyboard {
  readonly #options: KeyboardOptions
  readonly #answers = new AnswerFilter()
  readonly #detach: DetachSifter
  #take = new DetachSifter(TAKE_KEY)
  /** Null when the host knows nothing of leases: everybody types. */
  #lease: LeaseFrame | null = null
  #escapeTimer: NodeJS.Timeout | undefined
  #noticeTimer: NodeJS.Timeout | undefined
  #noticed = false

  constructor(options: KeyboardOptions) {
    this.#options = options
    this.#detach = new DetachSifter(options.detachKey)
  }

  /** Whether this client has the lease. */
  get held(): boolean {
    return this.#lease?.held === true
  }

  typed(data: Buffer): void {
    clearTimeout(this.#escapeTimer)
    this.#sift(this.#answers.push(data))
    if (this.#detach.waiting || this.#answers.waiting) {
      this.#escapeTimer = setTimeout(() => {
        this.#sift(this.#answers.flush())
        this.#forward(this.#detach.flush())
      }, ESCAPE_MILLIS)
    }
  }

  /** Who may type has changed. */
  lease(lease: LeaseFrame): void {
    const before = this.#lease
    this.#lease = lease
    if (this.#options.readOnly) return
    if (lease.held || lease.holder === null) return this.#hide()
    if (before?.held !== true) return this.#tellHolder()
    const { client } = lease.holder
    const long = `${client} has taken the keyboard. ${TAKE_KEY} takes it back.`
    this.#show(long, `${TAKE_KEY} takes the keyboard back: ${client}`, TAKEN_MILLIS)
  }

  close(): void {
    clearTimeout(this.#escapeTimer)
    clearTimeout(this.#noticeTimer)
  }

  #sift(data: Buffer): void {
    if (data.length === 0) return
    const { detached, forward } = this.#detach.push(data)
    this.#forward(forward)
    if (detached) this.#options.detach()
  }

  #forward(data: Buffer): void {
    if (data.length === 0) return
    const { detach, readOnly, ring, send } = this.#options
    if (readOnly) return data.includes(0x03) ? detach() : undefined
    if (this.#lease?.held === false) return this.#watching(data)
    // The keyboard is read on, or the detach key would go unheard. A terminal rings, too, when its input is full.
    if (!send(Buffer.from(data))) ring()
  }

  /** Somebody else types, or nobody: then who types a key has the lease with it. */
  #watching(data: Buffer): void {
    const keys = keysIn(data)
    if (keys.length === 0) return
    if (this.#lease?.holder === null) return void this.#options.send(Buffer.from(keys))
    const { detached: taken, forward } = this.#take.push(keys)
    if (!taken) return forward.length > 0 ? this.#tellHolder() : undefined
    this.#take = new DetachSifter(TAKE_KEY)
    this.#options.take()
  }

  #tellHolder(): void {
    const holder = this.#lease?.holder
    if (holder == null) return
    const since = new Date(holder.since).toTimeString().slice(0, 5)
    const { detachKey } = this.#options
    const leave = detachKey === "" ? "" : `, ${detachKey} detaches`
    const long = `${holder.client} has had the keyboard since ${since}. ${TAKE_KEY} takes it over${leave}.`
    this.#show(long, `${TAKE_KEY} takes the keyboard: ${holder.client}`, NOTICE_MILLIS)
  }

  /** What to do is what a narrow terminal has room for. */
  #show(text: string, short: string, millis: number): void {
    clearTimeout(this.#noticeTimer)
    this.#noticed = true
    this.#options.notice(text.length > this.#options.columns() ? short : text)
    this.#noticeTimer = setTimeout(() => this.#hide(), millis)
  }

  #hide(): void {
    clearTimeout(this.#noticeTimer)
    if (!this.#noticed) return
    this.#noticed = false
    this.#options.notice(null)
  }
}

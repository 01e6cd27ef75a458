import { constants } from "node:os"
import type { GapFrame, OpenedFrame } from "../../protocol/sessionHost.ts"
import type { Session, SessionExit } from "../../protocol/sessions.ts"
import { label } from "../render/session.ts"
import { DetachSifter } from "./detach.ts"
import { QueryFilter } from "./queries.ts"
import { SessionStream, type IsPassing, type RequestTicket } from "./stream.ts"
import type { Terminal } from "./terminal.ts"
import { gapText } from "./ticket.ts"

export interface AttachmentOptions {
  readonly session: Session
  readonly detachKey: string
  readonly readOnly: boolean
}

export type AttachmentOutcome =
  | { readonly type: "detached" }
  /** All of the output has been shown. `exit` is null when nobody told how it ended. */
  | { readonly type: "ended"; readonly exit: SessionExit | null }
  | { readonly type: "signal"; readonly exitCode: number }
  | { readonly type: "failed"; readonly error: unknown }

/** An Escape that nothing follows in this time was the Escape key. */
const ESCAPE_MILLIS = 50
/** A break shorter than this is not worth a word. */
const NOTICE_MILLIS = 500
const REDRAW_MILLIS = 60

/** A session and a terminal, connected until one of them ends, the detach key is typed, or we are told to go. */
export class Attachment {
  readonly #terminal: Terminal
  readonly #options: AttachmentOptions
  readonly #sifter: DetachSifter
  readonly #queries = new QueryFilter()
  #stream: SessionStream | undefined
  /** Output before this offset was printed before we came. */
  #liveFrom = 0
  #exit: SessionExit | null
  #isContinuing = false
  #escapeTimer: NodeJS.Timeout | undefined
  #noticeTimer: NodeJS.Timeout | undefined
  #redrawTimer: NodeJS.Timeout | undefined
  #settle: (outcome: AttachmentOutcome) => void = () => {}

  constructor(terminal: Terminal, options: AttachmentOptions) {
    this.#terminal = terminal
    this.#options = options
    this.#exit = options.session.exit
    this.#sifter = new DetachSifter(options.detachKey)
  }

  /** Resolves once it is over. The terminal is still ours then: its `leave` comes next. */
  run(requestTicket: RequestTicket, isPassing: IsPassing): Promise<AttachmentOutcome> {
    return new Promise((resolve) => {
      const stream = new SessionStream(requestTicket, isPassing, {
        opened: (frame, again) => this.#opened(frame, again),
        output: (data, offset) => this.#output(data, offset),
        gap: (gap) => this.#gap(gap),
        exited: (exit) => {
          this.#exit = exit
        },
        interrupted: () => this.#interrupted()
      })
      this.#stream = stream
      const signals = this.#onSignals()
      this.#settle = (outcome) => {
        this.#settle = () => {}
        clearTimeout(this.#escapeTimer)
        clearTimeout(this.#noticeTimer)
        clearTimeout(this.#redrawTimer)
        for (const [signal, listener] of signals) process.off(signal, listener)
        stream.close()
        resolve(outcome)
      }
      this.#terminal.onInput((data) => this.#typed(data))
      this.#terminal.onGone(() => this.#settle({ type: "signal", exitCode: 128 + constants.signals.SIGHUP }))
      this.#terminal.onDrain(() => this.#isContinuing || stream.resume())
      this.#terminal.onResize(() => this.#resize())
      this.#greet()
      stream.run().then(
        (how) => how === "ended" && this.#settle({ type: "ended", exit: this.#exit }),
        (error: unknown) => this.#settle({ type: "failed", error })
      )
    })
  }

  #greet(): void {
    const { detachKey, readOnly, session } = this.#options
    const how = [
      ...(readOnly ? ["read-only"] : []),
      detachKey === "" ? "no detach key is set" : `${detachKey} detaches`,
      ...(readOnly ? ["Ctrl-C too"] : [])
    ]
    this.#terminal.say(`[session ${label(session)}: ${how.join(", ")}]\r\n`)
  }

  #onSignals(): ReadonlyArray<readonly [NodeJS.Signals, () => void]> {
    const ending = (["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"] as const).map(
      (signal) => [signal, () => this.#settle({ type: "signal", exitCode: 128 + constants.signals[signal] })] as const
    )
    // Ctrl-Z is the session's. Whoever stops us all the same leaves a terminal that others have used meanwhile.
    const all = [...ending, ["SIGTSTP", () => {}] as const, ["SIGCONT", () => void this.#continued()] as const]
    for (const [signal, listener] of all) process.on(signal, listener)
    return all
  }

  #opened({ liveFrom, offset, session }: OpenedFrame, again: boolean): void {
    clearTimeout(this.#noticeTimer)
    if (again) return
    this.#liveFrom = liveFrom
    // What is replayed begins somewhere in the middle: a full-screen program's screen is not all in it.
    if (offset > 0 && session.exit === null) this.#provokeRedraw()
  }

  #output(data: Buffer, offset: number): void {
    const old = Math.min(data.length, Math.max(0, this.#liveFrom - offset))
    if (old > 0) this.#show(this.#queries.push(data.subarray(0, old)))
    if (offset + data.length < this.#liveFrom) return
    const rest = this.#queries.end()
    if (rest.length > 0) this.#show(rest)
    if (old < data.length) this.#show(old === 0 ? data : data.subarray(old))
  }

  #show(data: Buffer): void {
    if (!this.#terminal.show(data)) this.#stream?.pause()
  }

  #typed(data: Buffer): void {
    clearTimeout(this.#escapeTimer)
    const { detached, forward } = this.#sifter.push(data)
    this.#forward(forward)
    if (detached) return this.#settle({ type: "detached" })
    if (this.#sifter.waiting) {
      this.#escapeTimer = setTimeout(() => this.#forward(this.#sifter.flush()), ESCAPE_MILLIS)
    }
  }

  #forward(data: Buffer): void {
    if (data.length === 0) return
    if (!this.#options.readOnly) {
      // The keyboard is read on, or the detach key would go unheard. A terminal rings, too, when its input is full.
      if (this.#stream?.send(Buffer.from(data)) === false) this.#terminal.say("\x07")
    } else if (data.includes(0x03)) this.#settle({ type: "detached" })
  }

  #resize(): void {
    if (this.#options.readOnly) return
    const { cols, rows } = this.#terminal.size
    this.#stream?.resize(cols, rows)
  }

  #gap(gap: GapFrame): void {
    const notice = `[hob: ${gapText(gap)}]\r\n`
    if (gap.reason !== "behind") return this.#terminal.say(notice)
    this.#redraw(notice)
  }

  /** We don't know what the screen should look like: cleared, and the program asked to draw it. */
  #redraw(notice: string): void {
    this.#terminal.say(`\x18\x1b[0m\x1b[H\x1b[2J${notice}`)
    this.#provokeRedraw()
  }

  /** A program draws when it is told of a size that differs; in between it must have had the time to look. */
  #provokeRedraw(): void {
    if (this.#options.readOnly) return
    const { cols, rows } = this.#terminal.size
    this.#stream?.resize(cols, rows === 1 ? 2 : rows - 1)
    clearTimeout(this.#redrawTimer)
    this.#redrawTimer = setTimeout(() => this.#resize(), REDRAW_MILLIS)
  }

  #interrupted(): void {
    this.#noticeTimer = setTimeout(() => {
      this.#terminal.say("\r\n[hob: the connection was lost; reconnecting]\r\n")
    }, NOTICE_MILLIS)
  }

  /** Nothing is shown while the terminal is somebody else's: the host keeps our place. */
  async #continued(): Promise<void> {
    if (this.#isContinuing) return
    this.#isContinuing = true
    this.#stream?.pause()
    await this.#terminal.resume()
    this.#isContinuing = false
    this.#stream?.resume()
    this.#redraw("")
  }
}

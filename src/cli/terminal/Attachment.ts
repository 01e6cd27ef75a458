import { constants } from "node:os"
import type { OpenedFrame } from "../../protocol/sessionHost.ts"
import type { Session, SessionExit } from "../../protocol/sessions.ts"
import { ExitCode, Fault } from "../exit.ts"
import { label } from "../render/session.ts"
import type { Display } from "./Display.ts"
import { ExactDisplay } from "./ExactDisplay.ts"
import { Keyboard } from "./Keyboard.ts"
import { ReplayDisplay } from "./ReplayDisplay.ts"
import { SessionStream, type IsPassing, type RequestTicket, type SayOpen } from "./stream.ts"
import type { Terminal } from "./terminal.ts"

export interface AttachmentOptions {
  readonly session: Session
  readonly detachKey: string
  readonly readOnly: boolean
  /** Takes the input lease, whoever has it. */
  readonly take: boolean
  /** Lines of history to fill the terminal's own with. */
  readonly historyLines: number
  /** Who this is, for those who share the session. */
  readonly client: string
}

export type AttachmentOutcome =
  | { readonly type: "detached" }
  /** All of the output has been shown. `exit` is null when nobody told how it ended. */
  | { readonly type: "ended"; readonly exit: SessionExit | null }
  | { readonly type: "signal"; readonly exitCode: number }
  | { readonly type: "failed"; readonly error: unknown }

/** A break shorter than this is not worth a word. */
const NOTICE_MILLIS = 500

/** A session and a terminal, connected until one of them ends, the detach key is typed, or we are told to go. */
export class Attachment {
  readonly #terminal: Terminal
  readonly #options: AttachmentOptions
  readonly #stream: SessionStream
  readonly #keyboard: Keyboard
  /** How it can be shown: known when the host has said what it sends. */
  #display: Display | undefined
  #exit: SessionExit | null
  #isReady = false
  #isOver = false
  #isContinuing = false
  #noticeTimer: NodeJS.Timeout | undefined
  #settle: (outcome: AttachmentOutcome) => void = () => {}
  #asked: () => void = () => {}

  constructor(terminal: Terminal, options: AttachmentOptions, requestTicket: RequestTicket, isPassing: IsPassing) {
    this.#terminal = terminal
    this.#options = options
    this.#exit = options.session.exit
    const { detachKey, readOnly } = options
    const stream = (this.#stream = new SessionStream(
      requestTicket,
      isPassing,
      {
        opened: (frame, again) => this.#opened(frame, again),
        output: (data, offset) => this.#display!.output(data, offset),
        screen: (screen) => this.#display!.screen(screen),
        gap: (gap) => this.#display!.gap(gap),
        resized: (size) => this.#display!.resized(size),
        lease: (lease) => this.#keyboard.lease(lease),
        exited: (exit) => {
          this.#exit = exit
        },
        interrupted: () => this.#interrupted(),
        asked: () => this.#asked()
      },
      this.#sayOpen
    ))
    this.#keyboard = new Keyboard({
      detachKey,
      readOnly,
      send: (data) => stream.send(data),
      take: () => stream.take(),
      detach: () => this.#settle({ type: "detached" }),
      ring: () => terminal.say("\x07"),
      columns: () => terminal.size.cols,
      notice: (text) => this.#display?.notice(text)
    })
  }

  /**
   * The session is asked for, and the terminal put into raw mode while that is being answered; nothing is read and nothing
   * shown before. Resolves once it is over. The terminal is still ours then: its `leave` comes next.
   */
  run(): Promise<AttachmentOutcome> {
    return new Promise((resolve) => {
      const stream = this.#stream
      const signals = this.#onSignals()
      this.#settle = (outcome) => {
        this.#settle = () => {}
        this.#isOver = true
        clearTimeout(this.#noticeTimer)
        this.#keyboard.close()
        this.#display?.close()
        for (const [signal, listener] of signals) process.off(signal, listener)
        stream.close()
        resolve(outcome)
      }
      const failed = (error: unknown) => this.#settle({ type: "failed", error })
      this.#terminal.onGone(() => this.#settle({ type: "signal", exitCode: 128 + constants.signals.SIGHUP }))
      this.#terminal.onResize(() => this.#resized())
      stream.pause()
      stream.run().then((how) => how === "ended" && this.#settle({ type: "ended", exit: this.#exit }), failed)
      this.#asked = () => {
        this.#asked = () => {}
        this.#raw().then(() => this.#begin(), failed)
      }
    })
  }

  async #raw(): Promise<void> {
    try {
      await this.#terminal.raw()
    } catch (cause) {
      throw new Fault(ExitCode.failure, `The terminal can't be put into raw mode: ${(cause as Error).message}.`)
    }
  }

  #begin(): void {
    if (this.#isOver) return
    const stream = this.#stream
    this.#isReady = true
    this.#terminal.onInput((data) => this.#keyboard.typed(data))
    this.#terminal.onDrain(() => {
      if (this.#isContinuing) return
      stream.resume()
      this.#display?.drained()
    })
    stream.resume()
  }

  readonly #sayOpen: SayOpen = (again) => {
    const { client, historyLines, readOnly, take } = this.#options
    // Whoever had the lease has it again; who only watched does not get it by coming back first.
    const wanted = again ? { take: this.#keyboard.held } : take ? { take } : {}
    return { screen: true, historyLines, client, ...(readOnly ? {} : wanted) }
  }

  #greeting(): string {
    const { detachKey, readOnly, session } = this.#options
    const how = [
      ...(readOnly ? ["read-only"] : []),
      detachKey === "" ? "no detach key is set" : `${detachKey} detaches`,
      ...(readOnly ? ["Ctrl-C too"] : [])
    ]
    return `[session ${label(session)}: ${how.join(", ")}]`
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

  #opened(frame: OpenedFrame, again: boolean): void {
    clearTimeout(this.#noticeTimer)
    const first = this.#display === undefined
    this.#display ??= this.#displayFor(frame)
    this.#display.opened(frame, again && !first)
  }

  #displayFor({ exact }: OpenedFrame): Display {
    const terminal = this.#terminal
    const stream = this.#stream
    const pause = () => stream.pause()
    if (exact !== undefined) {
      return new ExactDisplay({
        terminal,
        greeting: this.#greeting(),
        historyLines: this.#options.historyLines,
        held: () => this.#keyboard.held,
        refresh: (historyLines) => stream.refresh(historyLines),
        pause,
        resume: () => stream.resume()
      })
    }
    terminal.say(`${this.#greeting()}\r\n`)
    const resize = (cols: number, rows: number) => stream.resize(cols, rows)
    return new ReplayDisplay({ terminal, readOnly: this.#options.readOnly, resize, pause })
  }

  #resized(): void {
    const { cols, rows } = this.#terminal.size
    // Also of one who only watches: it may have the keyboard later.
    if (!this.#options.readOnly) this.#stream.resize(cols, rows)
    this.#display?.terminalResized()
  }

  #interrupted(): void {
    this.#noticeTimer = setTimeout(() => {
      this.#display?.lost("the connection was lost; reconnecting")
    }, NOTICE_MILLIS)
  }

  /** Nothing is shown while the terminal is somebody else's: the host keeps our place. */
  async #continued(): Promise<void> {
    if (this.#isContinuing || !this.#isReady) return
    this.#isContinuing = true
    this.#stream.pause()
    await this.#terminal.resume()
    this.#isContinuing = false
    this.#stream.resume()
    this.#display?.disturbed()
  }
}

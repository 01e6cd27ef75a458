import { ReadStream, type WriteStream } from "node:tty"
import { startGuard, type TerminalGuard } from "./guard.ts"
import { ModeTracker } from "./modes.ts"
import { sizeOf } from "./size.ts"
import type { Size } from "./stream.ts"
import { TerminalOutput } from "./TerminalOutput.ts"

/** What a read of what is typed brings at most. */
const INPUT_BYTES = 64 * 1024

/** A slow terminal's screen is read for modes before all of it is shown. */
const READ_SCREEN_MILLIS = 100

/** A terminal keeps its title, and the icon's, on a stack. */
const PUSH_TITLE = "\x1b[22;0t"
const POP_TITLE = "\x1b[23;0t"

/** The terminal in front of the reader, in raw mode, with everything undone on {@link Terminal.leave}. */
export class Terminal {
  readonly #input: ReadStream
  readonly #stream: WriteStream
  readonly #output: TerminalOutput
  readonly #fd: number
  /** Once raw mode is asked for. */
  #guard: TerminalGuard | undefined
  #onInput: (data: Buffer) => void = () => {}
  #modes = new ModeTracker()
  /** A screen that was shown and is yet to be read for modes. */
  #unread: ReadonlyArray<Uint8Array> = []
  #left = false
  /** Whether the cursor stands at the beginning of a line, as far as the last byte tells. */
  #atLineStart = true
  /** Whether the title was put aside. */
  #titled = false

  /** Input is read from the descriptor `input`. */
  constructor(input: number, output: WriteStream) {
    this.#fd = input
    const buffer = Buffer.allocUnsafeSlow(INPUT_BYTES)
    const callback = (count: number): boolean => {
      this.#onInput(buffer.subarray(0, count))
      return true
    }
    this.#input = new ReadStream(input, { onread: { buffer, callback } })
    this.#stream = output
    this.#output = new TerminalOutput(output)
  }

  /** Raw mode; rejects where that can't be had. Nothing is to be read or shown before. */
  async raw(): Promise<void> {
    this.#guard = startGuard(this.#fd, 1)
    await this.#guard.raw()
  }

  get size(): Size {
    return sizeOf(this.#stream)
  }

  /** From now on input is read. What `listener` gets is valid during the call only. */
  onInput(listener: (data: Buffer) => void): void {
    this.#onInput = listener
    this.#input.resume()
  }

  /** The terminal went away. */
  onGone(listener: () => void): void {
    this.#input.on("end", listener)
    this.#input.on("error", listener)
  }

  onResize(listener: () => void): void {
    // Node looks for a new size only on behalf of its own `process.stdout`.
    process.on("SIGWINCH", () => {
      ;(this.#stream as unknown as { _refreshSize: () => void })._refreshSize()
      listener()
    })
  }

  /** A terminal that was slower than it was shown things takes more. */
  onDrain(listener: () => void): void {
    this.#output.onFree(listener)
  }

  /**
   * Makes the screen empty as that of a fresh terminal, `line` last in the terminal's own history: what was on the screen
   * goes there line by line, without the empty ones below.
   */
  begin(line: string): void {
    this.#titled = true
    const scroll = "\n".repeat(this.size.rows - 1)
    this.say(`${PUSH_TITLE}\x1b[0m${line}\r\n\x1b[J${scroll}`)
    this.clear(null)
  }

  /** Whatever a session switched on is off and the screen empty, its history as it was; a `line` goes there. */
  clear(line: string | null): void {
    this.#readModes()
    const rest = this.#modes.restore()
    this.#modes = new ModeTracker()
    const said = line === null ? "" : `${line}\x1b[${this.size.rows};1H\n\x1b[H`
    // In two pieces: a screen that is erased as a whole goes into the history of some terminals (tmux's).
    const empty = this.size.rows > 1 ? "\x1b[2H\x1b[J\x1b[H\x1b[2K" : "\x1b[H\x1b[2K"
    // The saved cursor of a fresh terminal is at home too.
    this.#output.write(Buffer.from(`${rest}\x1b[0m${empty}${said}\x1b7`, "latin1"))
    this.#guard?.onDeath(this.#layout())
  }

  /**
   * Shows a session's whole screen, which asks nothing. What it switches on is looked for when the terminal has it: it
   * may have ten thousand lines above it.
   */
  showScreen(pieces: ReadonlyArray<Uint8Array>): boolean {
    const last = pieces.at(-1)
    if (last === undefined) return true
    this.#atLineStart = last.at(-1) === 10
    this.#unread = [...this.#unread, ...pieces]
    for (const piece of pieces) if (piece !== last) this.#output.write(piece)
    const timer = setTimeout(() => this.#readScreen(), READ_SCREEN_MILLIS)
    this.#output.write(last, () => {
      clearTimeout(timer)
      this.#readScreen()
    })
    return !this.#output.isFull
  }

  #readScreen(): void {
    if (this.#unread.length === 0 || this.#left) return
    this.#readModes()
    this.#guard?.onDeath(this.#layout())
  }

  #readModes(): void {
    for (const piece of this.#unread) this.#modes.push(piece)
    this.#unread = []
  }

  /** Shows a session's bytes. False when the terminal is slower than they come: wait for `drain`. */
  show(data: Uint8Array): boolean {
    this.#readModes()
    this.#modes.push(data)
    this.#atLineStart = data.at(-1) === 10
    this.#output.write(data)
    this.#guard?.onDeath(this.#layout())
    return !this.#output.isFull
  }

  /** Writes a line of our own; it is not part of the session's screen. */
  say(text: string): void {
    this.#output.write(Buffer.from(text, "utf8"))
  }

  /** Lets go of the terminal, as it was found, and prints a last line. Does nothing the second time. */
  async leave(line: string | undefined): Promise<void> {
    if (this.#left) return
    this.#left = true
    this.#readModes()
    this.#stopReading()
    const newLine = this.#atLineStart || this.#modes.alternate ? "" : "\r\n"
    const restore = this.#modes.restore() + (this.#titled ? POP_TITLE : "")
    // What a program drew below its cursor would be in the way.
    const below = this.#titled ? "\x1b[J" : ""
    const last = line === undefined ? "" : `${newLine}${below}${line}\r\n`
    const end = Buffer.concat([Buffer.from(restore, "latin1"), Buffer.from(last, "utf8")])
    // A terminal that reads nothing any more gets no more time than this.
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 1000)
      this.#output.write(end, () => (clearTimeout(timer), resolve()))
    })
    await this.#guard?.done()
    this.#input.destroy()
  }

  #layout(): string {
    return this.#modes.restoreLayout() + (this.#titled ? POP_TITLE : "")
  }

  /**
   * At once: what is typed from now on stays in the terminal, for whoever reads it next. A stream that is only paused
   * would swallow one more piece.
   */
  #stopReading(): void {
    this.#onInput = () => {}
    this.#input.pause()
    const handle = (this.#input as unknown as { _handle?: { readStop?: () => void } })._handle
    handle?.readStop?.()
  }

  /** Raw mode again, after we were stopped and somebody else used the terminal: as soon as they give it back. */
  async resume(): Promise<void> {
    await this.#guard?.regain()
  }
}

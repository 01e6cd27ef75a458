import type { GapFrame, OpenedFrame } from "../../protocol/sessionHost.ts"
import { QueryFilter } from "../../terminal/queries.ts"
import type { Display } from "./Display.ts"
import type { OwnView } from "./OwnView.ts"
import { Pace } from "./Pace.ts"
import type { ScreenFrame, Size } from "./stream.ts"
import type { Terminal } from "./terminal.ts"
import { gapText } from "./ticket.ts"

export interface ExactDisplayOptions {
  readonly terminal: Terminal
  /** A line to stand above what is shown, in the terminal's own history. */
  readonly greeting: string
  readonly historyLines: number
  /** Whether this client decides the session's size. */
  readonly held: () => boolean
  /** Asks for the exact screen, with so many lines of history above it. */
  readonly refresh: (historyLines: number) => void
  /** The terminal takes no more for now. */
  readonly pause: () => void
  readonly resume: () => void
}

const same = (a: Size, b: Size): boolean => a.cols === b.cols && a.rows === b.rows

/**
 * A session as its own terminal would show it: the exact screen with its history above, then every byte of output but
 * the program's questions, which are answered for it elsewhere. In a terminal of another size, and as long as there is
 * something to be said to the reader, the screen is drawn from an emulator of our own instead.
 */
export class ExactDisplay implements Display {
  readonly #options: ExactDisplayOptions
  #queries = new QueryFilter()
  /** The size of the session's terminal. */
  #size: Size | undefined
  /** The size that was asked for it by this client, and is not its yet. */
  #expected: Size | undefined
  #own: OwnView | undefined
  /** What has come while the code for a view of our own is being loaded. */
  #loading: Array<() => void> | undefined
  /** A screen is on its way: the first, or one that was asked for. */
  #isWanted = false
  /** The terminal's own history has had the session's. */
  #isFilled = false
  /** What is missing in the history above, to be said there. */
  #missing: string | null = null
  #notice: string | null = null
  #lost: string | null = null
  readonly #pace = new Pace(() => this.#draw())

  constructor(options: ExactDisplayOptions) {
    this.#options = options
  }

  readonly opened = ({ exact, offset, size }: OpenedFrame, again: boolean): void => {
    const { greeting, terminal } = this.#options
    this.#size = size
    this.#lost = null
    if (!again) {
      terminal.begin(greeting)
      this.#isWanted = exact !== true || offset > 0
      // All output from its first byte on, for a terminal of this size.
      if (exact === true && offset === 0 && size !== undefined && !same(size, terminal.size)) {
        this.#begin({ ...size, pieces: [] })
      }
      return
    }
    if (size !== undefined) this.resized(size)
    if (this.#isWanted) this.#refresh()
  }

  readonly output = (data: Buffer): void => {
    if (this.#loading !== undefined) return void this.#loading.push(() => this.output(data))
    if (this.#own === undefined) {
      this.#isFilled = true
      return this.#show(this.#queries.push(data))
    }
    this.#own.write(data)
    this.#pace.ask()
  }

  readonly gap = (gap: GapFrame): void => {
    this.#missing = `[hob: ${gapText(gap)}]`
  }

  readonly screen = (screen: ScreenFrame): void => {
    if (this.#loading !== undefined) return void this.#loading.push(() => this.screen(screen))
    this.#isWanted = false
    this.#size = screen
    if (this.#notice === null && this.#lost === null && same(screen, this.#options.terminal.size)) {
      this.#leaveOwn()
      this.#showWhole(screen.pieces)
    } else this.#begin(screen)
  }

  readonly resized = (size: Size): void => {
    if (this.#loading !== undefined) return void this.#loading.push(() => this.resized(size))
    this.#size = size
    if (this.#expected !== undefined && same(size, this.#expected)) this.#expected = undefined
    this.#own?.resize(size)
    // The view of our own has no history to rewrap with: it is what it should be once it has come anew.
    if (this.#own !== undefined) this.#want()
    this.#choose()
  }

  readonly terminalResized = (): void => {
    const { held, terminal } = this.#options
    this.#expected = held() ? terminal.size : undefined
    this.#choose()
  }

  readonly disturbed = (): void => {
    if (this.#own === undefined) return this.#want()
    this.#own.forget()
    this.#pace.ask()
  }

  readonly notice = (text: string | null): void => {
    this.#notice = text
    this.#choose()
  }

  readonly lost = (text: string): void => {
    this.#lost = text
    if (this.#own !== undefined) return this.#pace.ask()
    this.#options.terminal.say(`\r\n[hob: ${text}]\r\n`)
    this.#isWanted = true
  }

  readonly drained = (): void => this.#pace.free()

  readonly close = (): void => {
    this.#pace.close()
    this.#loading = []
  }

  /** Which of the two ways it is to be shown from now on. */
  #choose(): void {
    const { held, terminal } = this.#options
    if (this.#loading !== undefined || this.#size === undefined) return
    const isSame = same(this.#size, terminal.size)
    const isQuiet = this.#notice === null
    if (this.#own !== undefined) {
      if (!isSame || !isQuiet || this.#isWanted) return this.#pace.ask()
      const pieces = this.#own.snapshot()
      this.#leaveOwn()
      return this.#showWhole(pieces)
    }
    // For a moment, on its way to the size that was asked for.
    const isComing = held() && this.#expected !== undefined && same(this.#expected, terminal.size)
    if (!isQuiet || !(isSame || isComing)) this.#want()
  }

  #want(): void {
    if (this.#isWanted) return
    this.#isWanted = true
    this.#refresh()
  }

  /** With what the terminal lacks: all of the history at first, then what has gone off the view of our own. */
  #refresh(): void {
    this.#options.refresh(this.#isFilled ? (this.#own?.historyRows ?? 0) : this.#options.historyLines)
  }

  /** A view of our own, that begins with this screen. */
  #begin(screen: Omit<ScreenFrame, "offset">): void {
    if (view !== undefined) return this.#beginWith(view, screen)
    this.#loading = []
    this.#options.pause()
    void import("./OwnView.ts").then((loaded) => {
      view = loaded.OwnView
      const waiting = this.#loading ?? []
      this.#loading = undefined
      this.#beginWith(view, screen)
      for (const act of waiting) act()
      this.#options.resume()
      return undefined
    })
  }

  #beginWith(View: typeof OwnView, screen: Omit<ScreenFrame, "offset">): void {
    if (this.#own === undefined) this.#options.terminal.clear(this.#missing)
    this.#missing = null
    this.#own?.close()
    this.#own = new View(screen, this.#options.historyLines)
    this.#choose()
  }

  #leaveOwn(): void {
    this.#own?.close()
    this.#own = undefined
    this.#pace.stop()
  }

  #draw(): boolean {
    if (this.#own === undefined) return true
    const bytes = this.#own.draw(this.#options.terminal.size, this.#lost ?? this.#notice)
    return bytes.length === 0 || this.#options.terminal.show(bytes)
  }

  /** What turns a fresh terminal into the session's. */
  #showWhole(pieces: ReadonlyArray<Buffer>): void {
    this.#isFilled = true
    this.#options.terminal.clear(this.#missing)
    this.#missing = null
    this.#queries = new QueryFilter()
    if (!this.#options.terminal.showScreen(pieces)) this.#options.pause()
  }

  #show(data: Uint8Array): void {
    if (data.length > 0 && !this.#options.terminal.show(data)) this.#options.pause()
  }
}

let view: typeof OwnView | undefined

import type { GapFrame, OpenedFrame } from "../../protocol/sessionHost.ts"
import type { Display } from "./Display.ts"
import { QueryFilter } from "../../terminal/queries.ts"
import type { Terminal } from "./terminal.ts"
import { gapText } from "./ticket.ts"

export interface ReplayDisplayOptions {
  readonly terminal: Terminal
  readonly readOnly: boolean
  /** Tells the session's terminal its size. */
  readonly resize: (cols: number, rows: number) => void
  /** The terminal takes no more for now. */
  readonly pause: () => void
}

const REDRAW_MILLIS = 60

/**
 * What can be done with a host that sends no screens: recent output is shown as it is, and the program is made to draw
 * itself again where that may not be enough.
 */
export class ReplayDisplay implements Display {
  readonly #options: ReplayDisplayOptions
  readonly #queries = new QueryFilter()
  /** Output before this offset was printed before we came. */
  #liveFrom = 0
  #redrawTimer: NodeJS.Timeout | undefined

  constructor(options: ReplayDisplayOptions) {
    this.#options = options
  }

  readonly opened = ({ liveFrom, offset, session }: OpenedFrame, again: boolean): void => {
    if (again) return
    this.#liveFrom = liveFrom
    // What is replayed begins somewhere in the middle: a full-screen program's screen is not all in it.
    if (offset > 0 && session.exit === null) this.#provokeRedraw()
  }

  readonly output = (data: Buffer, offset: number): void => {
    const old = Math.min(data.length, Math.max(0, this.#liveFrom - offset))
    if (old > 0) this.#show(this.#queries.push(data.subarray(0, old)))
    if (offset + data.length < this.#liveFrom) return
    const rest = this.#queries.end()
    if (rest.length > 0) this.#show(rest)
    if (old < data.length) this.#show(old === 0 ? data : data.subarray(old))
  }

  readonly gap = (gap: GapFrame): void => {
    const notice = `[hob: ${gapText(gap)}]\r\n`
    if (gap.reason === "behind") this.#redraw(notice)
    else this.#options.terminal.say(notice)
  }

  readonly terminalResized = (): void => {
    const { readOnly, resize, terminal } = this.#options
    if (!readOnly) resize(terminal.size.cols, terminal.size.rows)
  }

  readonly disturbed = (): void => this.#redraw("")
  readonly screen = (): void => {}
  readonly resized = (): void => {}
  readonly notice = (): void => {}
  readonly lost = (text: string): void => this.#options.terminal.say(`\r\n[hob: ${text}]\r\n`)
  readonly drained = (): void => {}
  readonly close = (): void => clearTimeout(this.#redrawTimer)

  #show(data: Uint8Array): void {
    if (!this.#options.terminal.show(data)) this.#options.pause()
  }

  /** We don't know what the screen should look like: cleared, and the program asked to draw it. */
  #redraw(notice: string): void {
    this.#options.terminal.say(`\x18\x1b[0m\x1b[H\x1b[2J${notice}`)
    this.#provokeRedraw()
  }

  /** A program draws when it is told of a size that differs; in between it must have had the time to look. */
  #provokeRedraw(): void {
    const { readOnly, resize, terminal } = this.#options
    if (readOnly) return
    const { cols, rows } = terminal.size
    resize(cols, rows === 1 ? 2 : rows - 1)
    clearTimeout(this.#redrawTimer)
    this.#redrawTimer = setTimeout(this.terminalResized, REDRAW_MILLIS)
  }
}

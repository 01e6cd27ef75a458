import type { GapFrame, OpenedFrame } from "../../protocol/sessionHost.ts"
import type { Display } from "./Display.ts"
import { QueryFilter } from "./queries.ts"
import type { ScreenFrame, Size } from "./stream.ts"
import type { Terminal } from "./terminal.ts"
import { gapText } from "./ticket.ts"

export interface ExactDisplayOptions {
  readonly terminal: Terminal
  /** A line to stand above what is shown, in the terminal's own history. */
  readonly greeting: string
  /** Asks for the exact screen. */
  readonly refresh: () => void
  /** The terminal takes no more for now. */
  readonly pause: () => void
}

/**
 * A session as its own terminal would show it: the exact screen with its history above, then every byte of output but
 * the program's questions, which are answered for it elsewhere.
 */
export class ExactDisplay implements Display {
  readonly #options: ExactDisplayOptions
  #queries = new QueryFilter()
  /** What is missing in the history above, to be said there. */
  #missing: string | null = null
  #isDisturbed = false

  constructor(options: ExactDisplayOptions) {
    this.#options = options
  }

  readonly opened = (_frame: OpenedFrame, again: boolean): void => {
    if (!again) this.#options.terminal.begin(this.#options.greeting)
    else if (this.#isDisturbed) this.#options.refresh()
  }

  readonly output = (data: Buffer): void => this.#show(this.#queries.push(data))

  readonly gap = (gap: GapFrame): void => {
    this.#missing = `[hob: ${gapText(gap)}]`
  }

  readonly screen = ({ pieces }: ScreenFrame): void => {
    this.#isDisturbed = false
    this.#options.terminal.clear(this.#missing)
    this.#missing = null
    // It may end inside of an escape sequence, as the output before it does.
    this.#queries = new QueryFilter()
    for (const piece of pieces) this.output(piece)
  }

  readonly resized = (_size: Size): void => {}
  readonly terminalResized = (): void => {}

  readonly disturbed = (): void => {
    this.#isDisturbed = true
    this.#options.refresh()
  }

  readonly notice = (text: string | null): void => {
    if (text === null) return this.disturbed()
    this.#options.terminal.say(`\r\n[hob: ${text}]\r\n`)
  }

  readonly close = (): void => {}

  #show(data: Buffer): void {
    if (data.length > 0 && !this.#options.terminal.show(data)) this.#options.pause()
  }
}

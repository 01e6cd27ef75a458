import type { Keeper } from "../Keeper.ts"
import type { LeftLine } from "../../terminal/leaving.ts"

/**
 * The lines of a session as they come: each that is on the screen, as often as it is looked at, and each that has gone
 * by since the last look. Lines are told apart by number, and on the screen, where they change in place, by their text.
 */
export class NewLines {
  readonly #keeper: Keeper
  /** What was there when it began, when that does not count: lines before this number, and these texts. */
  readonly #before: { readonly end: number; readonly texts: ReadonlySet<string> } | null
  /** Lines before this number have been looked at, or were above the screen before. */
  #from: number
  #gone: Array<string> = []

  /** `onlyNew`: what is there now does not count, but where it comes again. */
  constructor(keeper: Keeper, onlyNew: boolean) {
    this.#keeper = keeper
    const { above, from, shown } = keeper.lines()
    this.#from = from + above.length
    this.#before = onlyNew ? { end: shown.from + shown.lines.length, texts: new Set(shown.lines) } : null
  }

  /** Lines that have left the emulator. */
  gone(lines: ReadonlyArray<LeftLine>): void {
    for (const { text } of lines) this.#gone.push(text)
  }

  /** The lines to look at now, without blanks at their ends. */
  *take(): Generator<string> {
    const gone = this.#gone
    this.#gone = []
    const { above, from, shown } = this.#keeper.lines()
    yield* this.#counting(from - gone.length, gone)
    yield* this.#counting(from, above)
    yield* this.#counting(shown.from, shown.lines)
    // What is above the screen does not change any more.
    this.#from = from + above.length
  }

  *#counting(first: number, lines: ReadonlyArray<string>): Generator<string> {
    for (let index = Math.max(0, this.#from - first); index < lines.length; index++) {
      const line = lines[index]!
      if (this.#before === null || first + index >= this.#before.end || !this.#before.texts.has(line))
        yield line.trimEnd()
    }
  }
}

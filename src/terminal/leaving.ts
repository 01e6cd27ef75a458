/** Lines on their way out: rows that go are put together to lines, and told. */
import type { Handler } from "./handler.ts"
import { usedCells } from "./cells.ts"
import { isPlain, rowText, styledRow, wrappedCells } from "./rows.ts"
import type { Line, Lines } from "./xterm.ts"

/** A line that has gone. */
export interface LeftLine {
  readonly text: string
  /** With SGR and OSC 8; the same string as `text` when there are none. */
  readonly styled: string
}

/** A line longer than this goes in pieces. */
const LONGEST = 65_536

export class LeavingLines {
  readonly #handler: Handler
  #listener: ((lines: ReadonlyArray<LeftLine>) => void) | undefined
  #lines: Array<LeftLine> = []
  /** The line that has begun to go, if it goes on in the first row that is kept. */
  #open = false
  #text = ""
  #styled = ""
  /** Lines that have gone so far. */
  count = 0
  /** How many had gone when a program last erased what is kept: so many are not above the screen any more. */
  erased = 0

  constructor(handler: Handler) {
    this.#handler = handler
    handler.leaving = (lines, count, goesOn) => this.leave(lines, count, goesOn)
    handler.erasing = () => (this.erased = this.count)
    handler.resetting = () => this.#reset()
  }

  listen(listener: (lines: ReadonlyArray<LeftLine>) => void): void {
    this.#listener = listener
  }

  /** What has gone of a line whose rest is still kept. */
  get partial(): LeftLine | undefined {
    return this.#open ? { text: this.#text, styled: this.#styled } : undefined
  }

  set partial(line: LeftLine | undefined) {
    this.#open = line !== undefined
    this.#text = line?.text ?? ""
    this.#styled = line?.styled ?? ""
  }

  leave(lines: Lines, count: number, goesOn: boolean): void {
    for (let index = 0; index < count; index++) {
      const next = index + 1 < lines.length ? lines.get(index + 1) : undefined
      this.#row(lines.get(index)!, next, index === count - 1 ? goesOn : next!.isWrapped)
    }
  }

  #row(line: Line, next: Line | undefined, goesOn: boolean): void {
    if (this.#listener === undefined && !goesOn && !this.#open) {
      this.count++
      return
    }
    const cells = goesOn ? wrappedCells(line, next) : usedCells(line)
    const text = rowText(line, cells)
    const styled = isPlain(line, cells) ? text : styledRow(line, cells, this.#handler.tracked.links)
    this.#text = this.#open ? this.#text + text : text
    this.#styled = this.#open ? this.#styled + styled : styled
    this.#open = goesOn
    if (!goesOn || this.#text.length >= LONGEST) this.#finish()
  }

  #finish(): void {
    this.count++
    if (this.#listener !== undefined) this.#lines.push({ text: this.#text, styled: this.#styled })
    this.#open = false
    this.#text = this.#styled = ""
  }

  /** Everything of the main screen up to its last line with text goes. */
  #reset(): void {
    const { lines } = this.#handler._bufferService.buffers.normal
    let end = lines.length
    while (end > 0 && usedCells(lines.get(end - 1)!) === 0) end--
    this.leave(lines, end, false)
    if (this.#open) this.#finish()
    this.erased = this.count
  }

  flush(): void {
    if (this.#lines.length === 0) return
    const lines = this.#lines
    this.#lines = []
    this.#listener?.(lines)
  }
}

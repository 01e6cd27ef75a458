import { Emulator } from "../../terminal/Emulator.ts"
import type { LeftLine } from "../../terminal/leaving.ts"
import type { Size } from "../terminal/stream.ts"
import { oneLine } from "./text.ts"

/** A line that the cursor is past is given out when it has been so for this long: it may still be written over. */
const SETTLE_MILLIS = 250
const LOOK_MILLIS = 100

/** What a line on the screen read when it was looked at, and since when it does. */
interface Seen {
  readonly text: string
  readonly since: number
}

/**
 * Turns a terminal's output into the lines that it shows, as they come: each when it has left the screen, or stands above
 * the cursor and does not change any more. What a full-screen program shows meanwhile is not given out. A line that is
 * written over after it was given out is given out again.
 */
export class PlainView {
  readonly #emulator: Emulator
  readonly #print: (text: string) => void
  readonly #seen = new Map<number, Seen>()
  /** Lines on the screen that have been given out, by number. */
  readonly #printed = new Map<number, string>()
  /** Lines to be given out together. */
  #out = ""
  #timer: NodeJS.Timeout | null = null

  constructor(size: Size, print: (text: string) => void) {
    this.#print = print
    this.#emulator = new Emulator({ ...size, scrollback: 0 })
    this.#emulator.onLines((lines) => this.#gone(lines))
  }

  push(data: Uint8Array): void {
    this.#emulator.write(data)
    this.#flush()
    this.#lookLater()
  }

  resize({ cols, rows }: Size): void {
    this.#emulator.resize(cols, rows)
    this.#flush()
    this.#lookLater()
  }

  /** What is left when no more comes. */
  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const first = this.#emulator.linesLeft
    const main = this.#emulator.text({ screen: "main" })
    for (const [index, { text }] of main.entries()) this.#give(first + index, text)
    if (this.#isAlternate) for (const { text } of this.#emulator.text()) this.#out += `${oneLine(text)}\n`
    this.#flush()
  }

  #flush(): void {
    if (this.#out !== "") this.#print(this.#out)
    this.#out = ""
  }

  get #isAlternate(): boolean {
    const { active, alt } = this.#emulator.handler._bufferService.buffers
    return active === alt
  }

  #gone(lines: ReadonlyArray<LeftLine>): void {
    const first = this.#emulator.linesLeft - lines.length
    for (const [index, { text }] of lines.entries()) {
      this.#give(first + index, text)
      this.#printed.delete(first + index)
      this.#seen.delete(first + index)
    }
  }

  #give(line: number, text: string): void {
    const before = this.#printed.get(line)
    // What was cleared is not news.
    if (before === text || (before !== undefined && text === "")) return
    this.#printed.set(line, text)
    this.#out += `${oneLine(text)}\n`
  }

  #lookLater(): void {
    this.#timer ??= setTimeout(() => this.#look(), LOOK_MILLIS)
  }

  #look(): void {
    this.#timer = null
    if (this.#isAlternate) return
    const now = performance.now()
    const first = this.#emulator.linesLeft
    const cursorRow = this.#emulator.handler._activeBuffer.y
    for (const [index, { row, rows, text }] of this.#emulator.text({ screen: "main" }).entries()) {
      if (row + rows > cursorRow) break
      const line = first + index
      const seen = this.#seen.get(line)
      if (seen?.text !== text) {
        this.#seen.set(line, { text, since: now })
        this.#lookLater()
      } else if (now - seen.since >= SETTLE_MILLIS) this.#give(line, text)
      else this.#lookLater()
    }
    this.#flush()
  }
}

import { Emulator } from "../../terminal/Emulator.ts"
import { type Frame, renderView } from "../../terminal/view.ts"
import type { ScreenFrame, Size } from "./stream.ts"

/**
 * A session's screen kept here, in an emulator, to be drawn in a terminal of another size, or with a line of ours on it.
 * Loaded only when it is needed: most terminals are shown a session's own bytes.
 */
export class OwnView {
  readonly #emulator: Emulator
  #frame: Frame | undefined
  /** The line that is drawn over the last row. */
  #line: string | null = null
  /** The end of the output, as far as it had no effect yet. */
  #unfinished: Buffer = Buffer.alloc(0)

  constructor({ cols, pieces, rows }: Omit<ScreenFrame, "offset">, historyLines: number) {
    this.#emulator = new Emulator({ cols, rows, scrollback: historyLines })
    for (const piece of pieces) this.write(piece)
  }

  write(data: Buffer): void {
    this.#emulator.write(data)
    const count = this.#emulator.pendingBytes
    this.#unfinished = count === 0 ? data.subarray(0, 0) : Buffer.concat([this.#unfinished, data]).subarray(-count)
  }

  resize({ cols, rows }: Size): void {
    this.#emulator.resize(cols, rows)
  }

  /** The bytes that bring a terminal of this size from what was drawn last to what is there now. */
  draw(size: Size, line: string | null): Buffer {
    // What is under a line that goes away has to be drawn again.
    if (this.#line !== null && line !== this.#line) this.#frame = undefined
    const { bytes, frame } = renderView(this.#emulator, size, this.#frame)
    const drawn = bytes.length > 0 || line !== this.#line
    this.#frame = frame
    this.#line = line
    if (line === null || !drawn) return bytes
    const { x, y } = frame.cursor
    const text = line.slice(0, size.cols).padEnd(size.cols)
    // Without wrapping: the last cell of the last row must not scroll.
    const over = `\x1b[${size.rows};1H\x1b[0;7m\x1b[?7l${text}\x1b[?7h\x1b[0m\x1b[${y + 1};${x + 1}H`
    return Buffer.concat([bytes, Buffer.from(over)])
  }

  /** Rows above the session's screen since this began, and those that it began with. */
  get historyRows(): number {
    return this.#emulator.historyRows
  }

  /** Everything is to be drawn anew. */
  forget(): void {
    this.#frame = undefined
  }

  /** What turns a fresh terminal of the session's size into the session's, with the history since this began. */
  snapshot(): ReadonlyArray<Buffer> {
    return [this.#emulator.snapshot(), this.#unfinished]
  }

  close(): void {
    this.#emulator.dispose()
  }
}

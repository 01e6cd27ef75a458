import { VERSION } from "../config/version.ts"
import type { Activity } from "../protocol/activity.ts"
import type { Screen } from "../protocol/screens.ts"
import { Emulator } from "../terminal/Emulator.ts"
import type { LeftLine } from "../terminal/leaving.ts"
import { plainScreen } from "../terminal/plain.ts"
import type { Sign } from "../terminal/sequences.ts"
import { type Checkpoint, type CheckpointHead, writeCheckpoint } from "./checkpoint.ts"
import type { SnapshotReply } from "./HostConnection.ts"
import { TextHistory } from "./history/TextHistory.ts"
import { refill } from "./refill.ts"
import { StyledLines } from "./StyledLines.ts"

/** Lines kept above the screen; what goes from there is on disk. */
export const SCROLLBACK = 1000

const given = { scrollback: SCROLLBACK, version: `hob ${VERSION}` }

export interface EmulationListener {
  /** Answers to a program's questions: to be typed, with the offset behind the question. In order. */
  readonly reply: (data: string, offset: number) => void
  readonly sign: (sign: Sign) => void
  /** Lines that have gone to the history. */
  readonly gone: (lines: ReadonlyArray<LeftLine>) => void
}

export interface EmulationOptions {
  /** The session's directory. */
  readonly directory: string
  /** The text history's limit. */
  readonly maxBytes: number
  readonly listener: EmulationListener
}

export interface TextLines {
  /** The number of the first one. */
  readonly from: number
  readonly lines: ReadonlyArray<string>
}

/** A session's emulator, fed with its output by offset, and the history on disk behind it. */
export class Emulation {
  readonly #directory: string
  readonly #emulator: Emulator
  readonly #listener: EmulationListener
  readonly #styled: StyledLines
  #text: TextHistory | null
  /** What to add to bytes written to have the offset. */
  #base = 0
  /** Lines in the history less those that have left this emulator. */
  readonly #firstLine: number
  #erasedTo: number
  #left: ReadonlyArray<LeftLine> = []
  #replies: Array<{ readonly data: string; readonly offset: number }> = []
  #failure: Error | null = null

  /** `offset`: how much output the emulator has seen; `firstLine`: the number of the first line that could ever leave it. */
  private constructor(
    options: EmulationOptions,
    emulator: Emulator,
    text: TextHistory,
    { erasedTo, firstLine, offset }: { readonly erasedTo: number; readonly firstLine: number; readonly offset: number }
  ) {
    this.#directory = options.directory
    this.#listener = options.listener
    this.#emulator = emulator
    this.#text = text
    this.#base = offset - emulator.written
    this.#firstLine = firstLine
    this.#erasedTo = erasedTo
    // Not the history's next line: that of a session that is complete has the emulator's lines too.
    this.#styled = new StyledLines(options.directory, this.nextLine)
    emulator.onLines((lines) => (this.#left = this.#left.length === 0 ? lines : [...this.#left, ...lines]))
    emulator.onReply((data, endOfQuery) => this.#replies.push({ data, offset: this.#base + endOfQuery }))
    emulator.onSign(options.listener.sign)
  }

  /**
   * A fresh terminal of this size for the output from `offset` on, in a history that ends before line `nextLine`.
   * Throws the system's errors.
   */
  static fresh(
    options: EmulationOptions,
    start: Pick<Screen, "cols" | "rows" | "offset"> & { readonly nextLine: number }
  ): Emulation {
    const text = new TextHistory(options)
    text.truncateTo(start.nextLine)
    const { cols, offset, rows } = start
    const emulator = new Emulator({ cols, rows, ...given })
    const lines = { erasedTo: text.nextLine, firstLine: text.nextLine }
    const emulation = new Emulation(options, emulator, text, { ...lines, offset })
    emulation.#styled.clear(text.nextLine)
    return emulation
  }

  /** As it was at the checkpoint: the history is cut to what it had then. Null when the history has lost lines since. */
  static restore(options: EmulationOptions, { emulator: stored, head }: Checkpoint): Emulation | null {
    const text = new TextHistory(options)
    text.truncateTo(head.nextLine)
    const emulator = Emulator.fromCheckpoint(stored, given)
    if (text.nextLine !== head.nextLine || emulator === undefined) {
      text.close()
      emulator?.dispose()
      return null
    }
    const firstLine = head.nextLine - head.emulated - emulator.linesLeft
    return new Emulation(options, emulator, text, { ...head, firstLine })
  }

  /** Output before this has been written. */
  get position(): number {
    return this.#base + this.#emulator.written
  }

  /** Output at its end that has had no effect yet: the beginning of something. */
  get pendingBytes(): number {
    return this.#emulator.pendingBytes
  }

  /** Why lines are missing in the history on disk; null when none are. */
  get failure(): Error | null {
    return this.#failure
  }

  get emulator(): Emulator {
    return this.#emulator
  }

  write(data: Uint8Array): void {
    this.#emulator.write(data)
    this.#keepLines()
    const replies = this.#replies
    if (replies.length === 0) return
    this.#replies = []
    for (const [index, { data, offset }] of replies.entries()) {
      // One question may have several answers: they are typed together, once.
      const before = replies[index - 1]?.offset === offset
      if (before) continue
      const all = replies.filter((reply, at) => at >= index && reply.offset === offset)
      this.#listener.reply(all.length === 1 ? data : all.map((reply) => reply.data).join(""), offset)
    }
  }

  resize(cols: number, rows: number): void {
    this.#emulator.resize(cols, rows)
    this.#keepLines()
  }

  /** Output before `offset` can't be had. */
  skipTo(offset: number): void {
    this.#base += offset - this.position
  }

  screen(): Screen {
    const { historyRows: _, ...screen } = this.#emulator.screen()
    const kept = this.#emulator.historyLines
    return { ...screen, offset: this.position, history: { kept, total: this.nextLine + kept } }
  }

  /** The lines that are not in the history on disk: those above the main screen and on it, and the alternate screen's. */
  tail(): TextLines {
    const { alternate } = plainScreen(this.#emulator)
    const main = this.#emulator.text({ screen: "main" })
    const lines = alternate ? [...main, ...this.#emulator.text()] : main
    return { from: this.nextLine, lines: lines.map(textOf) }
  }

  /** The same, parted into what is above the main screen and what is on the screen that is shown. */
  lines(): { readonly from: number; readonly above: ReadonlyArray<string>; readonly shown: TextLines } {
    const from = this.nextLine
    const main = this.#emulator.text({ screen: "main" })
    const firstShown = main.findIndex(({ row, rows }) => row + rows > 0)
    const above = firstShown < 0 ? main : main.slice(0, firstShown)
    const { alternate } = plainScreen(this.#emulator)
    const shown = alternate ? this.#emulator.text() : main.slice(above.length)
    const shownFrom = from + (alternate ? main.length : above.length)
    return { from, above: above.map(textOf), shown: { from: shownFrom, lines: shown.map(textOf) } }
  }

  /** Puts on disk what waits to be. */
  flush(): void {
    this.#quietly(() => {
      this.#text?.flush()
      this.#styled.flush()
    })
  }

  /** What turns a fresh terminal into this one, with up to so many lines above the screen. */
  snapshot(historyLines: number): SnapshotReply {
    const { cols, rows } = this.#emulator
    this.flush()
    const snapshot = this.#emulator.snapshot({ historyLines })
    const kept = this.#emulator.screen().historyRows
    const from = {
      directory: this.#directory,
      rows,
      nextLine: this.nextLine,
      partial: this.nextLine >= this.#erasedTo ? this.#emulator.goingLine : undefined,
      lines: historyLines - kept
    }
    return { offset: this.position - this.pendingBytes, cols, rows, data: Buffer.concat([...refill(from), snapshot]) }
  }

  /** Replaces the checkpoint. Throws the system's errors; then nothing has changed. */
  checkpoint(state: {
    readonly complete: boolean
    readonly title: string | null
    readonly activity: Activity | null
  }): CheckpointHead {
    if (this.#text === null) throw this.#failure ?? new Error("the history is closed")
    const tail = this.tail().lines
    const emulator = this.#emulator.toCheckpoint()
    if (state.complete) for (const line of tail) this.#text.append(line, this.position, Date.now())
    this.#text.flush()
    this.#styled.flush()
    const { cols, rows } = this.#emulator
    const head: CheckpointHead = {
      offset: this.position - this.pendingBytes,
      cols,
      rows,
      nextLine: this.#text.nextLine,
      emulated: state.complete ? tail.length : 0,
      erasedTo: this.#erasedTo,
      historyRows: this.#emulator.screen().historyRows,
      ...state
    }
    writeCheckpoint(this.#directory, { head, emulator, tail: state.complete ? [] : tail })
    return head
  }

  close(): void {
    this.#quietly(() => this.#text?.close())
    this.#quietly(() => this.#styled.close())
    this.#emulator.dispose()
  }

  /** The number of the first line that is not in the history. */
  get nextLine(): number {
    return this.#firstLine + this.#emulator.linesLeft
  }

  #keepLines(): void {
    const erased = this.#firstLine + this.#emulator.linesErased
    if (erased > this.#erasedTo) {
      this.#erasedTo = erased
      this.#quietly(() => this.#styled.clear(erased))
    }
    const left = this.#left
    if (left.length === 0) return
    this.#left = []
    const first = this.nextLine - left.length
    const time = Date.now()
    const offset = this.position
    this.#quietly(() => {
      for (let index = 0; index < left.length; index++) {
        const line = left[index]!
        this.#text?.append(line.text, offset, time)
        if (first + index >= this.#erasedTo) this.#styled.append(line.styled)
      }
    })
    this.#listener.gone(left)
  }

  /** The disk may be full: then the history is begun anew later, from the checkpoint before. */
  #quietly(act: () => void): void {
    if (this.#text === null) return
    try {
      act()
    } catch (error) {
      this.#failure = error as Error
      const text = this.#text
      this.#text = null
      try {
        text.close()
      } catch {
        // What could not be written can't be flushed either.
      }
    }
  }
}

const textOf = ({ text }: { readonly text: string }): string => text

/** A terminal without a screen: knows what one would show, and everything that what comes next depends on. */
import { addAnswers, answers, type Identity } from "./answers.ts"
import { mend } from "./cells.ts"
import { CHECKPOINT, type CheckpointHeader, readCheckpoint, writeCheckpoint } from "./checkpoint.ts"
import { type Colours, defaultColours } from "./colours.ts"
import { complete, lastIntroducer, wholeCharacters } from "./complete.ts"
import { type Handler, takeOver } from "./handler.ts"
import { LeavingLines, type LeftLine } from "./leaving.ts"
import { linksInUse } from "./linksInUse.ts"
import { QuestionScanner } from "./queries.ts"
import { type EmulatorScreen, readScreen } from "./screen.ts"
import { addSequences, type Sign } from "./sequences.ts"
import { writeSnapshot } from "./snapshot.ts"
import { type LogicalLine, readLines } from "./text.ts"
import { Tracked } from "./tracked.ts"
import { type Core, type Grid, makeCore } from "./xterm.ts"

export interface EmulatorOptions {
  readonly cols: number
  readonly rows: number
  /** Lines kept above the screen. */
  readonly scrollback?: number
  /** What is answered to a question for the version. */
  readonly version?: string
  /** What is answered to a question for colours. */
  readonly colours?: Colours
  /** Size of a cell in pixels. Unknown, questions for it stay without answer. */
  readonly pixels?: { readonly width: number; readonly height: number }
  /** What ENQ is answered with: nothing, as with xterm. */
  readonly answerback?: string
}

/** Largest and smallest size of a terminal. */
const LARGEST = 10_000
const SMALLEST_COLS = 2
/** A sequence that isn't complete after so many bytes goes to the parser piece by piece. */
const LONGEST_HELD = 16_384
/** The parser's own limit for one piece, less a character. */
const PIECE = 65_536

/** States of the parser below this one are those of escapes and control sequences. */
const STRINGS = 7

const nothing = new Uint8Array(0)
const clamp = (value: number, least: number): number => Math.min(LARGEST, Math.max(least, Math.trunc(value) || least))

export class Emulator {
  readonly #core: Core
  readonly #handler: Handler
  readonly #scanner = new QuestionScanner()
  readonly #scrollback: number
  #written = 0
  /** The beginning of a sequence or a character: not parsed yet. */
  #held: Uint8Array = nothing
  /** Bytes of an unfinished sequence that have been parsed. */
  #open = 0
  #askedAt = 0
  #terminator = "\x1b\\"
  #reply: ((data: string, endOfQuery: number) => void) | undefined
  #sign: ((sign: Sign) => void) | undefined
  readonly #leaving: LeavingLines

  constructor(options: EmulatorOptions) {
    this.#scrollback = Math.max(0, Math.trunc(options.scrollback ?? 1000))
    this.#core = makeCore({
      cols: clamp(options.cols, SMALLEST_COLS),
      rows: clamp(options.rows, 1),
      scrollback: this.#scrollback,
      logLevel: "off",
      windowOptions: { pushTitle: true, popTitle: true }
    })
    const handler = takeOver(this.#core, new Tracked())
    this.#handler = handler
    this.#leaving = new LeavingLines(handler)
    const identity: Identity = {
      version: options.version ?? "hob",
      colours: options.colours ?? defaultColours,
      pixels: options.pixels,
      answerback: options.answerback ?? ""
    }
    handler.identity = identity
    handler.answers = answers
    handler.reply = (data, terminate) => {
      this.#reply?.(terminate === true ? data + this.#terminator : data, this.#askedAt)
    }
    handler.sign = (sign) => this.#sign?.(sign)
    handler.tracked.links.inUse = () => linksInUse(handler)
    addSequences(handler)
    addAnswers(handler)
  }

  get cols(): number {
    return this.#core._bufferService.cols
  }

  get rows(): number {
    return this.#core._bufferService.rows
  }

  /** Bytes written so far. */
  get written(): number {
    return this.#written
  }

  /** Bytes at the end of what was written that belong to an unfinished sequence or character: they have had no effect yet. */
  get pendingBytes(): number {
    return this.#open + this.#held.length
  }

  /** @internal The library's state, for those who write and compare it. */
  get handler(): Handler {
    return this.#handler
  }

  /** What a program told last by OSC 7: a `file:` address. Empty if nothing. */
  get directory(): string {
    return this.#handler.tracked.cwd
  }

  /** What a program told last by OSC 9;4. */
  get progress() {
    return this.#handler.tracked.progress
  }

  /** Colours that are answered from now on where no program has changed them. */
  setColours(colours: Colours): void {
    this.#handler.identity.colours = colours
  }

  /** Size of a cell in pixels, as a client told it. */
  setPixels(pixels: { readonly width: number; readonly height: number } | undefined): void {
    this.#handler.identity.pixels = pixels
  }

  /**
   * Answers to questions, as they are to be typed, with the number of bytes written up to the end of the question: the
   * same for the same stream, however it is cut.
   */
  onReply(listener: (data: string, endOfQuery: number) => void): void {
    this.#reply = listener
  }

  onSign(listener: (sign: Sign) => void): void {
    this.#sign = listener
  }

  /**
   * Lines that go for good: off the top of what is kept, by a program erasing what is kept, or by a reset. A line that
   * is wrapped over rows goes as one. Told at the end of the `write` or `resize` that made them go.
   */
  onLines(listener: (lines: ReadonlyArray<LeftLine>) => void): void {
    this.#leaving.listen(listener)
  }

  /** Parses. A sequence that isn't complete waits for its end. */
  write(bytes: Uint8Array): void {
    const base = this.#written - this.#held.length
    const data = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes])
    this.#written += bytes.length
    const parser = this.#handler._parser
    let end = complete(parser._transitions.table, parser.currentState, data)
    if (data.length - end > LONGEST_HELD) end = wholeCharacters(data)
    const questions = this.#scanner.find(end === data.length ? data : data.subarray(0, end))
    end -= this.#scanner.unfinished
    let from = 0
    for (const question of questions) {
      if (!question.finished) continue
      this.#askedAt = base + question.end
      this.#terminator = data[question.end - 1] === 0x07 ? "\x07" : "\x1b\\"
      this.#parse(data, from, question.end)
      from = question.end
    }
    this.#askedAt = base + end
    this.#terminator = "\x1b\\"
    this.#parse(data, from, end)
    // A copy: the memory is the caller's, who may use it again.
    this.#held = end === data.length ? nothing : Uint8Array.from(data.subarray(end))
    const { currentState } = parser
    // What is held begins another sequence: one that was no string is given up, and its control characters are done.
    const givenUp = currentState < STRINGS && this.#held.length > 0 && lastIntroducer(this.#held) === 0
    if (currentState === 0 || givenUp) this.#open = 0
    else {
      const last = lastIntroducer(data.subarray(0, end))
      this.#open = last < 0 ? this.#open + end : end - last
    }
    this.#leaving.flush()
  }

  #parse(data: Uint8Array, from: number, end: number): void {
    for (let at = from; at < end;) {
      let to = Math.min(end, at + PIECE)
      // Not in the middle of a character: the parser's own memory for that is not to be relied upon.
      if (to < end) while (to > at + PIECE - 4 && (data[to]! & 0xc0) === 0x80) to--
      this.#handler.parse(data.subarray(at, to))
      at = to
    }
  }

  /** Another size. Lines of the main screen that were wrapped are wrapped anew. */
  resize(cols: number, rows: number): void {
    const wide = clamp(cols, SMALLEST_COLS)
    const high = clamp(rows, 1)
    if (wide === this.cols && high === this.rows) return
    const { normal, alt } = this.#core._bufferService.buffers
    const before = this.cols
    const tabs = [normal, alt].map((grid) => Object.assign({}, grid.tabs))
    const options = this.#core.optionsService.rawOptions
    // Whatever becomes too much is to go off the top where we see it.
    options.scrollback = this.#scrollback + normal.lines.length * Math.ceil(before / wide) + high + this.rows
    this.#core.resize(wide, high)
    options.scrollback = this.#scrollback
    if (alt.lines.length <= high) alt.lines.maxLength = high
    ;[normal, alt].forEach((grid, index) => this.#fit(grid, tabs[index]!, before))
    this.#trim(normal)
    for (const saved of Object.values(this.#handler.tracked.saved)) {
      if (saved === undefined) continue
      saved.x = Math.min(saved.x, wide - 1)
      saved.y = Math.min(saved.y, high - 1)
    }
    this.#handler._parser.precedingJoinState = 0
    this.#leaving.flush()
  }

  /** Mends what the library's resize leaves. */
  #fit(grid: Grid, tabs: Grid["tabs"], before: number): void {
    const { cols, rows } = this
    grid.tabs = {}
    for (const column of Object.keys(tabs).map(Number)) if (column < Math.min(before, cols)) grid.tabs[column] = true
    for (let column = Math.ceil(before / 8) * 8; column < cols; column += 8) grid.tabs[column] = true
    if (grid.lines.length === 0) return
    grid.lines.get(0)!.isWrapped = false
    while (grid.lines.length < grid.ybase + rows) grid.lines.push(grid.getBlankLine(grid.getNullCell()))
    if (grid.lines.length > grid.ybase + rows) grid.ybase = grid.lines.length - rows
    grid.ydisp = grid.ybase
    for (let index = 0; index < grid.lines.length; index++) {
      const line = grid.lines.get(index)!
      if (line.length !== cols) line.resize(cols, grid.getNullCell())
      mend(line)
    }
    grid.x = Math.min(grid.x, cols - 1)
    grid.y = Math.min(grid.y, rows - 1)
    grid.scrollTop = 0
    grid.scrollBottom = rows - 1
  }

  #trim(grid: Grid): void {
    const most = this.rows + this.#scrollback
    const tooMany = grid.lines.length - most
    if (tooMany > 0) {
      this.#leaving.leave(grid.lines, tooMany, grid.lines.get(tooMany)!.isWrapped)
      grid.lines.trimStart(tooMany)
      grid.ybase -= tooMany
      grid.ydisp = grid.ybase
    }
    grid.lines.get(0)!.isWrapped = false
    grid.lines.maxLength = most
  }

  /**
   * Bytes that turn a terminal of this size, fresh or reset (RIS), into this one, with the lines above the screen unless
   * `history` is false. Asks nothing. What comes next is the stream from `written - pendingBytes` on.
   */
  snapshot(options?: { readonly history?: boolean; readonly historyLines?: number }): Buffer {
    return Buffer.from(
      writeSnapshot(this.#handler, options?.history === false ? 0 : (options?.historyLines ?? Infinity))
    )
  }

  /** What is on the screen. */
  screen(): EmulatorScreen {
    return readScreen(this.#handler)
  }

  /** The lines that are kept and those of the screen that is shown, or of the main one, wrapped ones joined, to the last one that isn't blank. */
  text(options?: { readonly styled?: boolean; readonly screen?: "main" }): ReadonlyArray<LogicalLine> {
    const { active, normal } = this.#core._bufferService.buffers
    const grid = options?.screen === "main" ? normal : active
    return readLines(this.#handler, this.#leaving.partial, options?.styled === true, grid)
  }

  /** Rows that are kept above the main screen. */
  get historyRows(): number {
    return this.#core._bufferService.buffers.normal.ybase
  }

  /** Lines that begin in those rows, or go on in the first of them: one wrapped over rows is one. */
  get historyLines(): number {
    const { lines, ybase } = this.#core._bufferService.buffers.normal
    let count = 0
    for (let index = 0; index < ybase; index++) if (index === 0 || !lines.get(index)!.isWrapped) count++
    return count
  }

  /** How many lines have gone for good: what {@link onLines} told, in number. */
  get linesLeft(): number {
    return this.#leaving.count
  }

  /** How many of them this emulator has seen a program erase: they are not above the screen any more. */
  get linesErased(): number {
    return this.#leaving.erased
  }

  /** What has gone of a line whose rest is still kept. */
  get goingLine(): LeftLine | undefined {
    return this.#leaving.partial
  }

  /** Whether a program is in the middle of a frame (synchronized output). */
  get midFrame(): boolean {
    return this.#core.coreService.decPrivateModes.synchronizedOutput
  }

  /** Everything, to be kept while nobody needs the emulator. */
  toCheckpoint(): Buffer {
    const header: CheckpointHeader = {
      checkpoint: CHECKPOINT,
      cols: this.cols,
      rows: this.rows,
      written: this.#written - this.pendingBytes,
      linesLeft: this.#leaving.count,
      partial: this.#leaving.partial
    }
    return writeCheckpoint(header, this.snapshot())
  }

  /**
   * The emulator of a checkpoint, or undefined if it isn't one that can be read. The stream goes on at the new one's
   * `written`: what was unfinished is not in it.
   */
  static fromCheckpoint(bytes: Uint8Array, options?: Omit<EmulatorOptions, "cols" | "rows">): Emulator | undefined {
    const read = readCheckpoint(bytes)
    if (read === undefined) return undefined
    const { header, snapshot } = read
    const emulator = new Emulator({ ...options, cols: header.cols, rows: header.rows })
    emulator.write(snapshot)
    emulator.#written = header.written
    emulator.#leaving.count = header.linesLeft
    emulator.#leaving.partial = header.partial
    return emulator
  }

  dispose(): void {
    this.#reply = this.#sign = undefined
    this.#core.dispose()
  }
}

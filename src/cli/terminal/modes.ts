/**
 * What a session's output has switched on in the terminal that shows it, so that leaving can switch off exactly that.
 * Not an emulator: it knows modes, not text.
 */

const ESC = "\x1b"

/** DEC private modes that are on in a terminal at rest: they are put back on. */
const onAtRest = new Set([7, 25])
/** Private modes that are actions or the user's own settings rather than a program's: never touched. */
const notOurs = new Set([3, 40, 45, 67])
const alternateScreen = new Set([47, 1047, 1049])

const At = { ground: 0, escape: 1, csi: 2, string: 3, stringEscape: 4, intermediate: 5 } as const
type State = (typeof At)[keyof typeof At]

/** An escape sequence longer than this is not one: given up, so that garbage costs no memory. */
const LONGEST_SEQUENCE = 256

const BRACKET = 0x5b
const QUESTION_MARK = 0x3f
const LETTER_H = 0x68
const LETTER_L = 0x6c
const LETTER_M = 0x6d
/** From here on the rest of a text is searched natively, which pays for long ones. */
const SHORT_TEXT = 64
/** Last bytes of control sequences without prefix and intermediates that switch nothing. */
const passed = new Uint8Array(256)
for (const final of "@ABCDEFGHIJKLMPSTXZ`abdfginsu") passed[final.charCodeAt(0)] = 1

export class ModeTracker {
  #state: State = At.ground
  #sequence = ""
  /** Modes that differ from a terminal at rest. */
  readonly #changed = new Set<number>()
  #alternate: number | undefined
  /** Entries that kitty's keyboard protocol has on the stack of each screen. */
  #keyboard = { main: 0, alternate: 0 }
  #keyboardFlags = false
  #modifyOtherKeys = false
  #keypad = false
  #region = false
  #insert = false
  #cursorStyle = false
  #graphics = false
  #charset = false
  #hyperlink = false
  /** OSC numbers that put back a colour that was changed: 104, 110, … */
  readonly #colours = new Set<number>()

  /** In the alternate screen now. */
  get alternate(): boolean {
    return this.#alternate !== undefined
  }

  push(chunk: Uint8Array): void {
    let index = 0
    while (index < chunk.length) {
      if (this.#state === At.ground) {
        const far = Math.min(chunk.length, index + SHORT_TEXT)
        while (index < far && chunk[index] !== 0x1b) index++
        if (index === far) {
          index = chunk.indexOf(0x1b, index)
          if (index < 0) return
        }
        index = chunk[index + 1] === BRACKET ? this.#pass(chunk, index + 2) : this.#enter(index + 1)
      } else {
        this.#step(chunk[index++]!)
      }
    }
  }

  /** What comes from `index` on was escaped. */
  #enter(index: number): number {
    this.#state = At.escape
    this.#sequence = ""
    return index
  }

  /**
   * A control sequence whose parameters begin at `start`. Nearly all are colours and moves of the cursor: they are known
   * by their last byte, and passed by; the others are mostly a mode. Any other is looked at byte by byte.
   */
  #pass(chunk: Uint8Array, start: number): number {
    if (chunk[start] === QUESTION_MARK) return this.#passMode(chunk, start)
    let isSet = false
    for (let index = start; index < chunk.length; index++) {
      const byte = chunk[index]!
      if (byte >= 0x30 && byte <= 0x3b) isSet ||= byte > 0x30 && byte <= 0x39
      else if (byte === LETTER_M) {
        this.#graphics = isSet
        return index + 1
      } else if (passed[byte] === 1) return index + 1
      else break
    }
    return this.#enter(start - 1)
  }

  #passMode(chunk: Uint8Array, start: number): number {
    let mode = 0
    for (let index = start + 1; index < chunk.length && index < start + 6; index++) {
      const byte = chunk[index]!
      if (byte >= 0x30 && byte <= 0x39) mode = mode * 10 + byte - 0x30
      else if (byte === LETTER_H || byte === LETTER_L) {
        this.#mode(mode, byte === LETTER_H)
        return index + 1
      } else break
    }
    return this.#enter(start - 1)
  }

  #step(byte: number): void {
    // CAN, SUB and a new escape end whatever was begun.
    if (byte === 0x18 || byte === 0x1a) {
      this.#state = At.ground
    } else if (this.#state === At.string) {
      if (byte === 0x07) this.#endString()
      else if (byte === 0x1b) this.#state = At.stringEscape
      else if (this.#sequence.length < LONGEST_SEQUENCE) this.#sequence += String.fromCharCode(byte)
    } else if (this.#state === At.stringEscape) {
      this.#endString()
      if (byte !== 0x5c) this.#begin(byte)
    } else if (byte === 0x1b) {
      this.#state = At.escape
      this.#sequence = ""
    } else if (this.#state === At.escape) {
      this.#begin(byte)
    } else if (this.#state === At.intermediate) {
      if (byte >= 0x30) this.#endEscape(byte)
    } else if (byte >= 0x40 && byte <= 0x7e) {
      this.#state = At.ground
      this.#control(String.fromCharCode(byte))
    } else if (byte >= 0x20) {
      this.#sequence += String.fromCharCode(byte)
      if (this.#sequence.length > LONGEST_SEQUENCE) this.#state = At.ground
    }
  }

  /** The byte after Escape. */
  #begin(byte: number): void {
    this.#sequence = ""
    if (byte === 0x5b) this.#state = At.csi
    else if (byte === 0x5d || byte === 0x50 || byte === 0x58 || byte === 0x5e || byte === 0x5f) {
      this.#state = At.string
      this.#sequence = String.fromCharCode(byte)
    } else if (byte >= 0x20 && byte <= 0x2f) {
      this.#state = At.intermediate
      this.#sequence = String.fromCharCode(byte)
    } else this.#endEscape(byte)
  }

  #endEscape(byte: number): void {
    this.#state = At.ground
    const sequence = this.#sequence + String.fromCharCode(byte)
    if (sequence === "=") this.#keypad = true
    else if (sequence === ">") this.#keypad = false
    else if (sequence === "c") this.#reset()
    else if (sequence === "(B") this.#charset = false
    else if (/^[()*+][^B]/.test(sequence)) this.#charset = true
  }

  /** A CSI sequence: `#sequence` has its parameters and intermediates. */
  #control(final: string): void {
    const [, prefix, parameters, intermediates] = /^([<=>?]?)([\d;:]*)([ -/]*)$/.exec(this.#sequence) ?? []
    if (parameters === undefined) return
    const numbers = parameters.split(/[;:]/).map(Number)
    const key = `${prefix}${intermediates}${final}`
    if (key === "?h" || key === "?l") for (const mode of numbers) this.#mode(mode, final === "h")
    else if (key === "h" || key === "l") {
      if (numbers.includes(4)) this.#insert = final === "h"
    } else if (key === "m") this.#graphics = numbers.some((number) => number !== 0)
    else if (key === ">m") this.#modifyOtherKeys = numbers[0] === 4 && (numbers[1] ?? 0) !== 0
    else if (key === "r") this.#region = parameters !== ""
    else if (key === " q") this.#cursorStyle = numbers[0] !== 0
    else if (key === "!p") this.#softReset()
    else if (key === ">u") this.#keyboardStack(1)
    else if (key === "<u") this.#keyboardStack(-Math.max(1, numbers[0] || 1))
    else if (key === "=u") this.#keyboardFlags = numbers[0] !== 0
  }

  #keyboardStack(change: number): void {
    const screen = this.alternate ? "alternate" : "main"
    this.#keyboard[screen] = Math.max(0, this.#keyboard[screen] + change)
  }

  #mode(mode: number, on: boolean): void {
    if (alternateScreen.has(mode)) {
      this.#alternate = on ? mode : undefined
      if (on) this.#keyboard.alternate = 0
    } else if (!notOurs.has(mode)) {
      if (on === onAtRest.has(mode)) this.#changed.delete(mode)
      else this.#changed.add(mode)
    }
  }

  #endString(): void {
    this.#state = At.ground
    const command = /^\](\d+)(?:;([^]*))?$/.exec(this.#sequence)
    if (command === null) return
    const number = Number(command[1])
    const value = command[2] ?? ""
    if (number === 8) this.#hyperlink = !value.endsWith(";")
    // A `?` asks for the colour. 104 and 110 to 119 put back what 4 and 10 to 19 changed.
    else if ((number === 4 || (number >= 10 && number <= 19)) && !value.endsWith("?")) this.#colours.add(number + 100)
    else if (number >= 104 && number <= 119) this.#colours.delete(number)
  }

  #softReset(): void {
    for (const mode of [1, 6, 7, 25]) this.#changed.delete(mode)
    this.#insert = this.#keypad = this.#region = this.#graphics = this.#charset = false
  }

  #reset(): void {
    this.#softReset()
    this.#changed.clear()
    this.#colours.clear()
    this.#alternate = undefined
    this.#keyboard = { main: 0, alternate: 0 }
    this.#keyboardFlags = this.#modifyOtherKeys = this.#cursorStyle = this.#hyperlink = false
  }

  /**
   * The part of {@link restore} that does harm when it isn't needed: screens, keyboard stacks, margins. Short, so that
   * it can be handed to somebody who outlives us.
   */
  restoreLayout(): string {
    let text = ""
    // Each screen has a stack of its own, so what was pushed there is popped there.
    if (this.#keyboardFlags) text += `${ESC}[=0u`
    if (this.alternate && this.#keyboard.alternate > 0) text += `${ESC}[<${this.#keyboard.alternate}u`
    // Origin mode is part of a saved cursor, so it ends before. Both it and the margins send the cursor home.
    if (this.#changed.has(6)) text += `${ESC}[?6l`
    if (this.#region) text += `${ESC}7${ESC}[r${ESC}8`
    if (this.#alternate !== undefined) text += `${ESC}[?${this.#alternate}l`
    if (this.#keyboard.main > 0) text += `${ESC}[<${this.#keyboard.main}u`
    return text
  }

  /** What brings the terminal back to rest, and nothing if it is. The cursor stays where it is. */
  restore(): string {
    // A sequence that was cut off must not swallow what follows.
    let text = this.#state === At.ground ? "" : `\x18${ESC}\\`
    const has = (mode: number) => this.#changed.has(mode)
    if (has(2026)) text += `${ESC}[?2026l`
    if (this.#hyperlink) text += `${ESC}]8;;${ESC}\\`
    if (this.#graphics) text += `${ESC}[0m`
    if (this.#charset) text += `${ESC}(B\x0f`
    if (this.#insert) text += `${ESC}[4l`
    if (this.#modifyOtherKeys) text += `${ESC}[>4;0m`
    text += this.restoreLayout()
    for (const mode of this.#changed) {
      if (mode !== 6 && mode !== 2026) text += `${ESC}[?${mode}${onAtRest.has(mode) ? "h" : "l"}`
    }
    if (this.#keypad) text += `${ESC}>`
    if (this.#cursorStyle) text += `${ESC}[0 q`
    for (const number of this.#colours) text += `${ESC}]${number}${ESC}\\`
    return text
  }
}

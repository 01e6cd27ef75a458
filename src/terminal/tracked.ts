/** What a terminal has to remember beside what `@xterm/headless` does. */
import { Links } from "./links.ts"
import type { Charset, Pen } from "./xterm.ts"

/** What DECSC keeps. `x` is the number of columns when the next character would wrap; `y` counts from the screen's top. */
export interface SavedCursor {
  x: number
  y: number
  pen: Pen
  charsets: Array<Charset | undefined>
  level: number
  origin: boolean
}

export type Rgb = readonly [red: number, green: number, blue: number]

/** A program's progress, as OSC 9;4 says it. */
export interface Progress {
  readonly state: "normal" | "error" | "indeterminate" | "paused"
  /** 0 to 100. */
  readonly value: number
}

/** Entries of kitty's keyboard stack kept for each screen; the oldest is lost beyond. */
const KEYBOARD_STACK = 8
/** Different private modes without a meaning for us that are remembered. */
const OTHER_MODES = 64

/** Which of the screens: each has things of its own. */
export type ScreenName = "main" | "alternate"

export class Tracked {
  readonly links = new Links()
  saved: Record<ScreenName, SavedCursor | undefined> = { main: undefined, alternate: undefined }
  /** Kitty's keyboard protocol: the flags of each level. An empty stack is the same as `[0]`. */
  keyboard: Record<ScreenName, Array<number>> = { main: [], alternate: [] }
  /** XTMODKEYS and XTFMTKEYS: resource → value. 4 is modifyOtherKeys. */
  readonly modifyKeys = new Map<number, number>()
  readonly formatKeys = new Map<number, number>()
  /** Private modes that are on and that the library doesn't know. Mouse encodings are among them. */
  readonly modes = new Set<number>()
  /** What XTSAVE keeps. */
  readonly savedModes = new Map<number, boolean>()
  /** Changed colours: 0 to 255 of the palette; 1000 + n for OSC n (10 to 19). */
  readonly colours = new Map<number, Rgb>()
  cwd = ""
  progress: Progress | undefined

  setMode(mode: number, on: boolean): void {
    if (!on) this.modes.delete(mode)
    else if (this.modes.size < OTHER_MODES) this.modes.add(mode)
  }

  pushKeyboard(screen: ScreenName, flags: number): void {
    const stack = this.keyboard[screen]
    if (stack.length === 0) stack.push(0)
    stack.push(flags & 31)
    if (stack.length > KEYBOARD_STACK) stack.shift()
  }

  popKeyboard(screen: ScreenName, count: number): void {
    const stack = this.keyboard[screen]
    stack.length = Math.max(0, stack.length - count)
    if (stack.length === 1 && stack[0] === 0) stack.length = 0
  }

  /** `how`: 1 sets exactly these flags, 2 adds them, 3 takes them away. */
  setKeyboard(screen: ScreenName, flags: number, how: number): void {
    const stack = this.keyboard[screen]
    const present = stack.pop() ?? 0
    const bits = flags & 31
    stack.push(how === 2 ? present | bits : how === 3 ? present & ~bits : how === 1 ? bits : present)
    if (stack.length === 1 && stack[0] === 0) stack.length = 0
  }

  keyboardFlags(screen: ScreenName): number {
    return this.keyboard[screen].at(-1) ?? 0
  }

  /** RIS. */
  reset(): void {
    this.saved = { main: undefined, alternate: undefined }
    this.keyboard = { main: [], alternate: [] }
    this.modifyKeys.clear()
    this.formatKeys.clear()
    this.modes.clear()
    this.savedModes.clear()
    this.colours.clear()
    this.progress = undefined
  }
}

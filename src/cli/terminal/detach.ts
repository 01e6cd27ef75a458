import { keyBytes, parseKey, type Key } from "../keys.ts"

const ESC = 0x1b
/** More of an escape sequence than a keyboard ever sends: no longer held back. */
const LONGEST_SEQUENCE = 64

/** What of the input goes on to the session, and whether the detach key was in it. */
export interface Sifted {
  readonly forward: Buffer
  readonly detached: boolean
}

/** A key as the keyboard protocols of kitty and xterm report it. Lock keys and left or right do not matter. */
const reported = (sequence: string): { code: number; modifier: number; event: number } | undefined => {
  // oxlint-disable-next-line no-control-regex
  const kitty = /^\u001b\[(\d+)(?::[\d:]*)?(?:;(\d*)(?::(\d+))?)?(?:;[\d:]*)?u$/.exec(sequence)
  // oxlint-disable-next-line no-control-regex
  const xterm = kitty === null ? /^\u001b\[27;(\d+);(\d+)~$/.exec(sequence) : null
  if (kitty === null && xterm === null) return undefined
  const modifiers = Number((kitty === null ? xterm![1] : kitty[2]) || 1) - 1
  return {
    code: Number(kitty === null ? xterm![2] : kitty[1]),
    modifier: modifiers & 0b111,
    event: Number(kitty?.[3] ?? 1)
  }
}

const codePoint = (key: Key): number | undefined => {
  const named: Readonly<Record<string, number>> = { space: 32, enter: 13, tab: 9, escape: 27, backspace: 127 }
  return named[key.name] ?? ([...key.name].length === 1 ? key.name.codePointAt(0) : undefined)
}

/** One key of the detach sequence, in every form a terminal may send it. */
const matcher = (text: string): ((token: Buffer) => boolean) | undefined => {
  const key = parseKey(text)
  const bytes = keyBytes(text)
  if (key === undefined || bytes === undefined) return undefined
  const code = codePoint(key)
  const modifier = (key.shift ? 1 : 0) | (key.alt ? 2 : 0) | (key.ctrl ? 4 : 0)
  return (token) => {
    if (token.equals(bytes)) return true
    const report = token.length > 3 ? reported(token.toString("latin1")) : undefined
    return report !== undefined && report.event !== 3 && report.code === code && report.modifier === modifier
  }
}

/** A report that says only that a key was let go, or that a modifier moved: it does not interrupt a sequence of keys. */
const isSilent = (token: Buffer): boolean => {
  const report = token.length > 3 ? reported(token.toString("latin1")) : undefined
  return report !== undefined && (report.event === 3 || (report.code >= 57_441 && report.code <= 57_454))
}

/** How `sessions.detachKey` may be written: one key, or several with spaces between. */
export const isDetachKey = (spec: string): boolean => {
  const keys = spec.trim().split(/\s+/)
  return keys.every((key) => matcher(key) !== undefined)
}

/**
 * Looks for the detach key in what is typed. A key may arrive in several reads, and in the forms of the keyboard
 * protocols that a program inside switched on: `C-\` is byte 28, `CSI 92;5u` or `CSI 27;5;92~`.
 *
 * Keys of a longer sequence are held back until it is complete or broken. A single Escape is never held: it goes on at
 * once, and a sequence whose first byte it turns out to have been is still recognised.
 */
export class DetachSifter {
  readonly #steps: ReadonlyArray<(token: Buffer) => boolean>
  /** The first key's plain form begins with it; every other form begins with Escape. */
  readonly #firstByte: number
  #matched = 0
  #held: Array<Buffer> = []
  /** An escape sequence whose end has not arrived. */
  #partial: Buffer = Buffer.alloc(0)
  /** Bytes at the beginning of `#partial` that went on already: the single Escape. */
  #wentOn = 0

  /** `spec` as {@link isDetachKey} accepts it; the empty string never detaches. */
  constructor(spec: string) {
    const keys = spec.trim() === "" ? [] : spec.trim().split(/\s+/)
    this.#steps = keys.map((key) => matcher(key) ?? (() => false))
    this.#firstByte = (keys[0] === undefined ? undefined : keyBytes(keys[0])?.[0]) ?? ESC
  }

  /** True while an unfinished escape sequence is held back: call {@link flush} if nothing follows for a moment. */
  get waiting(): boolean {
    return this.#partial.length > this.#wentOn
  }

  /** Gives up the unfinished escape sequence: it was not the beginning of anything. */
  flush(): Buffer {
    const rest = Buffer.concat([...this.#release(), this.#partial.subarray(this.#wentOn)])
    this.#partial = Buffer.alloc(0)
    this.#wentOn = 0
    return rest
  }

  push(chunk: Buffer): Sifted {
    if (this.#steps.length === 0) return { forward: chunk, detached: false }
    // Escape and then an ordinary key are two keys, however long ago the first one was.
    if (!this.waiting && chunk[0] !== 0x5b && chunk[0] !== 0x4f) {
      this.#partial = Buffer.alloc(0)
      this.#wentOn = 0
    }
    const wentOn = this.#wentOn
    const data = this.#partial.length === 0 ? chunk : Buffer.concat([this.#partial, chunk])
    this.#partial = Buffer.alloc(0)
    this.#wentOn = 0
    if (this.#matched === 0 && !data.includes(ESC) && !data.includes(this.#firstByte)) {
      return { forward: data, detached: false }
    }
    const forward: Array<Buffer> = []
    let position = 0
    while (position < data.length) {
      const length = tokenLength(data, position)
      const token = data.subarray(position, position + Math.abs(length))
      const unsent = position === 0 ? token.subarray(wentOn) : token
      position += token.length
      if (length < 0 && token.length === 1) {
        this.#partial = Buffer.of(ESC)
        this.#wentOn = 1
        forward.push(...this.#release(), unsent)
      } else if (length < 0 && token.length < LONGEST_SEQUENCE) {
        this.#partial = Buffer.from(token)
        this.#wentOn = token.length - unsent.length
      } else if (this.#take(token, unsent, forward)) {
        return { forward: Buffer.concat(forward), detached: true }
      }
    }
    return { forward: Buffer.concat(forward), detached: false }
  }

  #release(): ReadonlyArray<Buffer> {
    const held = this.#held
    this.#held = []
    this.#matched = 0
    return held
  }

  /** True when `token` was the last key of the sequence. */
  #take(token: Buffer, unsent: Buffer, forward: Array<Buffer>): boolean {
    if (this.#matched > 0 && isSilent(token)) {
      this.#held.push(Buffer.from(unsent))
      return false
    }
    if (!this.#steps[this.#matched]!(token)) {
      forward.push(...this.#release())
      if (!this.#steps[0]!(token)) {
        forward.push(unsent)
        return false
      }
    }
    this.#matched++
    this.#held.push(Buffer.from(unsent))
    return this.#matched === this.#steps.length
  }
}

/** The length of the key at `position`; negative when the data ends inside of it. */
const tokenLength = (data: Buffer, position: number): number => {
  if (data[position] !== ESC) return 1
  const rest = data.length - position
  if (rest === 1) return -1
  const second = data[position + 1]!
  if (second === 0x4f) return rest < 3 ? -2 : 3
  if (second !== 0x5b) return 2
  for (let index = position + 2; index < data.length; index++) {
    const byte = data[index]!
    if (byte < 0x20 || byte > 0x3f) return index - position + 1
  }
  return -rest
}

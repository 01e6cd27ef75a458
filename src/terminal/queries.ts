/**
 * Questions that a program asks its terminal. Whoever keeps the session answers them; a terminal that is shown the same
 * bytes must not answer as well, or the answer is typed twice. So they are found here and taken out, and everything
 * else is left as it is, byte for byte.
 *
 * The command line's fast path loads it: it imports nothing but what asks.
 */
import { asking, asks, withoutQuestions } from "./asking.ts"

/** A question, by the positions of its bytes. */
export interface Question {
  readonly start: number
  readonly end: number
  /** What is left of it: control characters inside, and the parts of a colour sequence that set something. */
  readonly rest: string
  /** Whether its last byte is there; otherwise it goes on in the next piece. */
  readonly finished: boolean
}

const ESC = 0x1b
const BEL = 0x07
const CAN = 0x18
const SUB = 0x1a
const ENQ = 0x05
/** First byte of the control characters U+0080 to U+009F as UTF-8. */
const C1 = 0xc2

/** Whether the second byte makes it one of them. */
const isControl = (second: number): boolean => second >= 0x80 && second <= 0x9f

/** A string that an escape ends is one; one that a control character of eight bits ends is none. */
const ENDED = "\x1b\\"
const CANCELLED = "\x18"

/** A possible question longer than this is none. */
const LONGEST = 4096
/** Control data of a picture (kitty) comes first and is short. */
const LONGEST_PICTURE = 512

/** Whether the last three bytes, as one number, end in a character of UTF-8 of which more is to come. */
const isHalf = (last: number): boolean => {
  const [third, second, first] = [last >>> 16, (last >>> 8) & 0xff, last & 0xff]
  const goesOn = (byte: number) => (byte & 0xc0) === 0x80
  if (first >= C1) return !isStray(first)
  return goesOn(first) && ((second >= 0xe0 && second < 0xf5) || (goesOn(second) && third >= 0xf0 && third < 0xf5))
}

/** Begins no character of UTF-8: it is as if it were not there. */
const isStray = (byte: number): boolean => (byte >= 0x80 && byte < C1) || byte > 0xf4

/** Bytes that matter in strings. */
const inString = new Uint8Array(256)
for (const byte of [ESC, BEL, CAN, SUB, C1]) inString[byte] = 1

/** Final bytes of control sequences that may be questions. */
const finals = new Uint8Array(256)
for (const final of "cnpqutmgSxywv|R") finals[final.charCodeAt(0)] = 1

/** Final bytes of control sequences that ask nothing, whatever their numbers: without a prefix, and behind `?`. */
const silent = new Uint8Array(256)
const silentPrivate = new Uint8Array(256)
for (let final = 0x40; final < 0x7f; final++) silent[final] = silentPrivate[final] = 1 - finals[final]!
for (const final of "mg") silent[final.charCodeAt(0)] = 1

/** From here on the rest of a text is searched natively, which pays for long ones. */
const SHORT_TEXT = 64

const text = (data: Uint8Array, start: number, end: number): string => {
  let result = ""
  for (let at = start; at < end; at++) result += String.fromCharCode(data[at]!)
  return result
}

/** Control characters among the bytes of a sequence take effect at once, whatever the sequence is. One of them asks. */
const controls = (data: Uint8Array, start: number, end: number): string => {
  let result = ""
  for (let at = start; at < end; at++) {
    const byte = data[at]!
    if (byte < 0x20 && byte !== ESC && byte !== ENQ) result += String.fromCharCode(byte)
  }
  return result
}

const indexOrEnd = (data: Uint8Array, byte: number, from: number): number => {
  const found = data.indexOf(byte, from)
  return found < 0 ? data.length : found
}

const nothing = new Uint8Array(0)

/** A string that BEL ends is an operating system command; others end with a terminator. */
const Inside = { text: 0, string: 1, question: 2, command: 3 } as const

/** Finds questions in a stream, piece by piece. */
export class QuestionScanner {
  /** A string that is no question, or one that is: how the next piece begins. */
  #inside: (typeof Inside)[keyof typeof Inside] = Inside.text
  #unfinished = 0
  /** What was no question has been ended by the beginning of what comes now: what ends it as well. */
  #cutShort = ""
  /** The same of what is being looked at. */
  #abandoned = false
  #found: Array<Question> = []
  #data: Uint8Array = nothing
  /** There is an ENQ inside the sequence. */
  #enquiry = false
  /** The last three bytes of the pieces before, as one number. */
  #before = 0
  /** Where the next ENQ, and the next C1, is in what is being looked at; less than where that is: unknown. */
  #nextEnquiry = -1
  #nextC1 = -1

  /** Bytes at the end of the last piece that may begin a question. They have to be in front of the next piece. */
  get unfinished(): number {
    return this.#unfinished
  }

  /** The questions of a piece, in order. */
  find(data: Uint8Array): ReadonlyArray<Question> {
    this.#found = []
    this.#data = data
    this.#unfinished = 0
    this.#nextEnquiry = this.#nextC1 = -1
    let at = 0
    const { length } = data
    while (at < length) {
      if (this.#inside !== Inside.text) at = this.#string(data, at, at)
      else {
        at = this.#pass(data, at)
        if (at === length) break
        this.#abandoned = false
        at = this.#begin(data, at)
        if (this.#unfinished === 0) this.#cutShort = this.#abandoned ? ENDED : ""
      }
    }
    this.#before = this.#lastBefore(length - this.#unfinished)
    this.#data = nothing
    return this.#found
  }

  /** Past text and control sequences that ask nothing, which is nearly everything; gives where anything else begins. */
  #pass(data: Uint8Array, from: number): number {
    const { length } = data
    let at = from
    // What there are few of is searched natively, once.
    if (this.#nextEnquiry < at) this.#nextEnquiry = indexOrEnd(data, ENQ, at)
    if (this.#nextC1 < at) this.#nextC1 = indexOrEnd(data, C1, at)
    const stop = Math.min(this.#nextEnquiry, this.#nextC1)
    for (;;) {
      const far = Math.min(stop, at + SHORT_TEXT)
      while (at < far && data[at] !== ESC) at++
      if (at === far && at < stop) at = Math.min(indexOrEnd(data, ESC, at), stop)
      if (at >= stop || data[at + 1] !== 0x5b) return at
      let end = at + 2
      const isPrivate = data[end] === 0x3f
      if (isPrivate) end++
      while (end < length && data[end]! >= 0x30 && data[end]! <= 0x3b) end++
      if (end === length || (isPrivate ? silentPrivate : silent)[data[end]!] === 0) return at
      this.#cutShort = ""
      at = end + 1
    }
  }

  /** The three bytes in front of `end`. */
  #lastBefore(end: number): number {
    let last = this.#before
    for (let at = Math.max(0, end - 3); at < end; at++) last = ((last << 8) | this.#data[at]!) & 0xffffff
    return last
  }

  #add(start: number, end: number, rest = "", finished = true): void {
    // Without the question, what is in front of it still has to end, and half a character must not find another half.
    if (isHalf(this.#lastBefore(start))) rest = `\0${rest}`
    this.#found.push({ start, end, rest: this.#cutShort + rest, finished })
    this.#cutShort = ""
  }

  /** The sequence that goes on from `start` is cut off by the end of the piece. Gives that end. */
  #hold(data: Uint8Array, start: number): number {
    if (data.length - start <= LONGEST) this.#unfinished = data.length - start
    return data.length
  }

  /** To the end of a string from `at` on; a question reaches from `start`. */
  #string(data: Uint8Array, start: number, from: number): number {
    const question = this.#inside === Inside.question
    let at = from
    for (; at < data.length; at++) {
      const byte = data[at]!
      if (inString[byte] === 0) continue
      let end = at + 1
      if (byte === ESC || byte === C1) {
        if (at + 1 === data.length) {
          // The terminator may be cut in two.
          if (question && at > start) this.#add(start, at, "", false)
          this.#unfinished = 1
          return data.length
        }
        if (byte === C1 && !isControl(data[at + 1]!)) continue
        // Another escape or control character than the terminator ends the string as well, and begins something.
        end = data[at + 1] === (byte === ESC ? 0x5c : 0x9c) ? at + 2 : at
      } else if (byte === BEL && this.#inside !== Inside.command) continue
      this.#inside = Inside.text
      if (question) this.#add(start, end)
      else if (end === at) this.#cutShort = byte === ESC ? ENDED : CANCELLED
      return end
    }
    if (question) this.#add(start, data.length, "", false)
    return data.length
  }

  /** What reaches from `start` to `end` asks nothing, unless there is an ENQ in it. Gives `next`. */
  #leave(data: Uint8Array, start: number, end: number, next = end): number {
    if (this.#enquiry) {
      for (let at = data.indexOf(ENQ, start); at >= 0 && at < end; at = data.indexOf(ENQ, at + 1)) this.#add(at, at + 1)
    }
    return next
  }

  /** A string follows that asks nothing. */
  #passString(
    data: Uint8Array,
    start: number,
    from: number,
    next: number,
    kind: typeof Inside.string | typeof Inside.command = Inside.string
  ): number {
    this.#inside = kind
    return this.#leave(data, start, from, next)
  }

  /** An escape, ENQ or the beginning of a control character of two bytes at `start`. */
  #begin(data: Uint8Array, start: number): number {
    const byte = data[start]!
    this.#enquiry = false
    if (byte === ENQ) {
      this.#add(start, start + 1)
      return start + 1
    }
    let at = start + 1
    if (byte === C1) {
      if (at === data.length) return this.#hold(data, start)
      const second = data[at]!
      if ((second & 0xc0) !== 0x80) return at
      at++
      if (second === 0x9b) return this.#control(data, start, at)
      if (second === 0x9d) return this.#osc(data, start, at)
      if (second === 0x90) return this.#dcs(data, start, at)
      if (second === 0x9f) return this.#picture(data, start, at)
      if (second === 0x98 || second === 0x9e) return this.#passString(data, start, at, at)
      if (second === 0x9a) this.#add(start, at)
      return at
    }
    return this.#escape(data, start, at)
  }

  #escape(data: Uint8Array, start: number, from: number): number {
    let at = from
    // Control characters between the escape and what it escapes take effect, and change nothing else.
    for (; at < data.length && data[at]! < 0x20 && data[at] !== ESC && data[at] !== CAN && data[at] !== SUB; at++) {
      if (data[at] === ENQ) this.#enquiry = true
    }
    if (at === data.length) return this.#hold(data, start)
    if (data[at]! >= 0x20 && data[at]! < 0x30) return this.#designation(data, start, at)
    const byte = data[at++]!
    switch (byte) {
      case 0x5b:
        return this.#control(data, start, at)
      case 0x5d:
        return this.#osc(data, start, at)
      case 0x50:
        return this.#dcs(data, start, at)
      case 0x5f:
        return this.#picture(data, start, at)
      case 0x58:
      case 0x5e:
        return this.#passString(data, start, at, at)
      case 0x5a:
        this.#add(start, at, controls(data, start, at))
        return at
      case ESC:
        // Abandoned. If what follows is taken out, this has to go too, or it would swallow what comes after.
        return this.#escape(data, start, at)
      default:
        return byte < 0x80 ? this.#leave(data, start, at) : this.#abandon(data, start, at - 1)
    }
  }

  /** An escape with intermediate characters, up to its final one. */
  #designation(data: Uint8Array, start: number, from: number): number {
    for (let at = from; at < data.length; at++) {
      const byte = data[at]!
      if (byte === ESC || byte > 0x7f) return this.#abandon(data, start, at)
      if (byte === ENQ) this.#enquiry = true
      if (byte === CAN || byte === SUB || (byte >= 0x30 && byte < 0x7f)) return this.#leave(data, start, at + 1)
    }
    return this.#hold(data, start)
  }

  /** What reaches from `start` to `end` is not finished: something else begins there. */
  #abandon(data: Uint8Array, start: number, end: number): number {
    this.#abandoned = true
    return this.#leave(data, start, end)
  }

  #control(data: Uint8Array, start: number, from: number): number {
    for (let at = from; at < data.length; at++) {
      const byte = data[at]!
      if (byte >= 0x40) {
        if (byte === 0x7f || isStray(byte)) continue
        // Any other character abandons it.
        if (byte > 0x7f) return this.#abandon(data, start, at)
        // Colours and styles are what most sequences are; only those with a prefix ask.
        const plain = (byte === 0x6d || byte === 0x67) && data[from]! >= 0x20 && data[from] !== 0x3f
        if (finals[byte] === 1 && !plain) {
          const inner = controls(data, start, at)
          // oxlint-disable-next-line no-control-regex
          const body = text(data, from, at).replace(/[\x00-\x1f\x7f-\xc1\xf5-\xff]/g, "")
          if (asks(body, String.fromCharCode(byte))) {
            this.#add(start, at + 1, inner)
            return at + 1
          }
        }
        return this.#leave(data, start, at + 1)
      }
      if (byte >= 0x20) continue
      if (byte === ESC) return this.#escape(data, start, at + 1)
      if (byte === ENQ) this.#enquiry = true
      if (byte === CAN || byte === SUB) return this.#leave(data, start, at + 1)
    }
    return this.#hold(data, start)
  }

  #osc(data: Uint8Array, start: number, from: number): number {
    let at = from
    let number = 0
    while (at < data.length && data[at]! >= 0x30 && data[at]! <= 0x39) number = number * 10 + data[at++]! - 0x30
    if (at === data.length) return this.#hold(data, start)
    if (data[at] !== 0x3b || !asking(number)) return this.#passString(data, start, from, at, Inside.command)
    const payload = at + 1
    let clipboard = false
    for (at = payload; at < data.length && !clipboard; at++) {
      if (inString[data[at]!] === 1 && (data[at] !== C1 || at + 1 === data.length || isControl(data[at + 1]!))) break
      // What goes to the clipboard is as long as it likes; a question is its first character.
      clipboard = number === 52 && at > payload && data[at - 1] === 0x3b && data[at] !== 0x3f
    }
    if (clipboard) return this.#passString(data, start, from, at, Inside.command)
    if (at === data.length || ((data[at] === ESC || data[at] === C1) && at + 1 === data.length)) {
      return data.length - start > LONGEST
        ? this.#passString(data, start, from, at, Inside.command)
        : this.#hold(data, start)
    }
    const rest = withoutQuestions(number, text(data, payload, at))
    if (rest === undefined) return this.#passString(data, start, from, at, Inside.command)
    const byte = data[at]!
    const ends =
      byte === BEL || byte === CAN || byte === SUB ? 1 : data[at + 1] === (byte === ESC ? 0x5c : 0x9c) ? 2 : 0
    const end = at + ends
    this.#add(start, end, controls(data, start, from) + (rest === "" ? "" : `\x1b]${rest}\x1b\\`))
    return end
  }

  #dcs(data: Uint8Array, start: number, from: number): number {
    let at = from
    while (at < data.length && data[at]! < 0x40 && (data[at]! >= 0x20 || inString[data[at]!] === 0)) at++
    if (at === data.length) return this.#hold(data, start)
    const kind = text(data, from, at + 1)
    if (!/^[\d;:<=>?]*(?:[$+]q|\+Q)$/.test(kind)) return this.#passString(data, start, from, at)
    return this.#question(data, start, from, at + 1)
  }

  /** A question that is a string: from its beginning up to `at` it is known to be one. */
  #question(data: Uint8Array, start: number, from: number, at: number): number {
    this.#inside = Inside.question
    this.#add(start, at, controls(data, start, from), false)
    return at
  }

  /** An APC string: a picture's question (`a=q`), or something else. */
  #picture(data: Uint8Array, start: number, from: number): number {
    let at = from
    if (at === data.length) return this.#hold(data, start)
    if (data[at] === 0x47) {
      while (at < data.length && data[at] !== 0x3b && inString[data[at]!] === 0 && at - from < LONGEST_PICTURE) at++
      if (at === data.length) return this.#hold(data, start)
      if (/[G,]a=q(?:,|$)/.test(text(data, from, at))) return this.#question(data, start, from, at)
    }
    return this.#passString(data, start, from, at)
  }
}

/** A stream without its questions. */
export class QueryFilter {
  readonly #scanner = new QuestionScanner()
  #held: Uint8Array = nothing

  /** Bytes that are kept because they may begin a question: what was pushed, less this, is in what was given back. */
  get held(): number {
    return this.#held.length
  }

  /** The next piece without questions. What is given back may share memory with `chunk`. */
  push(chunk: Uint8Array): Uint8Array {
    let data = chunk
    if (this.#held.length > 0) {
      data = new Uint8Array(this.#held.length + chunk.length)
      data.set(this.#held)
      data.set(chunk, this.#held.length)
      this.#held = nothing
    }
    const questions = this.#scanner.find(data)
    const end = data.length - this.#scanner.unfinished
    // A copy: the memory is the caller's.
    if (end < data.length) this.#held = Uint8Array.from(data.subarray(end))
    if (questions.length === 0) return end === data.length ? data : data.subarray(0, end)
    const kept = new Uint8Array(questions.reduce((sum, question) => sum + question.rest.length, end))
    let length = 0
    let from = 0
    for (const question of questions) {
      kept.set(data.subarray(from, question.start), length)
      length += question.start - from
      for (let index = 0; index < question.rest.length; index++) kept[length++] = question.rest.charCodeAt(index)
      from = question.end
    }
    kept.set(data.subarray(from, end), length)
    return kept.subarray(0, length + end - from)
  }

  /** What was held back, when nothing more comes. */
  end(): Uint8Array {
    const held = this.#held
    this.#held = nothing
    return held
  }
}

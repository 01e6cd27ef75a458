/**
 * Whether a text is JSON of the plain kind that most messages are: no white space, texts without escapes, numbers without
 * exponents, at most two levels deep, and not long. True is certain; false means that it has to be parsed to know. It
 * costs a fifth of `JSON.parse`, which makes the value, and of a message that is only carried nobody needs that.
 */
export const isPlainJson = (text: string): boolean => text.length <= MAX_LENGTH && PLAIN.test(text)

/** Of longer ones a regular expression, which goes through them by the character, is no faster. */
const MAX_LENGTH = 1024

const string = String.raw`"[^"\\\x00-\x1f]*"`
// So short that it is a number to every reader, as the sender meant it.
const number = String.raw`-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?`
const scalar = `${string}|${number}|true|false|null`
const list = (item: string): string => `(?:${item}(?:,${item})*)?`
const nested = (value: string): string =>
  String.raw`${scalar}|\{${list(`${string}:(?:${value})`)}\}|\[${list(`(?:${value})`)}\]`

const PLAIN = new RegExp(`^(?:${nested(nested(scalar))})$`)

const QUOTE = 0x22
const BACKSLASH = 0x5c
const SPACE = 0x20
const ZERO = 0x30

/** A text as JSON: `JSON.stringify`, at a fifth of its price for the short ones without escapes that most are. */
export const quoted = (text: string): string => {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    // Halves of surrogate pairs are escaped where the other half is missing.
    if (code < SPACE || code === QUOTE || code === BACKSLASH || code >= 0xd800) return JSON.stringify(text)
  }
  return `"${text}"`
}

/** Where the text that begins at `from` is closed, if it is JSON without escapes; -1 otherwise. */
export const endOfPlainText = (line: string, from: number): number => {
  for (let at = from; ; at++) {
    const code = line.charCodeAt(at)
    if (code === QUOTE) return at
    if (code === BACKSLASH || !(code >= SPACE)) return -1
  }
}

/** Where a whole number of JSON ends that is not negative; -1 where there is none. */
export const endOfWhole = (text: string, from: number): number => {
  let at = from
  for (let code = text.charCodeAt(at); code >= ZERO && code <= ZERO + 9;) code = text.charCodeAt(++at)
  const digits = at - from
  return digits === 0 || (digits > 1 && text.charCodeAt(from) === ZERO) ? -1 : at
}

/** The number that these digits are. */
export const wholeOf = (text: string, from: number, end: number): number => {
  // Of more digits the sum would be rounded in between.
  if (end - from > 15) return Number(text.slice(from, end))
  let value = 0
  for (let at = from; at < end; at++) value = value * 10 + text.charCodeAt(at) - ZERO
  return value
}

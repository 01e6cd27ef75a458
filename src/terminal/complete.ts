/** Where a piece of a stream can be cut so that no sequence and no character is cut in two. */

const ESCAPE = 1

/** Bytes that a UTF-8 character takes, by its first byte; 0 for a byte that begins none. */
const lengthOf = (lead: number): number =>
  lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf8 ? 4 : 0

/** The end of the last whole character. */
export const wholeCharacters = (data: Uint8Array): number => {
  const { length } = data
  for (let back = 1; back <= 3 && back <= length; back++) {
    const byte = data[length - back]!
    if ((byte & 0xc0) === 0x80) continue
    return lengthOf(byte) > back ? length - back : length
  }
  return length
}

/** Where the last sequence begins: at its escape, or at a control character that means the same. -1 for none. */
export const lastIntroducer = (data: Uint8Array): number => {
  const escape = data.lastIndexOf(0x1b)
  for (let at = data.lastIndexOf(0xc2); at > escape; at = at === 0 ? -1 : data.lastIndexOf(0xc2, at - 1)) {
    const next = data[at + 1]
    if (next !== undefined && next >= 0x90 && next <= 0x9f) return at
  }
  return escape
}

/** Whether the parser is back among plain text after these bytes. `table` is its transition table. */
const ends = (table: Uint8Array, from: number, data: Uint8Array, start: number): boolean => {
  let state = from
  for (let at = start; at < data.length;) {
    let code = data[at]!
    const size = lengthOf(code)
    if (size > 1) {
      const next = data[at + 1]
      code = code === 0xc2 && next !== undefined && next < 0xa0 ? next : 0xa0
    }
    at += Math.max(1, size)
    if (size === 0) continue
    state = table[(state << 8) | code]! & 15
    if (state === 0) return true
  }
  return false
}

/**
 * How many bytes of `data` can be given to a parser in `state` without leaving it inside a sequence or a character.
 * What remains has to be in front of the next piece.
 */
export const complete = (table: Uint8Array, state: number, data: Uint8Array): number => {
  const last = lastIntroducer(data)
  if (last < 0) return state === 0 || ends(table, state, data, 0) ? wholeCharacters(data) : 0
  const single = data[last] === 0x1b
  const first = single ? ESCAPE : table[data[last + 1]!]! & 15
  return first === 0 || ends(table, first, data, last + (single ? 1 : 2)) ? wholeCharacters(data) : last
}

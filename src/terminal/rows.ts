/** Rows as text, plain and styled. */
import { asciiRun } from "./asciiRun.ts"
import { Bg, CELL, Content, EMPTY, SECOND } from "./cells.ts"
import type { Links } from "./links.ts"
import { Pencil } from "./sgr.ts"
import type { Line } from "./xterm.ts"

/** How many cells of a row are text when the line goes on in `next`: all, but one at the end in which a wide character had no room. */
export const wrappedCells = (line: Line, next: Line | undefined): number => {
  const last = line.length - 1
  const short = line._data[last * CELL] === EMPTY
  return short && next !== undefined && next._data[0]! >>> Content.widthShift === 2 ? last : line.length
}

let bytes = Buffer.allocUnsafe(512)

/** Text of the first `count` cells; empty ones are blanks. */
export const rowText = (line: Line, count: number): string => {
  const cells = line._data
  if (bytes.length < count) bytes = Buffer.allocUnsafe(count * 2)
  // ASCII in one go.
  for (let x = 0; x < count; x++) {
    const code = cells[x * CELL]! & (Content.combined | Content.codePoint)
    if (code > 0x7f || cells[x * CELL] === SECOND) return wideText(line, count)
    bytes[x] = code === 0 ? 0x20 : code
  }
  return bytes.toString("latin1", 0, count)
}

const wideText = (line: Line, count: number): string => {
  let text = ""
  for (let x = 0; x < count; x++) {
    const content = line._data[x * CELL]!
    if (content & Content.combined) text += line._combined[x] ?? ""
    else if (content & Content.codePoint) text += String.fromCodePoint(content & Content.codePoint)
    else if (content !== SECOND) text += " "
  }
  return text
}

/** Whether all of the first `count` cells look plain. */
export const isPlain = (line: Line, count: number): boolean => {
  const cells = line._data
  for (let at = 1; at < count * CELL; at += CELL)
    if (cells[at] !== 0 || (cells[at + 1]! & ~Bg.protected) !== 0) return false
  return true
}

/** The first `count` cells with their styles (SGR) and links (OSC 8): from plain to plain. */
export const styledRow = (line: Line, count: number, links: Links): string => {
  const pencil = new Pencil(links)
  const cells = line._data
  let text = ""
  for (let x = 0; x < count; x++) {
    const at = x * CELL
    const content = cells[at]!
    if (content === 0) continue
    const bg = cells[at + 2]!
    const extended = bg & Bg.extended ? line._extendedAttrs[x] : undefined
    text += pencil.to(cells[at + 1]!, bg, extended?._ext ?? 0, extended?._urlId ?? 0)
    if (content & Content.combined) text += line._combined[x] ?? ""
    else text += content & Content.codePoint ? String.fromCodePoint(content & Content.codePoint) : " "
    const run = asciiRun(line, x, x + 1, count)
    text += run
    x += run.length
  }
  return text + pencil.plain()
}

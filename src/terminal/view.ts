/** Draws a session's screen on a terminal of another size. */
import { Bg, CELL, Content, EMPTY } from "./cells.ts"
import type { Emulator } from "./Emulator.ts"
import { type Frame, type FrameRow, makeFrame, type ViewSize } from "./frame.ts"
import { Pencil } from "./sgr.ts"

export type { Frame, ViewSize } from "./frame.ts"

/** Cells that are the same between two that aren't: so many are written again rather than jumped over. */
const GAP = 4

const sameCell = (a: FrameRow, b: FrameRow, x: number): boolean => {
  const at = x * CELL
  if (a.cells[at] !== b.cells[at] || a.cells[at + 1] !== b.cells[at + 1] || a.cells[at + 2] !== b.cells[at + 2])
    return false
  if (a.cells[at]! & Content.combined && a.texts.get(x) !== b.texts.get(x)) return false
  if ((a.cells[at + 2]! & Bg.extended) === 0) return true
  const [here, there] = [a.extended.get(x), b.extended.get(x)]
  return here?.[0] === there?.[0] && here?.[1] === there?.[1]
}

const isBlank = (row: FrameRow, x: number): boolean => row.cells[x * CELL] === EMPTY && row.cells[x * CELL + 2] === 0

/** Writes the cells from `from` on, up to `end`. */
const drawCells = (row: FrameRow, from: number, end: number, pencil: Pencil): string => {
  let text = ""
  for (let x = from; x < end; x++) {
    const at = x * CELL
    const content = row.cells[at]!
    if (content === 0) continue
    const [ext, link] = row.extended.get(x) ?? [0, 0]
    text += pencil.to(row.cells[at + 1]!, row.cells[at + 2]!, ext, link)
    if (content & Content.combined) {
      // Terminals disagree about how far such a character reaches.
      text += `${row.texts.get(x) ?? ""}\x1b[${x + (content >>> Content.widthShift) + 1}G`
    } else {
      const code = content & Content.codePoint
      text += code === 0 ? " " : String.fromCodePoint(code)
    }
  }
  return text
}

/** The differences between two rows. */
const drawRow = (row: FrameRow, before: FrameRow | undefined, y: number, cols: number, pencil: Pencil): string => {
  let text = ""
  const differs = (x: number) => (before === undefined ? !isBlank(row, x) : !sameCell(row, before, x))
  let used = cols
  while (used > 0 && isBlank(row, used - 1)) used--
  for (let x = 0; x < used;) {
    if (!differs(x)) {
      x++
      continue
    }
    let from = x
    let end = x + 1
    for (let at = end; at < used && at - end <= GAP; at++) if (differs(at)) end = at + 1
    // A character is written whole.
    if (row.cells[from * CELL] === 0 && from > 0) from--
    if (row.cells[(end - 1) * CELL]! >>> Content.widthShift === 2) end++
    text += `\x1b[${y + 1};${from + 1}H${drawCells(row, from, end, pencil)}`
    x = end
  }
  let cleared = before !== undefined
  for (let x = used; cleared && x < cols; x++) if (differs(x)) cleared = false
  if (before !== undefined && !cleared) text += `\x1b[${y + 1};${used + 1}H${pencil.plain()}\x1b[K`
  return text
}

/**
 * The bytes that bring a client's terminal from the previous frame to what the emulator shows now; none if nothing has
 * changed. Without a previous frame, or after a change of the client's size, everything is drawn anew. The client's
 * terminal is given to this alone: it needs no particular state to begin with.
 *
 * A part of a screen that is larger than the client follows the cursor; around one that is smaller there is a rim.
 */
export const renderView = (emulator: Emulator, size: ViewSize, previous?: Frame): { bytes: Buffer; frame: Frame } => {
  const before = previous?.cols === size.cols && previous.rows === size.rows ? previous : undefined
  const frame = makeFrame(emulator, size, previous)
  const { links } = emulator.handler.tracked
  // Pieces of a link are drawn at different times, and are one all the same.
  const pencil = new Pencil(links, false, (link) => links.givenId(link) ?? `hob.${link}`)
  let text = ""
  for (const [key, [, reset]] of previous?.settings ?? []) if (!frame.settings.has(key)) text += reset
  for (const [key, [set]] of frame.settings) if (previous?.settings.has(key) !== true) text += set
  if (before === undefined) text += "\x1b[r\x1b[?6l\x1b[4l\x1b[m\x1b[2J"
  let drawn = ""
  frame.lines.forEach((row, y) => {
    drawn += drawRow(row, before?.lines[y], y, size.cols, pencil)
  })
  const { cursor } = frame
  const moved = before === undefined || drawn !== "" || cursor.x !== before.cursor.x || cursor.y !== before.cursor.y
  text += drawn + pencil.plain()
  if (moved) text += `\x1b[${cursor.y + 1};${cursor.x + 1}H`
  if (cursor.visible !== (before?.cursor.visible ?? !cursor.visible)) text += cursor.visible ? "\x1b[?25h" : "\x1b[?25l"
  if (text === "") return { bytes: Buffer.alloc(0), frame }
  return { bytes: Buffer.from(`\x1b[?2026h\x1b[?25l${text}${cursor.visible ? "\x1b[?25h" : ""}\x1b[?2026l`), frame }
}

/** What takes back everything a frame has set in the client's terminal, its text aside. */
export const endView = (frame: Frame): Buffer => {
  let text = "\x1b[m\x1b[?25h\x1b[=0u"
  for (const [, reset] of frame.settings.values()) text += reset
  return Buffer.from(text)
}

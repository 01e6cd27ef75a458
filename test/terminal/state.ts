/** Everything an emulator's future depends on, so that two can be compared. */
import { Bg, CELL, Content } from "../../src/terminal/cells.ts"
import { charsetName } from "../../src/terminal/charsetNames.ts"
import type { Emulator } from "../../src/terminal/Emulator.ts"
import { modeRecord } from "../../src/terminal/modes.ts"
import type { SavedCursor } from "../../src/terminal/tracked.ts"
import type { Grid, Line, Pen } from "../../src/terminal/xterm.ts"

export const stateOf = (emulator: Emulator, history = true) => {
  const { handler } = emulator
  const { tracked } = handler
  const numbers = new Map<number, number>()
  /** Links by what they are; those without an id by the order in which they come. */
  const link = (number: number): string => {
    const data = tracked.links.get(number)
    if (data === undefined) return ""
    const id = tracked.links.givenId(number)
    if (id !== undefined) return `${id} ${data.uri}`
    if (!numbers.has(number)) numbers.set(number, numbers.size + 1)
    return `#${numbers.get(number)} ${data.uri}`
  }
  const cell = (line: Line, x: number): string => {
    const content = line._data[x * CELL]!
    if (content === 0) return "+"
    const fg = line._data[x * CELL + 1]!
    const bg = line._data[x * CELL + 2]!
    const extended = bg & Bg.extended ? line._extendedAttrs[x]! : undefined
    const text = content & Content.combined ? line._combined[x] : content & Content.codePoint
    const style = [fg >>> 0, bg >>> 0, extended?._ext ?? 0, link(extended?._urlId ?? 0)].join(",")
    return `${text}/${content >>> Content.widthShift}${style === "0,0,0," ? "" : ` ${style}`}`
  }
  const grid = (buffer: Grid) => {
    const lines: Array<string> = []
    for (let index = history ? 0 : buffer.ybase; index < buffer.lines.length; index++) {
      const line = buffer.lines.get(index)!
      const cells = Array.from({ length: line.length }, (_, x) => cell(line, x))
      while (cells.length > 0 && cells.at(-1) === "0/1") cells.pop()
      lines.push(`${line.isWrapped && lines.length > 0 ? ">" : "|"}${cells.join("|")}`)
    }
    const tabs = Object.keys(buffer.tabs).filter((x) => buffer.tabs[Number(x)] === true && Number(x) < emulator.cols)
    return {
      lines,
      above: history ? buffer.ybase : 0,
      margins: [buffer.scrollTop, buffer.scrollBottom],
      tabs: tabs.join(" ")
    }
  }
  const pen = (look: Pen) =>
    [look.fg >>> 0, (look.bg & ~Bg.extended) >>> 0, look.extended._ext, link(look.extended._urlId)].join(",")
  const saved = (cursor: SavedCursor | undefined) =>
    cursor && {
      ...cursor,
      pen: pen(cursor.pen).replace(/,[^,]*$/, ""),
      charsets: cursor.charsets.map(charsetName).join("")
    }
  const { normal, alt } = handler._bufferService.buffers
  const active = handler._activeBuffer
  const charsets = handler._charsetService
  return {
    size: [emulator.cols, emulator.rows],
    main: grid(normal),
    alternate: handler.screen() === "alternate" ? grid(alt) : undefined,
    cursor: [active.x, active.y],
    /** Where lines are put in and taken out when the size changes. */
    mainRow: normal.y,
    pen: pen(handler._curAttrData),
    charsets: [0, 1, 2, 3].map((level) => charsetName(charsets._charsets[level])).join("") + charsets.glevel,
    saved: { main: saved(tracked.saved.main), alternate: saved(tracked.saved.alternate) },
    modes: modeRecord(handler),
    hidden: handler._coreService.isCursorHidden,
    cursorStyle: [handler._coreService.decPrivateModes.cursorStyle, handler._coreService.decPrivateModes.cursorBlink],
    blink: handler._optionsService.rawOptions.cursorBlink,
    keyboard: tracked.keyboard,
    modifyKeys: [...tracked.modifyKeys].sort(),
    formatKeys: [...tracked.formatKeys].sort(),
    savedModes: [...tracked.savedModes].sort(),
    colours: [...tracked.colours].sort((a, b) => a[0] - b[0]).join(" "),
    directory: tracked.cwd,
    progress: tracked.progress,
    titles: [handler._windowTitle, handler._iconName, ...handler._windowTitleStack, "/", ...handler._iconNameStack],
    repeats: handler._parser.precedingJoinState
  }
}

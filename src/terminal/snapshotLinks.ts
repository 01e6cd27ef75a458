/** What a snapshot calls links. */
import { Bg, CELL, Content } from "./cells.ts"
import type { Handler } from "./handler.ts"
import type { Grid, Line } from "./xterm.ts"

/**
 * A link without an id is one for as long as it is open. Where a snapshot has to open it more than once, it needs an
 * id, or it would be several. Gives the id to be used for a link.
 */
export const snapshotLinks = (handler: Handler): ((link: number) => string | undefined) => {
  const { links } = handler.tracked
  if (links.size === 0) return () => undefined
  const opened = new Set<number>()
  const names = new Map<number, string>()
  let open = 0
  const see = (link: number) => {
    if (link === open) return
    open = link
    if (link === 0 || links.givenId(link) !== undefined) return
    if (opened.has(link) && !names.has(link)) names.set(link, `hob.${names.size + 1}`)
    opened.add(link)
  }
  const seeCell = (line: Line, x: number) => {
    if ((line._data[x * CELL]! & Content.any) === 0) return
    see(line._data[x * CELL + 2]! & Bg.extended ? (line._extendedAttrs[x]?._urlId ?? 0) : 0)
  }
  const collect = (grid: Grid) => {
    for (let index = 0; index < grid.lines.length; index++) {
      const line = grid.lines.get(index)!
      for (let x = 0; x < line.length; x++) seeCell(line, x)
    }
    see(0)
  }
  /** The end of a row, where a cursor waits to wrap, is drawn once more. */
  const collectWaiting = (grid: Grid, cursor: { readonly x: number; readonly y: number } | undefined) => {
    const { cols } = handler._bufferService
    const line = grid.lines.get(grid.ybase + (cursor?.y ?? 0))
    if (cursor?.x !== cols || line === undefined) return
    for (let x = Math.max(0, cols - 2); x < cols; x++) {
      seeCell(line, x)
      see(0)
    }
  }
  const { normal, alt } = handler._bufferService.buffers
  const { saved } = handler.tracked
  collect(normal)
  collect(alt)
  collectWaiting(normal, saved.main)
  collectWaiting(alt, saved.alternate)
  collectWaiting(handler._activeBuffer, handler._activeBuffer)
  see(handler._curAttrData.extended._urlId)
  return (link) => links.givenId(link) ?? names.get(link)
}

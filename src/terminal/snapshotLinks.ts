/** What a snapshot calls links. */
import { Bg, CELL, Content } from "./cells.ts"
import type { Handler } from "./handler.ts"
import type { Grid } from "./xterm.ts"

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
  const collect = (grid: Grid) => {
    for (let index = 0; index < grid.lines.length; index++) {
      const line = grid.lines.get(index)!
      for (let x = 0; x < line.length; x++) {
        if ((line._data[x * CELL]! & Content.any) === 0) continue
        see(line._data[x * CELL + 2]! & Bg.extended ? (line._extendedAttrs[x]?._urlId ?? 0) : 0)
      }
    }
  }
  const { normal, alt } = handler._bufferService.buffers
  collect(normal)
  see(0)
  collect(alt)
  // The cursor is drawn apart, and its row's last character perhaps once more.
  see(0)
  see(handler._curAttrData.extended._urlId)
  return (link) => links.givenId(link) ?? names.get(link)
}

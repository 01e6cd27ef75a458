import { Bg, CELL } from "./cells.ts"
import type { Handler } from "./handler.ts"
import type { Grid } from "./xterm.ts"

/** Numbers of links that a cell, a pen or a saved cursor refers to. */
export const linksInUse = (handler: Handler): Set<number> => {
  const used = new Set([handler._curAttrData.extended._urlId])
  for (const saved of Object.values(handler.tracked.saved)) if (saved !== undefined) used.add(saved.pen.extended._urlId)
  const { normal, alt } = handler._bufferService.buffers
  const collect = (grid: Grid) => {
    for (let index = 0; index < grid.lines.length; index++) {
      const line = grid.lines.get(index)!
      for (let x = 0; x < line.length; x++) {
        if (line._data[x * CELL + 2]! & Bg.extended) used.add(line._extendedAttrs[x]?._urlId ?? 0)
      }
    }
  }
  collect(normal)
  collect(alt)
  return used
}

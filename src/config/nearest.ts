/** The candidate that looks most like `name`, case aside; undefined when none is close enough to be a slip of the pen. */
export const nearest = (name: string, candidates: Iterable<string>): string | undefined => {
  const lower = name.slice(0, 200).toLowerCase()
  let best: string | undefined
  let least = Math.max(2, Math.floor(lower.length / 3)) + 1
  for (const candidate of candidates) {
    // As many characters at least would be inserted or deleted.
    if (Math.abs(candidate.length - lower.length) >= least) continue
    const distance = editDistance(lower, candidate.toLowerCase(), least)
    if (distance < least) {
      least = distance
      best = candidate
    }
  }
  return best
}

/** Insertions, deletions, replacements and exchanges of neighbours that turn `a` into `b`; `enough` if they are as many. */
const editDistance = (a: string, b: string, enough: number): number => {
  const width = b.length + 1
  // A row for each character of `a`, of which three are kept.
  let [twoAbove, above, current] = [new Uint16Array(width), new Uint16Array(width), new Uint16Array(width)]
  for (let column = 0; column < width; column++) above[column] = column
  let leastAbove = 0
  for (let row = 1; row <= a.length; row++) {
    current[0] = row
    let least = row
    for (let column = 1; column < width; column++) {
      const same = a[row - 1] === b[column - 1]
      let cost = Math.min(above[column - 1]! + (same ? 0 : 1), above[column]! + 1, current[column - 1]! + 1)
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, twoAbove[column - 2]! + 1)
      }
      current[column] = cost
      least = Math.min(least, cost)
    }
    // What follows is built upon one of these two.
    if (least >= enough && leastAbove >= enough) return enough
    leastAbove = least
    ;[twoAbove, above, current] = [above, current, twoAbove]
  }
  return above[b.length]!
}

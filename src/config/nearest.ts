/** The candidate that looks most like `name`, case aside; undefined when none is close enough to be a slip of the pen. */
export const nearest = (name: string, candidates: Iterable<string>): string | undefined => {
  const lower = name.slice(0, 200).toLowerCase()
  let best: string | undefined
  let least = Math.max(2, Math.floor(lower.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(lower, candidate.toLowerCase())
    if (distance < least) {
      least = distance
      best = candidate
    }
  }
  return best
}

/** Insertions, deletions, replacements and exchanges of neighbours that turn `a` into `b`. */
const editDistance = (a: string, b: string): number => {
  let twoAbove: Array<number> = []
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let cost = Math.min(above[column - 1]! + (same ? 0 : 1), above[column]! + 1, current[column - 1]! + 1)
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, twoAbove[column - 2]! + 1)
      }
      current.push(cost)
    }
    twoAbove = above
    above = current
  }
  return above[b.length]!
}

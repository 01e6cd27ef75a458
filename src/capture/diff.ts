/** Unified diffs of texts. Pure. */

const CONTEXT = 3
/** Beyond so many steps two texts have nothing to do with one another, and are one hunk. */
const MOST_EDITS = 1000

interface Edit {
  readonly sign: " " | "-" | "+"
  readonly line: string
}

/** Lines with their ends; the last one may have none. */
const linesOf = (text: string): ReadonlyArray<string> => (text === "" ? [] : text.match(/[^\n]*\n|[^\n]+$/g)!)

/** How `before` becomes `after`: hunks with three lines around, as of `diff -u`, without its two lines of names. */
export const unifiedDiff = (before: string, after: string): string => {
  if (before === after) return ""
  const [a, b] = [linesOf(before), linesOf(after)]
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head++
  let tail = 0
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++
  const edits = [
    ...a.slice(0, head).map((line): Edit => ({ sign: " ", line })),
    ...shortest(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map((line): Edit => ({ sign: " ", line }))
  ]
  return hunks(edits)
}

/** Myers' algorithm, given up where it takes too long. */
const shortest = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): ReadonlyArray<Edit> => {
  const all: ReadonlyArray<Edit> = [
    ...a.map((line): Edit => ({ sign: "-", line })),
    ...b.map((line): Edit => ({ sign: "+", line }))
  ]
  if (a.length === 0 || b.length === 0) return all
  const most = Math.min(a.length + b.length, MOST_EDITS)
  const trace: Array<Int32Array> = []
  const reach = new Int32Array(2 * most + 3)
  const at = (k: number) => k + most + 1
  for (let edits = 0; edits <= most; edits++) {
    trace.push(reach.slice(at(-edits - 1), at(edits + 1) + 1))
    for (let k = -edits; k <= edits; k += 2) {
      const down = k === -edits || (k !== edits && reach[at(k - 1)]! < reach[at(k + 1)]!)
      let x = down ? reach[at(k + 1)]! : reach[at(k - 1)]! + 1
      let y = x - k
      while (x < a.length && y < b.length && a[x] === b[y]) {
        x++
        y++
      }
      reach[at(k)] = x
      if (x >= a.length && y >= b.length) return backtrack(a, b, trace)
    }
  }
  return all
}

const backtrack = (
  a: ReadonlyArray<string>,
  b: ReadonlyArray<string>,
  trace: ReadonlyArray<Int32Array>
): ReadonlyArray<Edit> => {
  const edits: Array<Edit> = []
  let [x, y] = [a.length, b.length]
  for (let d = trace.length - 1; d >= 0; d--) {
    const reach = (k: number) => trace[d]![k + d + 1]!
    const k = x - y
    const down = k === -d || (k !== d && reach(k - 1) < reach(k + 1))
    const fromK = down ? k + 1 : k - 1
    const fromX = d === 0 ? 0 : reach(fromK)
    const fromY = d === 0 ? 0 : fromX - fromK
    while (x > fromX && y > fromY && a[x - 1] === b[y - 1]) {
      edits.push({ sign: " ", line: a[--x]! })
      y--
    }
    if (d === 0) break
    if (down) edits.push({ sign: "+", line: b[--y]! })
    else edits.push({ sign: "-", line: a[--x]! })
  }
  return edits.toReversed()
}

const hunks = (edits: ReadonlyArray<Edit>): string => {
  let text = ""
  let [before, after] = [0, 0]
  let index = 0
  while (index < edits.length) {
    if (edits[index]!.sign === " ") {
      before++
      after++
      index++
      continue
    }
    const start = Math.max(0, index - CONTEXT)
    const lead = index - start
    let end = index
    // Changes with less between them than stands around both are one hunk.
    for (let next = index, quiet = 0; next < edits.length && quiet <= 2 * CONTEXT; next++) {
      quiet = edits[next]!.sign === " " ? quiet + 1 : 0
      if (quiet === 0) end = next + 1
    }
    end = Math.min(edits.length, end + CONTEXT)
    const hunk = edits.slice(start, end)
    const olds = hunk.filter(({ sign }) => sign !== "+").length
    const news = hunk.filter(({ sign }) => sign !== "-").length
    text += `@@ -${range(before - lead, olds)} +${range(after - lead, news)} @@\n`
    for (const { line, sign } of hunk) {
      text += line.endsWith("\n") ? `${sign}${line}` : `${sign}${line}\n\\ No newline at end of file\n`
    }
    before += olds - lead
    after += news - lead
    index = end
  }
  return text
}

const range = (start: number, count: number): string => {
  const first = count === 0 ? start : start + 1
  return count === 1 ? String(first) : `${first},${count}`
}

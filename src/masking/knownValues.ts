/** Finds many values in a text. Pure. */

/** As many are looked for one by one. */
const FEW = 32
/** What is looked up of the text at every place. */
const UNITS = 8

export type Found = (start: number, end: number) => void

interface Prepared {
  readonly short: ReadonlyArray<string>
  readonly long: ReadonlySet<string>
  /** How long those are that begin so. */
  readonly lengths: ReadonlyMap<string, ReadonlySet<number>>
}

const prepared = new WeakMap<ReadonlyArray<string>, Prepared>()

const prepare = (values: ReadonlyArray<string>): Prepared => {
  const known = prepared.get(values)
  if (known !== undefined) return known
  const lengths = new Map<string, Set<number>>()
  const long = new Set(values.filter((value) => value.length >= UNITS))
  for (const value of long) {
    const beginning = value.slice(0, UNITS)
    lengths.set(beginning, (lengths.get(beginning) ?? new Set()).add(value.length))
  }
  const made = { short: values.filter((value) => value.length < UNITS), long, lengths }
  prepared.set(values, made)
  return made
}

const findEach = (text: string, value: string, found: Found): void => {
  if (value === "") return
  for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + value.length)) found(at, at + value.length)
}

/** Tells of every place at which one of the values stands; of thousands of values as fast as of a few, in proportion to the text. */
export const findValues = (text: string, values: ReadonlyArray<string>, found: Found): void => {
  if (values.length <= FEW) {
    for (const value of values) findEach(text, value, found)
    return
  }
  const { lengths, long, short } = prepare(values)
  for (const value of short) findEach(text, value, found)
  for (let at = 0; at + UNITS <= text.length; at++) {
    for (const length of lengths.get(text.slice(at, at + UNITS)) ?? []) {
      if (at + length <= text.length && long.has(text.slice(at, at + length))) found(at, at + length)
    }
  }
}

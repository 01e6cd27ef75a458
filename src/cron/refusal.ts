/** Why an expression is refused, in words that name the very character. */

interface FieldKind {
  readonly name: string
  readonly min: number
  readonly max: number
  readonly names: ReadonlyArray<string>
}

const kinds: ReadonlyArray<FieldKind> = [
  { name: "second", min: 0, max: 59, names: [] },
  { name: "minute", min: 0, max: 59, names: [] },
  { name: "hour", min: 0, max: 23, names: [] },
  { name: "day of the month", min: 1, max: 31, names: [] },
  {
    name: "month",
    min: 1,
    max: 12,
    names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
  },
  { name: "day of the week", min: 0, max: 7, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] }
]

const ORDER = "minute, hour, day of the month, month, day of the week, with seconds before them if there are six"

/** Characters that other programs know here. */
const foreign: Readonly<Record<string, string>> = {
  "?": "Write `*`.",
  L: "There is no `last` here.",
  W: "There is no `nearest weekday` here.",
  "#": "There is no `second Monday of the month` here: let it run each Monday, and look at the date.",
  H: "Write a number; `--jitter` spreads jobs.",
  "~": "Write a number; `--jitter` spreads jobs.",
  "=": "Give the zone with `--tz`.",
  ";": "Values are parted by commas."
}

/** What is wrong with these fields; undefined when nothing is. */
export const refusalOf = (fields: ReadonlyArray<string>): string | undefined => {
  for (const field of fields) {
    const [found] = /[^\w*,/-]|_/u.exec(field) ?? []
    if (found !== undefined) return `${quoted(found)} means nothing in ${quoted(field)}.${hint(found)}`
  }
  if (fields.length === 0) return `It is empty. It needs five fields: ${ORDER}.`
  if (fields.length === 7) return `It has 7 fields: a year can't be given. The fields are ${ORDER}.`
  if (fields.length !== 5 && fields.length !== 6) {
    return `It has ${fields.length} field${fields.length === 1 ? "" : "s"}, and needs 5 or 6: ${ORDER}.`
  }
  const offset = kinds.length - fields.length
  for (const [index, field] of fields.entries()) {
    for (const piece of field.split(",")) {
      const problem = pieceProblem(kinds[index + offset]!, piece)
      if (problem !== undefined) return `The ${kinds[index + offset]!.name} ${quoted(field)}: ${problem}`
    }
  }
  return undefined
}

const pieceProblem = (kind: FieldKind, piece: string): string | undefined => {
  if (piece === "") return "a value is missing beside a comma."
  const [base = "", step, ...more] = piece.split("/")
  if (more.length > 0) return `${quoted(piece)} has two steps.`
  if (step !== undefined) {
    if (!/^\d+$/.test(step)) return `the step ${quoted(step)} is not a whole number.`
    if (Number(step) === 0) return "a step of 0 goes nowhere."
    if (Number(step) > kind.max) return `the step ${step} is beyond ${kind.max}; without a step it means the same.`
  }
  if (base === "*") return undefined
  const [left = "", right, ...rest] = base.split("-")
  if (rest.length > 0 || left === "" || right === "") return `${quoted(piece)} is not a range; one is written "1-5".`
  const from = valueOf(kind, left)
  if (typeof from === "string") return from
  if (right === undefined) return undefined
  const to = valueOf(kind, right)
  if (typeof to === "string") return to
  const end = kind.names[0] === "sun" && to === 0 ? 7 : to
  if (from <= end) return undefined
  return `the range ${quoted(base)} runs backwards. Write "${left}-${kind.max},${kind.min}-${right}".`
}

const valueOf = (kind: FieldKind, text: string): number | string => {
  if (/^\d+$/.test(text)) {
    const value = Number(text)
    return value < kind.min || value > kind.max ? `${text} is not between ${kind.min} and ${kind.max}.` : value
  }
  const named = kind.names.indexOf(text.toLowerCase())
  if (named !== -1) return named + (kind.min === 1 ? 1 : 0)
  const [letter = ""] =
    /[^\d]/.exec(text.replaceAll(/[a-z]{3}/gi, (name) => (kind.names.includes(name.toLowerCase()) ? "" : name))) ?? []
  const names = kind.names.length === 0 ? "" : ` Names are ${kind.names.join(", ")}.`
  return `${quoted(letter || text)} means nothing in ${quoted(text)}.${hint(letter.toUpperCase()) || names}`
}

const hint = (character: string): string => (Object.hasOwn(foreign, character) ? ` ${foreign[character]}` : "")

const quoted = (text: string): string => JSON.stringify(text.slice(0, 64))

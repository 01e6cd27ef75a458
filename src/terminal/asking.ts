/** Which control sequences and commands ask a terminal something. Imports nothing: the command line's fast path loads it. */

/** Reports among the window operations. */
const windowReports = new Set([11, 13, 14, 15, 16, 18, 19, 20, 21])

/** Whether a control sequence, `[` and final byte left out, asks for something. */
export const asks = (body: string, final: string): boolean => {
  const parts = /^([<=>?]?)([\d;:]*)([ -/]*)$/.exec(body)
  if (parts === null) return false
  const [, prefix, parameters, intermediates] = parts as unknown as [string, string, string, string]
  const first = Number.parseInt(parameters, 10) || 0
  switch (prefix + intermediates + final) {
    case "c":
    case ">c":
    case "=c":
    case ">q":
      return first === 0
    case "n":
    case "?n":
    case "$p":
    case "?$p":
    case "?u":
    case "?m":
    case "?g":
    case "?S":
    case "x":
    case "*y":
    case "$w":
    case "$u":
    case "&u":
    case '"v':
    case "#|":
    case "#S":
    case "#R":
    case "'|":
      return true
    case "t":
      return windowReports.has(first)
    default:
      return false
  }
}

/** OSC numbers that can ask. */
export const asking = (number: number): boolean =>
  number === 4 || number === 5 || (number >= 10 && number <= 19) || [21, 22, 50, 52, 99, 1337, 7501].includes(number)

/**
 * What is left of an OSC sequence when its questions are taken out; undefined if it asks nothing. Colours are lists of
 * values, `?` among them.
 */
export const withoutQuestions = (number: number, payload: string): string | undefined => {
  const fields = payload.split(";")
  if (number === 1337) return payload.startsWith("ReportCellSize") ? "" : undefined
  if (number === 99) return fields[0]!.split(":").includes("p=?") ? "" : undefined
  if (number === 52) return fields.at(-1) === "?" ? "" : undefined
  if (number === 50 || number === 22) return fields[0]!.startsWith("?") ? "" : undefined
  if (number === 21) {
    const kept = fields.filter((field) => !field.endsWith("=?"))
    return kept.length === fields.length ? undefined : kept.length === 0 ? "" : `21;${kept.join(";")}`
  }
  if (number === 7501) return payload === "?" ? "" : undefined
  if (!fields.includes("?")) return undefined
  if (number <= 5) {
    let rest = ""
    for (let at = 0; at + 1 < fields.length; at += 2) {
      if (fields[at + 1] !== "?") rest += `;${fields[at]};${fields[at + 1]}`
    }
    return rest === "" ? "" : number + rest
  }
  // Each further value is the next number's.
  const sets = fields.flatMap((field, index) => (field === "?" || field === "" ? [] : [`${number + index};${field}`]))
  return sets.join("\x1b\\\x1b]")
}

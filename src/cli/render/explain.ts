import type { Explanation } from "../../protocol/screens.ts"
import { age, columns, oneLine } from "./text.ts"

/** What `hob session explain` prints: the state, why, what was said, and the rows that were looked at. */
export const explanationPage = ({ activity, lines, reasons, signs }: Explanation, now: number): string => {
  const { agent, since, state } = activity
  const [because, ...also] = reasons
  const said = ({ detail, rule }: Explanation["reasons"][number]) => oneLine(`${rule}: ${detail}`)
  const rows: Array<readonly [string, string]> = [
    ["activity:", `${state}, for ${age(since, now)} (since ${since})`],
    ["agent:", agent === null ? "-" : oneLine(agent)]
  ]
  if (because !== undefined) rows.push(["because:", said(because)])
  for (const reason of also) rows.push(["beside:", said(reason)])
  for (const { at, detail, sign } of signs) {
    rows.push(["said:", oneLine(`${age(at, now)} ago, ${sign}${detail === "" ? "" : `: ${detail}`}`)])
  }
  const screen = lines.length === 0 ? [] : ["screen:", ...lines.map((line) => `  │ ${oneLine(line)}`)]
  return [columns(rows), ...screen].join("\n")
}

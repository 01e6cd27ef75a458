import type { Finding, Level } from "../doctor/finding.ts"
import { oneLine, plural } from "./text.ts"

const words: Readonly<Record<Level, string>> = { ok: "ok", warning: "warning", problem: "PROBLEM" }
const WIDTH = 9

/** A block for each group; below each finding the command that mends it, with `*` where `--fix` does it. */
export const doctorPage = (findings: ReadonlyArray<Finding>): string => {
  const lines: Array<string> = []
  for (const [group, members] of Map.groupBy(findings, ({ check }) => check.split(".")[0]!)) {
    lines.push(group)
    for (const { fix, level, mend, message } of members) {
      lines.push(`  ${words[level].padEnd(WIDTH)}${oneLine(message)}`)
      if (mend !== undefined) lines.push(`  ${"".padEnd(WIDTH)}${fix === undefined ? " " : "*"} ${oneLine(mend)}`)
    }
  }
  const count = (level: Level) => findings.filter((finding) => finding.level === level).length
  const fixable = findings.filter(({ fix }) => fix !== undefined).length
  const [problems, warnings] = [count("problem"), count("warning")]
  const summary =
    problems + warnings === 0
      ? "Everything is well."
      : `${plural(problems, "problem")}, ${plural(warnings, "warning")}.${fixable === 0 ? "" : ` \`hob doctor --fix\` does what is marked with *.`}`
  return [...lines, "", summary].join("\n")
}

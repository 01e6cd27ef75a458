/** One part of a capture for people. Pure. */
import type { CaptureEntry } from "../../protocol/captureEntries.ts"
import type { Part } from "./document.ts"

/** A fence longer than any in the text. */
const fenced = (text: string, language: string): string => {
  const longest = Math.max(2, ...Array.from(text.matchAll(/`+/g), ([ticks]) => ticks.length))
  const fence = "`".repeat(longest + 1)
  return `${fence}${language}\n${text.replace(/\n$/, "")}\n${fence}`
}

const code = (text: string): string => {
  const longest = Math.max(0, ...Array.from(text.matchAll(/`+/g), ([ticks]) => ticks.length))
  const ticks = "`".repeat(longest + 1)
  return longest === 0 ? `${ticks}${text}${ticks}` : `${ticks} ${text} ${ticks}`
}

const names: Readonly<Record<string, string>> = { user: "User", assistant: "Assistant", system: "System", tool: "Tool" }

const section = (entry: CaptureEntry): string => {
  if (entry.type === "codeChange") {
    const diff = entry.diff === "" ? "" : `\n\n${fenced(entry.diff, "diff")}`
    return `### ${entry.kind} ${code(entry.path.replace(/[\r\n]+/g, " "))}${diff}`
  }
  // What the user said is shown as it was typed; an answer is Markdown itself.
  const said = entry.role === "assistant" ? entry.content : fenced(entry.content, "text")
  return `### ${names[entry.role] ?? entry.role.replace(/[\r\n]+/g, " ")}, ${entry.at}\n\n${said}`
}

export const markdownOf = ({ capture, commit, entries, slug }: Part): string => {
  const facts = [
    `- tool: ${code(capture.tool)}`,
    `- capture: ${capture.id}, since ${capture.startedAt}`,
    ...(capture.branch === null ? [] : [`- branch: ${code(capture.branch)}`]),
    ...(commit === null ? [] : [`- commit: ${commit}`])
  ]
  return `${[`# ${slug}`, facts.join("\n"), ...entries.map(section)].join("\n\n")}\n`
}

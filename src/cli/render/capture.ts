import type { CaptureConfig, CaptureMatch } from "../../protocol/capture.ts"
import type { Capture, CaptureEntry } from "../../protocol/captureEntries.ts"
import type { CaptureSave } from "../../protocol/captureSaves.ts"
import { shortId } from "./session.ts"
import { age, bytes, columns, oneLine, plural } from "./text.ts"

/** What `hob capture ls` prints: one line each. */
export const captureTable = (captures: ReadonlyArray<Capture>, now: number): string =>
  columns([
    ["ID", "STATE", "TOOL", "MESSAGES", "CHANGES", "UNSAVED", "LAST", "SESSION", "BRANCH", "REPOSITORY"],
    ...captures.map((each) => [
      each.id,
      each.state,
      oneLine(each.tool),
      String(each.messages),
      String(each.codeChanges),
      String(each.unsaved),
      age(each.lastAt, now),
      each.session === null ? "-" : shortId(each.session),
      oneLine(each.branch ?? "-"),
      oneLine(each.repository ?? each.cwd ?? "-")
    ])
  ])

/** What `hob capture save` and `hob capture saves` print: one line each. */
export const savesTable = (saves: ReadonlyArray<CaptureSave>): string =>
  columns([
    ["COMMIT", "CAPTURE", "VERSION", "MESSAGES", "CHANGES", "WHERE"],
    ...saves.map((save) => [
      save.commit?.slice(0, 12) ?? "-",
      save.capture,
      save.version,
      String(save.messages),
      String(save.codeChanges),
      save.file === null ? "note of git" : oneLine(save.file)
    ])
  ])

/** What `hob capture search` prints: one line each. */
export const matchLines = (matches: ReadonlyArray<CaptureMatch>): string =>
  matches.map(({ at, capture, line, of }) => `${capture}  ${at}  ${oneLine(of)}: ${oneLine(line.trim())}`).join("\n")

/** What `hob capture status` prints. */
export const captureStatus = ({ enabled }: CaptureConfig, captures: ReadonlyArray<Capture>, now: number): string => {
  const head = enabled ? "Capture is on" : "Capture is off (capture.enabled)"
  if (captures.length === 0) return `${head}. No capture is open.`
  const each = captures.map((capture) => {
    const { agentSession, branch, codeChanges, cwd, dropped, excluded, id, lastAt, masked, messages, repository } =
      capture
    const of = (count: number, text: string) => (count === 0 ? [] : [text])
    const lines = [
      `${id}`,
      `  Tool: ${oneLine(capture.tool)}${agentSession === null ? "" : ` (${oneLine(agentSession)})`}`,
      ...of(Number(capture.session !== null), `  Session: ${capture.session}`),
      `  Repository: ${repository === null ? `none (${oneLine(cwd ?? "no directory")})` : oneLine(repository)}${branch === null ? "" : `, branch ${oneLine(branch)}`}`,
      `  Messages: ${messages}`,
      `  Code changes: ${codeChanges}`,
      `  Not saved yet: ${capture.unsaved}, last heard of ${age(lastAt, now)} ago`,
      ...of(masked, `  Masked: ${plural(masked, "secret")}`),
      ...of(capture.cut, `  Cut: ${plural(capture.cut, "text")}`),
      ...of(dropped, `  Left out because it is full: ${dropped}`),
      ...of(excluded, `  Left out changes of excluded files: ${excluded}`)
    ]
    return lines.join("\n")
  })
  return [`${head}. ${captures.length} open:`, ...each].join("\n\n")
}

/** What `hob capture show` prints: everything that was said and changed. */
export const capturePage = (capture: Capture, entries: ReadonlyArray<CaptureEntry>): string => {
  const { branch, id, repository, startedAt, state, tool } = capture
  const where = repository === null ? oneLine(capture.cwd ?? "no directory") : oneLine(repository)
  const { agentSession, session } = capture
  const head = [
    `${id}  ${oneLine(tool)}  ${state}  since ${startedAt}`,
    ...(session === null ? [] : [`in session ${session}`]),
    ...(agentSession === null ? [] : [`its own session ${oneLine(agentSession)}`]),
    `${where}${branch === null ? "" : `, branch ${oneLine(branch)}`}`,
    `${plural(capture.messages, "message")}, ${plural(capture.codeChanges, "code change")}, ${bytes(capture.bytes)}${capture.masked === 0 ? "" : `, ${plural(capture.masked, "secret")} masked`}`
  ]
  const body = entries.map((entry) =>
    entry.type === "message"
      ? `── ${oneLine(entry.role)}  ${entry.at}\n${plainLines(entry.content)}`
      : `── ${entry.kind} ${oneLine(entry.path)}  ${entry.at}\n${plainLines(entry.diff)}`
  )
  return [head.join("\n"), ...body].join("\n\n")
}

/** Text of several lines from elsewhere. */
const plainLines = (text: string): string =>
  text
    .replaceAll("\r\n", "\n")
    .split("\n")
    .map((line) => line.split("\t").map(oneLine).join("\t"))
    .join("\n")

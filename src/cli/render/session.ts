import { basename } from "node:path"
import type { Capture } from "../../protocol/captureEntries.ts"
import type { Session, SessionExit } from "../../protocol/sessions.ts"
import { limitRows, restartRows } from "./limits.ts"
import { age, bytes, columns, commandLine, cut, oneLine, plural } from "./text.ts"

/** The id's first part: unique among a few thousand sessions, and any command takes it. */
export const shortId = (id: string): string => id.slice(0, 8)

/** How a person would call the session: its name, else the short id. */
export const label = (session: Pick<Session, "id" | "name">): string => session.name ?? shortId(session.id)

/** `exit 0`, `SIGKILL`; with what ended it where that was a limit: `SIGTERM (ttl)`. */
export const exitText = (exit: SessionExit): string => {
  const how = exit.signal ?? `exit ${exit.code ?? "?"}`
  // Absent from a daemon before hob 0.2.
  const reason = exit.reason ?? null
  return reason === null || reason === "killed" ? how : `${how} (${oneLine(reason)})`
}

/** `running`, `exit 3`, `SIGTERM`, `lost`. */
export const stateText = (session: Session): string => (session.exit !== null ? exitText(session.exit) : session.state)

/** `waiting`; `-` for what has none: it has ended, or runs on pipes. A daemon before hob 0.2 doesn't say. */
const activityText = (session: Session): string => session.activity?.state ?? "-"

/** The table of `hob ls`, as wide as the terminal (null: as it comes, for a file or a pipe). */
export const sessionTable = (sessions: ReadonlyArray<Session>, now: number, width: number | null): string => {
  const hasTags = sessions.some(({ tags }) => tags.length > 0)
  const rows = sessions.map((session) => [
    shortId(session.id),
    session.name ?? "-",
    stateText(session),
    activityText(session),
    age(session.createdAt, now),
    session.clients === 0 ? "-" : String(session.clients),
    bytes(session.output.end),
    ...(hasTags ? [session.tags.map(oneLine).join(",") || "-"] : []),
    oneLine(commandLine(session.command))
  ])
  const tags = hasTags ? ["TAGS"] : []
  const head = ["ID", "NAME", "STATE", "ACTIVITY", "AGE", "CLIENTS", "OUTPUT", ...tags, "COMMAND"]
  const table = columns([head, ...rows])
  return width === null
    ? table
    : table
        .split("\n")
        .map((line) => cut(line, width))
        .join("\n")
}

const captureLine = ({ codeChanges, id, messages, state, tool }: Capture): string =>
  `${id} (${oneLine(tool)}, ${plural(messages, "message")}, ${plural(codeChanges, "code change")}, ${state})`

/** What `hob show` prints; `captures` are those of the session's agents. */
export const sessionPage = (session: Session, now: number, captures: ReadonlyArray<Capture> = []): string => {
  const rows: Array<[string, string]> = [
    ["id", session.id],
    ["name", session.name ?? "-"],
    ["state", session.state === "exited" ? `exited: ${stateText(session)}` : session.state],
    ["command", oneLine(commandLine(session.command))],
    ["directory", oneLine(session.cwd)],
    ["kind", session.kind === "pty" ? `pty ${session.cols}x${session.rows}` : "pipe"],
    ["started", `${session.createdAt} (${age(session.createdAt, now)} ago)`]
  ]
  if (session.activity) {
    const { agent, since, state } = session.activity
    rows.push(["activity", `${state}${agent === null ? "" : ` (${oneLine(agent)})`}, for ${age(since, now)}`])
  }
  if (session.pid !== null) rows.push(["pid", String(session.pid)])
  if (session.tags.length > 0) rows.push(["tags", session.tags.map(oneLine).join(", ")])
  rows.push(...limitRows(session.limits ?? {}))
  if (session.exit !== null) rows.push(["ended", `${session.exit.at} (${age(session.exit.at, now)} ago)`])
  const types =
    session.input == null ? "" : `, ${oneLine(session.input.client)} types (${age(session.input.since, now)})`
  rows.push(["clients", `${session.clients}${types}`])
  const { end, oldest } = session.output
  rows.push(["output", `${bytes(end)}${oldest === 0 ? "" : `, kept from byte ${oldest}`}`])
  if (session.logLostBytes > 0) {
    rows.push(["not logged", `${bytes(session.logLostBytes)}: the disk was full or failed`])
  }
  if (session.restart !== undefined) rows.push(...restartRows(session, now))
  for (const [index, capture] of captures.entries()) rows.push([index === 0 ? "captured" : "", captureLine(capture)])
  return columns(rows.map(([key, value]) => [key === "" ? "" : `${key}:`, value]))
}

/** A program's name for a sentence. */
export const programName = (session: Session): string => basename(session.command[0] ?? "shell")

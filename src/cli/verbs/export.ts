import type { LogLine } from "../../protocol/sessions.ts"
import { Direction } from "../../protocol/sessionFrames.ts"
import type { Context } from "../context.ts"
import { ExitCode, Fault } from "../exit.ts"
import { isPassing } from "../daemon.ts"
import { printError, writeAll } from "../stdio.ts"
import { SessionStream, type StreamRecord } from "../terminal/stream.ts"
import { gapText, ticketFor } from "../terminal/ticket.ts"
import { pour } from "./output.ts"

export interface ExportOptions {
  readonly session: string
  readonly format: "jsonl" | "raw"
}

const directions = new Map<number, LogLine["direction"]>(
  Object.entries(Direction).map(([name, value]) => [value, name as LogLine["direction"]])
)

/** One line of the log, in the format of claude-sessions. */
export const logLine = (id: string, record: StreamRecord): string =>
  JSON.stringify({
    timestamp: new Date(record.timestampMillis).toISOString(),
    session_id: id,
    direction: directions.get(record.direction) ?? "output",
    data: record.data.toString("base64"),
    size: record.data.length
  })

/** `hob export`: the whole log. */
export const exportLog = async (context: Context, options: ExportOptions): Promise<number> => {
  if (options.format === "raw") {
    await pour(context, options.session, { mode: "read", since: 0 }, (data) => writeAll(1, data))
    return ExitCode.ok
  }
  let id = ""
  const request = ticketFor(context, { session: options.session, mode: "records" }, (session) => (id = session.id))
  let broken = false
  const stream = new SessionStream(() => request(null), isPassing, {
    output: () => {},
    record: (record) => writeAll(1, Buffer.from(`${logLine(id, record)}\n`, "utf8")),
    gap: (gap) => printError(`hob: ${gapText(gap)}`),
    // Records have no offsets to go on at: input is among them.
    interrupted: () => {
      broken = true
      stream.close()
    }
  })
  await stream.run()
  if (broken) throw new Fault(ExitCode.failure, "The connection broke before the end of the log.", "Export it again.")
  return ExitCode.ok
}

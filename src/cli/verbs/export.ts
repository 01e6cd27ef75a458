import type { LogLine, Session } from "../../protocol/sessions.ts"
import { Direction } from "../../protocol/sessionFrames.ts"
import type { Context } from "../context.ts"
import { ExitCode, Fault } from "../exit.ts"
import { Asciicast } from "../export/asciicast.ts"
import { isPassing } from "../daemon.ts"
import { printError, writeAll } from "../stdio.ts"
import { SessionStream, type StreamRecord } from "../terminal/stream.ts"
import { gapText, ticketFor } from "../terminal/ticket.ts"
import { output, pour } from "./output.ts"

export interface ExportOptions {
  readonly session: string
  readonly format: "jsonl" | "raw" | "asciicast" | "text"
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

/** Turns a log into what is printed: nothing for a piece that the format has no place for. */
interface Writer {
  readonly begin: (session: Session, size: { readonly cols: number; readonly rows: number }) => string
  readonly piece: (record: StreamRecord) => string
}

const jsonLines = (): Writer => {
  let id = ""
  return {
    begin: (session) => ((id = session.id), ""),
    // The format has no word for a change of size.
    piece: (record) => (record.direction === Direction.resize ? "" : `${logLine(id, record)}\n`)
  }
}

const asciicast = (): Writer => {
  let cast: Asciicast | undefined
  return {
    begin: (session, size) => (cast = new Asciicast({ ...session, ...size })).head(),
    piece: (record) => cast?.event(record) ?? ""
  }
}

/** `hob export`: the whole log. */
export const exportLog = async (context: Context, options: ExportOptions): Promise<number> => {
  if (options.format === "raw") {
    await pour(context, options.session, { mode: "read", since: 0 }, (data) => writeAll(1, data))
    return ExitCode.ok
  }
  if (options.format === "text") {
    return output(context, { session: options.session, follow: false, plain: true, since: null, tail: null })
  }
  const writer = options.format === "asciicast" ? asciicast() : jsonLines()
  const write = (text: string) => text !== "" && writeAll(1, Buffer.from(text, "utf8"))
  let session: Session
  const request = ticketFor(context, { session: options.session, mode: "records" }, (found) => (session = found))
  let broken = false
  const stream = new SessionStream(() => request(null), isPassing, {
    opened: ({ size = session }) => write(writer.begin(session, size)),
    output: () => {},
    record: (record) => write(writer.piece(record)),
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

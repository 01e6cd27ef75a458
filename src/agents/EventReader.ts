import type { AgentEvent } from "../protocol/agents.ts"
import { Direction } from "../protocol/sessionHost.ts"
import type { LogPiece } from "../sessions/hostStream.ts"
import { isFields, type Reader } from "./formats/event.ts"
import { Pieces } from "./Pieces.ts"

/** A longer line is not read: one tool's result with a picture in it is some megabytes. */
const LINE_BYTES = 32 * 1024 * 1024
/** What is told of a line that is not JSON. */
const SHOWN_CHARACTERS = 400
const NEWLINE = 0x0a

export interface EventReaderOptions {
  readonly read: Reader
  /** Whether each event is to have the line that it was read from. */
  readonly raw?: boolean
}

/**
 * The lines of an agent's standard output as events. An event's offset is that behind its line, so reading may begin
 * anew there. What the agent writes to standard error lies in between and is passed over.
 */
export class EventReader {
  readonly #options: EventReaderOptions
  readonly #pieces = new Pieces(LINE_BYTES)

  constructor(options: EventReaderOptions) {
    this.#options = options
  }

  /** The events of a piece of the session's log. */
  push(piece: LogPiece): ReadonlyArray<AgentEvent> {
    if (piece.type === "gap") {
      this.#pieces.forget()
      return [{ type: "gap", offset: piece.to, from: piece.from, to: piece.to }]
    }
    if (piece.direction !== Direction.stdout) return []
    const events: Array<AgentEvent> = []
    const { data, offset } = piece
    let at = 0
    for (let end = data.indexOf(NEWLINE); end !== -1; end = data.indexOf(NEWLINE, at)) {
      const last = data.subarray(at, end)
      at = end + 1
      this.#line(last, offset + at, events)
    }
    this.#pieces.add(data.subarray(at))
    return events
  }

  #line(last: Buffer, offset: number, events: Array<AgentEvent>): void {
    const { bytes, line } = this.#pieces.end(last)
    if (line === undefined) {
      events.push({ type: "unreadable", offset, text: `A line of ${bytes} bytes; ${LINE_BYTES} are read.` })
      return
    }
    const text = line.toString("utf8")
    if (text.trim() === "") return
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      value = undefined
    }
    if (!isFields(value)) {
      events.push({ type: "unreadable", offset, text: text.slice(0, SHOWN_CHARACTERS) })
      return
    }
    const raw = this.#options.raw === true ? { raw: value as never } : {}
    for (const said of this.#options.read(value)) events.push({ ...said, offset, ...raw } as AgentEvent)
  }
}

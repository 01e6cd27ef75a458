import type { Socket } from "node:net"
import type { SessionId } from "../protocol/ids.ts"
import { FrameType } from "../protocol/sessionFrames.ts"
import type { ErrorFrame, OpenedFrame } from "../protocol/sessionHost.ts"
import { encodeFrame, encodeJsonFrame } from "../wire/frames.ts"
import { recordHead } from "./dataFrames.ts"
import { FrameSocket } from "./FrameSocket.ts"
import { isInput, isOutput } from "./log/format.ts"
import { type LogEntry, RecordReader } from "./log/RecordReader.ts"
import { type Readable, type Reader, sizeAt } from "./Readable.ts"
import type { Grant } from "./tickets.ts"
import { sendLast } from "./upgrade/sockets.ts"
import type { RecordsState } from "./upgrade/state.ts"

const ENTRIES_PER_TURN = 256
/** What is written to the log within this time goes out together: opening the log for each line would cost more than the line. */
const GATHER_MILLIS = 100

/** What a client of records asked for, or how far it was served when this process replaced itself. */
export type RecordsRequest =
  | { readonly grant: Pick<Grant, "follow" | "since" | "sinceInput" | "uncounted"> }
  | { readonly held: RecordsState; readonly unsent: Buffer }

/**
 * A client that gets the log, each piece with its time and direction, as fast as it reads and no faster: to the end
 * that the log has, or, following, until the session has closed.
 */
export class RecordsClient implements Reader {
  readonly counted: boolean
  readonly pendingFrom = Infinity
  readonly #socket: Socket
  readonly #frames: FrameSocket
  readonly #source: Readable
  readonly #follow: boolean
  /** Up to where it has been sent. */
  #output: number
  #input: number
  /** Null while there is nothing more to send. */
  #reader: RecordReader | null
  /** The reader goes to the end for good. */
  #isLast = false
  /** Something was written since the reader was made. */
  #news = false
  #timer: NodeJS.Timeout | null = null
  #over = false

  constructor(socket: Socket, source: Readable, request: RecordsRequest) {
    const asked =
      "held" in request
        ? request.held
        : {
            output: request.grant.since ?? 0,
            input: request.grant.sinceInput ?? 0,
            follow: request.grant.follow === true,
            counted: request.grant.uncounted !== true,
            end: undefined
          }
    this.#socket = socket
    this.#source = source
    this.#follow = asked.follow
    this.counted = asked.counted
    this.#output = asked.output
    this.#input = asked.input
    this.#frames = new FrameSocket(socket, () => this.#pump())
    this.#reader = this.#newReader(asked.follow ? undefined : asked.end)
    if (this.#follow) source.join(this)
    socket.on("close", () => {
      this.#leave()
      if (this.#follow) source.leave(this)
    })
    if ("held" in request) this.#frames.write(request.unsent, [], 0)
    else {
      const offset = Math.max(source.oldest, this.#output)
      const size = sizeAt(source, offset)
      const opened: OpenedFrame = { session: source.describe(), offset, liveFrom: source.head, ...size }
      this.#frames.writeJson(FrameType.opened, opened)
    }
    this.#pump()
  }

  /** What a successor of this process needs to go on with the client. */
  handOver(): { readonly kind: "records"; readonly session: SessionId; readonly client: RecordsState } {
    const end = this.#reader?.end ?? this.#source.log.end()
    const client = { output: this.#output, input: this.#input, end, follow: this.#follow, counted: this.counted }
    return { kind: "records", session: this.#source.describe().id, client }
  }

  /** A client that reads records has nothing to say. */
  onFrame(type: number): void {
    const message = `a frame of type ${type} has no place here`
    sendLast(this.#socket, encodeJsonFrame(FrameType.error, { code: "bad-frame", message } satisfies ErrorFrame))
    this.#leave()
  }

  readonly onOutput = (): void => this.#gather()
  readonly onInput = (): void => this.#gather()
  readonly onChange = (): void => this.#gather()

  #gather(): void {
    this.#news = true
    if (this.#over || this.#reader !== null || this.#timer !== null) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#reader = this.#newReader()
      this.#pump()
    }, GATHER_MILLIS)
  }

  #newReader(end?: number): RecordReader {
    this.#news = false
    this.#isLast = !this.#follow || this.#source.closed
    return new RecordReader(this.#source.log, { output: this.#output, input: this.#input }, end)
  }

  readonly #pump = (): void => {
    for (let entries = 0; !this.#over && this.#reader !== null && !this.#frames.blocked; entries++) {
      if (entries === ENTRIES_PER_TURN) return void setImmediate(this.#pump)
      let entry
      try {
        entry = this.#reader.next()
      } catch {
        // No descriptor left: a client must not take half a log for a whole one.
        this.#socket.destroy()
        return this.#leave()
      }
      if (entry !== null) this.#send(entry)
      else if (this.#isLast) return this.#finish()
      else {
        this.#reader = null
        if (this.#news) this.#gather()
      }
    }
  }

  #send(entry: LogEntry): void {
    if (entry.type === "gap") {
      this.#output = Math.max(this.#output, entry.to)
      return this.#frames.writeJson(FrameType.gap, { from: entry.from, to: entry.to, reason: entry.reason })
    }
    const end = entry.offset + entry.data.length
    if (isOutput(entry.direction)) this.#output = end
    else if (isInput(entry.direction)) this.#input = end
    this.#frames.write(recordHead(entry), [entry.data], entry.data.length)
  }

  #finish(): void {
    sendLast(this.#socket, encodeFrame(FrameType.end, Buffer.alloc(0)))
    this.#leave()
  }

  #leave(): void {
    if (this.#over) return
    this.#over = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#reader?.close()
    this.#reader = null
  }
}

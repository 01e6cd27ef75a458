import type { Socket } from "node:net"
import { FrameType } from "../protocol/sessionFrames.ts"
import type { ErrorFrame, OpenedFrame } from "../protocol/sessionHost.ts"
import { encodeFrame, encodeJsonFrame } from "../wire/frames.ts"
import { recordHead } from "./dataFrames.ts"
import { FrameSocket } from "./FrameSocket.ts"
import { RecordReader } from "./log/RecordReader.ts"
import { type Readable, sizeAt } from "./Readable.ts"

const ENTRIES_PER_TURN = 256

/** A client that gets the whole log, each piece with its time and direction, as fast as it reads and no faster. */
export class RecordsClient {
  readonly #socket: Socket
  readonly #frames: FrameSocket
  readonly #reader: RecordReader
  #over = false

  constructor(socket: Socket, source: Readable) {
    this.#socket = socket
    this.#frames = new FrameSocket(socket, () => this.#pump())
    this.#reader = new RecordReader(source.log)
    socket.on("close", () => this.#leave())
    const size = sizeAt(source, source.oldest)
    const opened: OpenedFrame = { session: source.describe(), offset: source.oldest, liveFrom: source.head, ...size }
    this.#frames.writeJson(FrameType.opened, opened)
    this.#pump()
  }

  /** A client that reads records has nothing to say. */
  onFrame(type: number): void {
    const message = `a frame of type ${type} has no place here`
    this.#socket.end(encodeJsonFrame(FrameType.error, { code: "bad-frame", message } satisfies ErrorFrame))
    this.#leave()
  }

  readonly #pump = (): void => {
    for (let entries = 0; !this.#over && !this.#frames.blocked; entries++) {
      if (entries === ENTRIES_PER_TURN) return void setImmediate(this.#pump)
      let entry
      try {
        entry = this.#reader.next()
      } catch {
        // No descriptor left: a client must not take half a log for a whole one.
        this.#socket.destroy()
        return this.#leave()
      }
      if (entry === null) {
        this.#socket.end(encodeFrame(FrameType.end, Buffer.alloc(0)))
        return this.#leave()
      }
      if (entry.type === "record") this.#frames.write(recordHead(entry), [entry.data], entry.data.length)
      else this.#frames.writeJson(FrameType.gap, { from: entry.from, to: entry.to, reason: entry.reason })
    }
  }

  #leave(): void {
    if (this.#over) return
    this.#over = true
    this.#reader.close()
  }
}

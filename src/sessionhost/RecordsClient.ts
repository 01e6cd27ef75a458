import type { Socket } from "node:net"
import { FrameType } from "../protocol/sessionFrames.ts"
import type { SessionId } from "../protocol/ids.ts"
import type { ErrorFrame, OpenedFrame } from "../protocol/sessionHost.ts"
import { encodeFrame, encodeJsonFrame } from "../wire/frames.ts"
import { recordHead } from "./dataFrames.ts"
import { FrameSocket } from "./FrameSocket.ts"
import { RecordReader } from "./log/RecordReader.ts"
import { type Readable, sizeAt } from "./Readable.ts"
import { sendLast } from "./upgrade/sockets.ts"
import type { RecordsState } from "./upgrade/state.ts"

const ENTRIES_PER_TURN = 256

/** A client that gets the whole log, each piece with its time and direction, as fast as it reads and no faster. */
export class RecordsClient {
  readonly #socket: Socket
  readonly #frames: FrameSocket
  readonly #reader: RecordReader
  readonly #session: SessionId
  readonly #oldest: number
  #over = false

  /** `held`: how far the client was served when this process replaced itself; throws when that is not there any more. */
  constructor(socket: Socket, source: Readable, held?: { readonly position: RecordsState; readonly unsent: Buffer }) {
    this.#socket = socket
    this.#session = source.describe().id
    this.#oldest = source.oldest
    this.#frames = new FrameSocket(socket, () => this.#pump())
    this.#reader = new RecordReader(source.log, held?.position)
    socket.on("close", () => this.#leave())
    if (held !== undefined) {
      if (held.position.oldest !== source.oldest) throw new Error("the beginning of its log was deleted meanwhile")
      this.#frames.write(held.unsent, [], 0)
      this.#pump()
      return
    }
    const size = sizeAt(source, source.oldest)
    const opened: OpenedFrame = { session: source.describe(), offset: source.oldest, liveFrom: source.head, ...size }
    this.#frames.writeJson(FrameType.opened, opened)
    this.#pump()
  }

  /** What a successor of this process needs to go on with the client. */
  handOver(): { readonly kind: "records"; readonly session: SessionId; readonly client: RecordsState } {
    return { kind: "records", session: this.#session, client: { ...this.#reader.position, oldest: this.#oldest } }
  }

  /** A client that reads records has nothing to say. */
  onFrame(type: number): void {
    const message = `a frame of type ${type} has no place here`
    sendLast(this.#socket, encodeJsonFrame(FrameType.error, { code: "bad-frame", message } satisfies ErrorFrame))
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
        sendLast(this.#socket, encodeFrame(FrameType.end, Buffer.alloc(0)))
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

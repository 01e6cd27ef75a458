import type { Socket } from "node:net"
import { FrameType } from "../protocol/sessionFrames.ts"
import type { ErrorFrame, GapFrame, OpenedFrame } from "../protocol/sessionHost.ts"
import { encodeFrame, encodeJsonFrame } from "../wire/frames.ts"
import { outputHead, resizedFrame } from "./dataFrames.ts"
import { FrameSocket } from "./FrameSocket.ts"
import { LogReader } from "./log/LogReader.ts"
import { type Readable, type Reader, sizeAt } from "./Readable.ts"
import { ClientInput } from "./ClientInput.ts"
import { replayStart } from "./replayStart.ts"
import { Session } from "./Session.ts"
import type { Grant } from "./tickets.ts"

/** An attached client that is further behind skips to the present. */
export const ATTACH_BEHIND_BYTES = 8 * 1024 * 1024
const PIECE_BYTES = 256 * 1024
/** Pieces in one go, before others get their turn. */
const PIECES_PER_TURN = 4
const NO_DESCRIPTOR_RETRY_MILLIS = 250

/**
 * A client that gets a session's output: a cursor into it. While the cursor is at the head and the socket takes
 * everything, output goes out as it comes; otherwise the cursor stays where it is and, whenever the socket has taken
 * what it was given, the next piece is fetched from memory or from the log. So a client that doesn't read costs one
 * piece, however much the program prints.
 */
export class DataClient implements Reader {
  readonly #socket: Socket
  readonly #frames: FrameSocket
  readonly #source: Readable
  readonly #mode: "attach" | "follow" | "read"
  readonly #input: ClientInput | null
  /** Mode `read`: where to stop. */
  readonly #until: number
  #cursor: number
  /** Number of the next change of size to tell of. */
  #nextSize: number
  /** Where the last piece begins in what is in memory; `Infinity` when it was not from there. */
  #recentFrom = Infinity
  #reader: LogReader | null = null
  #exitTold = false
  #pumpScheduled = false
  #over = false

  /** Takes over a socket whose `open` frame has been read; the caller keeps reading frames and hands them to `onFrame`. */
  constructor(socket: Socket, source: Readable, grant: Grant & { readonly mode: "attach" | "follow" | "read" }) {
    this.#socket = socket
    this.#source = source
    this.#mode = grant.mode
    this.#frames = new FrameSocket(socket, () => this.#pump())
    this.#until = source.head
    const mayType = grant.mode === "attach" && !grant.readOnly
    this.#input = mayType ? new ClientInput(socket, source instanceof Session ? source : null) : null
    if (grant.cols !== null && grant.rows !== null) this.#input?.resize(grant.cols, grant.rows)

    const { from, gap } = replayStart(source, grant)
    this.#cursor = from
    this.#nextSize = source.log.sizes()?.numberAfter(from) ?? 0
    socket.on("close", () => {
      this.#stop()
      source.leave(this)
    })
    source.join(this)
    const opened: OpenedFrame = {
      session: source.describe(),
      offset: from,
      liveFrom: source.head,
      ...sizeAt(source, from)
    }
    this.#frames.writeJson(FrameType.opened, opened)
    if (gap !== null) this.#frames.writeJson(FrameType.gap, gap)
    this.#pump()
  }

  /** A frame from the client. */
  onFrame(type: number, payload: Buffer): void {
    if (this.#over) return
    if (type === FrameType.input && this.#input !== null) return this.#input.type(payload)
    if (type === FrameType.resize && this.#input !== null && payload.length === 4) {
      const cols = payload.readUInt16BE(0)
      const rows = payload.readUInt16BE(2)
      if (cols >= 1 && cols <= 4096 && rows >= 1 && rows <= 4096) return this.#input.resize(cols, rows)
    }
    const message = `a frame of type ${type} and ${payload.length} bytes has no place here`
    this.#socket.end(encodeJsonFrame(FrameType.error, { code: "bad-frame", message } satisfies ErrorFrame))
    this.#stop()
  }

  get pendingFrom(): number {
    return this.#frames.blocked ? this.#recentFrom : Infinity
  }

  onOutput(offset: number, slices: ReadonlyArray<Buffer>, bytes: number): void {
    if (this.#over || this.#frames.blocked || this.#cursor !== offset || this.#mode === "read") return
    this.#writeOutput(slices, bytes, offset)
  }

  onChange(): void {
    if (!this.#frames.blocked) this.#pump()
  }

  /** Sends what is there to send, until the socket is blocked or the cursor is at the head. */
  readonly #pump = (): void => {
    this.#pumpScheduled = false
    for (let pieces = 0; !this.#over && !this.#frames.blocked; pieces++) {
      this.#tellExit()
      this.#tellSize()
      if (this.#frames.blocked) return
      const end = this.#mode === "read" ? this.#until : this.#source.head
      if (this.#cursor >= end) {
        this.#closeReader()
        if (this.#mode === "read" || this.#source.closed) this.#finish()
        return
      }
      if (pieces === PIECES_PER_TURN) return this.#pumpLater()
      if (!this.#skip(end) && !this.#sendPiece(Math.min(end, this.#sizeChangesAt()))) return
    }
  }

  #pumpLater(): void {
    if (this.#pumpScheduled) return
    this.#pumpScheduled = true
    setImmediate(this.#pump)
  }

  #tellExit(): void {
    const exit = this.#source.exit
    if (exit === null || this.#exitTold || this.#mode === "read") return
    this.#exitTold = true
    this.#frames.writeJson(FrameType.exited, exit)
  }

  /** Tells of every change of size up to the cursor; of those in a gap only the last one counts. */
  #tellSize(): void {
    const sizes = this.#source.log.sizes()
    if (sizes === null) return
    for (this.#nextSize = Math.max(this.#nextSize, sizes.oldest); ; this.#nextSize++) {
      const change = sizes.get(this.#nextSize)
      if (change === null || change.offset > this.#cursor) return
      const isPast = (sizes.get(this.#nextSize + 1)?.offset ?? Infinity) <= this.#cursor
      if (change.offset === this.#cursor || !isPast) {
        this.#frames.write(resizedFrame({ ...change, offset: this.#cursor }), [], 0)
      }
    }
  }

  /** Where output has to be interrupted. */
  #sizeChangesAt(): number {
    return this.#source.log.sizes()?.get(this.#nextSize)?.offset ?? Infinity
  }

  /** A terminal has no use for what scrolled by long ago: it goes on with the recent output. */
  #skip(end: number): boolean {
    if (this.#mode !== "attach" || end - this.#cursor <= ATTACH_BEHIND_BYTES) return false
    const recent = this.#source.recent
    const near = end - PIECE_BYTES
    const to = recent === null ? near : recent.safeStart(recent.oldest < this.#cursor ? near : recent.oldest)
    this.#closeReader()
    this.#gap({ from: this.#cursor, to, reason: "behind" })
    return true
  }

  /** False when it has to be tried again later, which is arranged for. */
  #sendPiece(end: number): boolean {
    const recent = this.#source.recent
    const from = this.#cursor
    if (recent !== null && from >= recent.oldest) {
      const to = Math.min(end, from + PIECE_BYTES)
      this.#writeOutput(recent.slices(from, to), to - from, from)
      return true
    }
    let piece
    try {
      piece = (this.#reader ??= new LogReader(this.#source.log)).read(from)
    } catch {
      // No descriptor left in this process. Nothing tells when there is one again.
      setTimeout(this.#pump, NO_DESCRIPTOR_RETRY_MILLIS)
      return false
    }
    if (piece?.type === "bytes") {
      const data = piece.data.subarray(0, end - from)
      this.#writeOutput([data], data.length, Infinity)
      return true
    }
    // What the log doesn't have may still be in memory.
    const limit = recent === null ? end : Math.min(end, recent.oldest)
    this.#gap({ from, to: Math.min(piece?.to ?? end, limit), reason: piece?.reason ?? "corrupt" })
    return true
  }

  #gap(gap: GapFrame): void {
    this.#cursor = gap.to
    this.#frames.writeJson(FrameType.gap, gap)
  }

  #writeOutput(slices: ReadonlyArray<Buffer>, bytes: number, recentFrom: number): void {
    const head = outputHead(this.#cursor, bytes)
    this.#recentFrom = recentFrom
    this.#cursor += bytes
    this.#frames.write(head, slices, bytes)
  }

  #finish(): void {
    this.#socket.end(encodeFrame(FrameType.end, Buffer.alloc(0)))
    this.#stop()
  }

  #stop(): void {
    if (this.#over) return
    this.#over = true
    this.#closeReader()
    this.#input?.close()
  }

  #closeReader(): void {
    this.#reader?.close()
    this.#reader = null
  }
}

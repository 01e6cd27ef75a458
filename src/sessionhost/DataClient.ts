import type { Socket } from "node:net"
import { FrameType } from "../protocol/sessionFrames.ts"
import type { SessionId } from "../protocol/ids.ts"
import type { ErrorFrame, GapFrame, OpenedFrame, OpenFrame } from "../protocol/sessionHost.ts"
import { encodeFrame, encodeJsonFrame } from "../wire/frames.ts"
import { ClientInput } from "./ClientInput.ts"
import { outputHead, resizedFrame, screenFrames } from "./dataFrames.ts"
import { type AskScreen, ExactScreens, type Snapshot } from "./ExactScreens.ts"
import { FrameSocket } from "./FrameSocket.ts"
import type { Size } from "./InputLease.ts"
import { OutputPieces } from "./OutputPieces.ts"
import { type Readable, type Reader, sizeAt } from "./Readable.ts"
import { ATTACH_BEHIND_BYTES, firstScreen, type ReplayStart, replayStart } from "./replayStart.ts"
import { Session } from "./Session.ts"
import type { Grant } from "./tickets.ts"
import { sendLast } from "./upgrade/sockets.ts"
import type { DataClientState } from "./upgrade/state.ts"

/** Pieces in one go, before others get their turn. */
const PIECES_PER_TURN = 4
const NO_DESCRIPTOR_RETRY_MILLIS = 250

export interface DataClientOptions {
  /** Its `open` frame has been read; the caller keeps reading frames and hands them to `onFrame`. */
  readonly socket: Socket
  readonly source: Readable
  readonly grant: Grant & { readonly mode: "attach" | "follow" | "read" }
  readonly open: OpenFrame
  /** Asks for the screen of a session with output up to `head`. */
  readonly askScreen: (historyLines: number, head: number) => ReturnType<AskScreen>
  /** How far it was served when this process replaced itself. */
  readonly held?: { readonly client: DataClientState; readonly unsent: Buffer }
}

/**
 * A client that gets a session's output: a cursor into it. While the cursor is at the head and the socket takes
 * everything, output goes out as it comes; otherwise the cursor stays where it is and, whenever the socket has taken
 * what it was given, the next piece is fetched from memory or from the log. So a client that doesn't read costs one
 * piece, however much the program prints.
 */
export class DataClient implements Reader {
  readonly counted: boolean
  readonly #socket: Socket
  readonly #frames: FrameSocket
  readonly #pieces: OutputPieces
  readonly #source: Readable
  readonly #mode: "attach" | "follow" | "read"
  readonly #open: OpenFrame
  readonly #grant: Grant
  readonly #input: ClientInput | null
  readonly #screens: ExactScreens | null
  /** Mode `read`: where to stop. */
  readonly #until: number
  /** Nothing is sent before it is known where to begin. */
  #begun = false
  #cursor = 0
  /** Number of the next change of size to tell of. */
  #nextSize = 0
  /** Where the last piece begins in what is in memory; `Infinity` when it was not from there. */
  #recentFrom = Infinity
  #exitTold = false
  #isLeaseNew = false
  #pumpScheduled = false
  #over = false

  constructor({ askScreen, grant, held, open, socket, source }: DataClientOptions) {
    this.#socket = socket
    this.#open = open
    this.#source = source
    this.#pieces = new OutputPieces(source)
    this.#grant = open.since === undefined ? grant : { ...grant, since: open.since }
    this.#mode = grant.mode
    this.counted = grant.uncounted !== true
    this.#frames = new FrameSocket(socket, () => this.#pump())
    this.#until = held?.client.begun?.until ?? source.head
    const session = source instanceof Session ? source : null
    // What the client's protocol knows: a client that never heard of screens never heard of leases either.
    const isTerminal = grant.mode === "attach" && source.log.sizes() !== null && open.screen !== undefined
    const lease = { client: open.client ?? "another client", take: open.take, changed: this.#leaseChanged }
    const size = grant.cols === null || grant.rows === null ? null : { cols: grant.cols, rows: grant.rows }
    const mayType = grant.mode === "attach" && !grant.readOnly
    this.#input =
      grant.mode === "attach"
        ? new ClientInput({
            socket,
            session,
            mayType,
            size,
            lease: isTerminal ? lease : null,
            held: held?.client ?? null
          })
        : null
    const ask: AskScreen = (historyLines) => askScreen(historyLines, source.head)
    this.#screens = isTerminal && open.screen === true ? new ExactScreens(ask, this.#showScreen) : null
    const attached = this.counted && grant.mode === "attach" ? session : null
    const client = open.client ?? null
    socket.on("close", () => {
      this.#stop()
      source.leave(this)
      attached?.tellOfClient({ change: "detached", client })
    })
    source.join(this)
    if (held === undefined) attached?.tellOfClient({ change: "attached", client })
    if (held !== undefined && held.client.begun !== null) {
      this.#resume(held.client.begun, held.unsent)
      return
    }
    const start = replayStart(source, this.#grant)
    const wanted = this.#screens === null ? null : firstScreen(source, this.#grant, open.historyLines ?? 0)
    if (this.#screens === null || wanted === null) this.#begin(start, null, this.#screens !== null)
    else void this.#screens.first(wanted, (snapshot) => this.#beginWith(snapshot, wanted.isReplayExact))
  }

  /** What a successor of this process needs to go on with the client. */
  handOver(): { readonly kind: "data"; readonly session: SessionId; readonly client: DataClientState } {
    const behind = (this.#source.log.sizes()?.numberAfter(this.#cursor) ?? 0) - this.#nextSize
    const begun = {
      cursor: this.#cursor,
      until: this.#until,
      sizesUntold: Math.max(0, behind),
      exitTold: this.#exitTold,
      leaseUntold: this.#isLeaseNew,
      screenWanted: this.#screens?.isWanted ?? false
    }
    const client: DataClientState = {
      grant: { id: 0, op: "grant", ticket: "", ...this.#grant },
      open: this.#open,
      begun: this.#begun ? begun : null,
      ...(this.#input?.handOver() ?? { typed: [], size: null, leaseSince: null })
    }
    return { kind: "data", session: this.#grant.session, client }
  }

  #resume(begun: NonNullable<DataClientState["begun"]>, unsent: Buffer): void {
    this.#begun = true
    this.#moveTo(begun.cursor)
    this.#nextSize -= begun.sizesUntold
    this.#exitTold = begun.exitTold
    this.#isLeaseNew = begun.leaseUntold
    this.#frames.write(unsent, [], 0)
    if (begun.screenWanted) this.#screens?.want()
    this.#pump()
  }

  #beginWith(snapshot: Snapshot | null, isReplayExact: boolean): void {
    if (snapshot === null) {
      this.#begin(replayStart(this.#source, this.#grant), null, isReplayExact)
      if (!isReplayExact) this.#screens?.want()
      return
    }
    const { since } = this.#grant
    const missed = since !== null && since < snapshot.offset
    const gap: GapFrame | null = missed ? { from: since, to: snapshot.offset, reason: "behind" } : null
    this.#begin({ from: snapshot.offset, gap }, snapshot, true)
  }

  #begin({ from, gap }: ReplayStart, snapshot: Snapshot | null, exact: boolean): void {
    const source = this.#source
    this.#begun = true
    this.#moveTo(from)
    const opened: OpenedFrame = {
      session: source.describe(),
      offset: from,
      liveFrom: source.head,
      ...(snapshot === null ? sizeAt(source, from) : { size: { cols: snapshot.cols, rows: snapshot.rows } }),
      ...(this.#screens === null ? {} : { exact })
    }
    this.#frames.writeJson(FrameType.opened, opened)
    this.#isLeaseNew = true
    this.#tellLease()
    if (gap !== null) this.#frames.writeJson(FrameType.gap, gap)
    if (snapshot !== null) this.#writeScreen(snapshot)
    this.#pump()
  }

  /** A frame from the client. */
  onFrame(type: number, payload: Buffer): void {
    if (this.#over) return
    const size = type === FrameType.resize ? sizeIn(payload) : null
    if (this.#input?.mayType === true) {
      if (type === FrameType.input) return this.#input.type(payload)
      if (type === FrameType.take) return this.#input.take()
      if (size !== null) return this.#input.resize(size)
    }
    if (type === FrameType.refresh && this.#screens !== null) return this.#screens.want(linesIn(payload))
    const message = `a frame of type ${type} and ${payload.length} bytes has no place here`
    sendLast(this.#socket, encodeJsonFrame(FrameType.error, { code: "bad-frame", message } satisfies ErrorFrame))
    this.#stop()
  }

  get pendingFrom(): number {
    return this.#frames.blocked ? this.#recentFrom : Infinity
  }

  onOutput(offset: number, slices: ReadonlyArray<Buffer>, bytes: number): void {
    if (!this.#begun || this.#over || this.#frames.blocked || this.#cursor !== offset || this.#mode === "read") return
    this.#writeOutput(slices, bytes, offset)
  }

  onChange(): void {
    if (!this.#frames.blocked) this.#pump()
  }

  /** Sends what is there to send, until the socket is blocked or the cursor is at the head. */
  readonly #pump = (): void => {
    this.#pumpScheduled = false
    for (let pieces = 0; this.#begun && !this.#over && !this.#frames.blocked; pieces++) {
      this.#tellExit()
      this.#tellLease()
      this.#tellSize()
      if (this.#frames.blocked) return
      const end = this.#mode === "read" ? this.#until : this.#source.head
      if (this.#cursor >= end) {
        this.#pieces.close()
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
    this.#pieces.close()
    this.#gap({ from: this.#cursor, to: this.#pieces.skipTo(this.#cursor, end), reason: "behind" })
    this.#screens?.want()
    return true
  }

  /** False when it is of no use: the client would be too far behind at once, or reads nothing just now. */
  readonly #showScreen = (snapshot: Snapshot): boolean => {
    if (this.#over || this.#frames.blocked || this.#source.head - snapshot.offset > ATTACH_BEHIND_BYTES) return false
    if (snapshot.offset > this.#cursor) this.#gap({ from: this.#cursor, to: snapshot.offset, reason: "behind" })
    this.#pieces.close()
    this.#moveTo(snapshot.offset)
    this.#writeScreen(snapshot)
    this.#pump()
    return true
  }

  #writeScreen(snapshot: Snapshot): void {
    // All of it is in memory already: it is not fetched in pieces as output is.
    for (const { bytes, head } of screenFrames(snapshot)) this.#frames.write(head, [bytes], bytes.length)
    // The screen may be from before a change of size at this very byte.
    const size = this.#source.log.sizes()?.at(snapshot.offset)
    if (size === undefined || (size.cols === snapshot.cols && size.rows === snapshot.rows)) return
    this.#frames.write(resizedFrame({ ...size, offset: snapshot.offset }), [], 0)
  }

  readonly #leaseChanged = (): void => {
    this.#isLeaseNew = true
    this.onChange()
  }

  /** However often it changed while the client read nothing, it is told once. */
  #tellLease(): void {
    const lease = this.#isLeaseNew ? (this.#input?.lease ?? null) : null
    this.#isLeaseNew = false
    if (lease !== null) this.#frames.writeJson(FrameType.lease, lease)
  }

  #moveTo(offset: number): void {
    this.#cursor = offset
    this.#nextSize = this.#source.log.sizes()?.numberAfter(offset) ?? 0
  }

  /** False when it has to be tried again later, which is arranged for. */
  #sendPiece(end: number): boolean {
    let piece
    try {
      piece = this.#pieces.read(this.#cursor, end)
    } catch {
      // No descriptor left in this process. Nothing tells when there is one again.
      setTimeout(this.#pump, NO_DESCRIPTOR_RETRY_MILLIS)
      return false
    }
    if (piece.type === "bytes") this.#writeOutput(piece.slices, piece.bytes, piece.recentFrom)
    else {
      this.#gap(piece.gap)
      this.#screens?.want()
    }
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
    sendLast(this.#socket, encodeFrame(FrameType.end, Buffer.alloc(0)))
    this.#stop()
  }

  #stop(): void {
    if (this.#over) return
    this.#over = true
    this.#pieces.close()
    this.#screens?.close()
    this.#input?.close()
  }
}

/** The size in a `resize` frame, if it is one that a terminal can have. */
const sizeIn = (payload: Buffer): Size | null => {
  if (payload.length !== 4) return null
  const cols = payload.readUInt16BE(0)
  const rows = payload.readUInt16BE(2)
  return cols >= 1 && cols <= 4096 && rows >= 1 && rows <= 4096 ? { cols, rows } : null
}

/** The lines of history that a `refresh` frame asks for; one of an older client asks for none. */
const linesIn = (payload: Buffer): number => (payload.length === 4 ? payload.readUInt32BE(0) : 0)

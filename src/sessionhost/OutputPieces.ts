import type { GapFrame } from "../protocol/sessionHost.ts"
import { LogReader } from "./log/LogReader.ts"
import type { Readable } from "./Readable.ts"

const PIECE_BYTES = 256 * 1024

/** Some of a session's output, or what of it can't be had. */
export type Piece =
  | {
      readonly type: "bytes"
      readonly slices: ReadonlyArray<Buffer>
      readonly bytes: number
      /** Where the slices begin in what is in memory; `Infinity` when they are not from there. */
      readonly recentFrom: number
    }
  | { readonly type: "gap"; readonly gap: GapFrame }

/** Fetches output for a client that is not at the head: from memory, or from the log, of which it keeps one file open. */
export class OutputPieces {
  readonly #source: Readable
  #reader: LogReader | null = null

  constructor(source: Readable) {
    this.#source = source
  }

  /** What begins at `from` and ends at `end` or before. Throws when there is no descriptor left in this process. */
  read(from: number, end: number): Piece {
    const recent = this.#source.recent
    if (recent !== null && from >= recent.oldest) {
      const to = Math.min(end, from + PIECE_BYTES)
      return { type: "bytes", slices: recent.slices(from, to), bytes: to - from, recentFrom: from }
    }
    const piece = (this.#reader ??= new LogReader(this.#source.log)).read(from)
    if (piece?.type === "bytes") {
      const data = piece.data.subarray(0, end - from)
      return { type: "bytes", slices: [data], bytes: data.length, recentFrom: Infinity }
    }
    // What the log doesn't have may still be in memory.
    const limit = recent === null ? end : Math.min(end, recent.oldest)
    const to = Math.min(piece?.to ?? end, limit)
    return { type: "gap", gap: { from, to, reason: piece?.reason ?? "corrupt" } }
  }

  /** Where a terminal that has fallen far behind goes on: near `end`. */
  skipTo(from: number, end: number): number {
    const recent = this.#source.recent
    const near = end - PIECE_BYTES
    return recent === null ? near : recent.safeStart(recent.oldest < from ? near : recent.oldest)
  }

  /** Lets go of the file. */
  close(): void {
    this.#reader?.close()
    this.#reader = null
  }
}

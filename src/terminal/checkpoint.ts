/** An emulator as bytes: one line of JSON with what a snapshot can't say, then the snapshot. */
import type { LeftLine } from "./leaving.ts"

/** Version of the form. A reader that doesn't know it builds the emulator from the log. */
export const CHECKPOINT = 1

export interface CheckpointHeader {
  readonly checkpoint: typeof CHECKPOINT
  readonly cols: number
  readonly rows: number
  /** Bytes of the stream that are in it. */
  readonly written: number
  readonly linesLeft: number
  /** What has gone of the line that the first kept row goes on with. */
  readonly partial?: LeftLine | undefined
}

const NEW_LINE = 0x0a

export const writeCheckpoint = (header: CheckpointHeader, snapshot: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), snapshot])

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const isLine = (value: unknown): boolean => {
  if (typeof value !== "object" || value === null) return false
  const { text, styled } = value as Record<string, unknown>
  return typeof text === "string" && typeof styled === "string"
}

const isHeader = (value: unknown): value is CheckpointHeader => {
  if (typeof value !== "object" || value === null) return false
  const { checkpoint, cols, rows, written, linesLeft, partial } = value as Record<string, unknown>
  const counts = [cols, rows, written, linesLeft].every(isCount)
  return checkpoint === CHECKPOINT && counts && cols !== 0 && rows !== 0 && (partial === undefined || isLine(partial))
}

/** Undefined for bytes that aren't a checkpoint of this version. */
export const readCheckpoint = (bytes: Uint8Array): { header: CheckpointHeader; snapshot: Uint8Array } | undefined => {
  const end = bytes.indexOf(NEW_LINE)
  if (end < 0) return undefined
  try {
    const header: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, end).toString())
    return isHeader(header) ? { header, snapshot: bytes.subarray(end + 1) } : undefined
  } catch {
    return undefined
  }
}

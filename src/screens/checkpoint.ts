import { Option, Schema } from "effect"
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { crc32 } from "node:zlib"
import { Activity } from "../protocol/activity.ts"
import { Cells, Offset } from "../protocol/ids.ts"

/**
 * What is known of a session's terminal, on disk: `screen.checkpoint` in its directory. 16 bytes: `hobc`, the version,
 * the lengths of a JSON head and of all texts; the head; the tail, one line each, UTF-8, each ended by LF; the emulator
 * (terminal/checkpoint.ts); and the CRC-32 of all that. Numbers are 4 bytes, big-endian.
 *
 * It is replaced as a whole, and nothing is lost with it: all of it follows from the log.
 */
const FILE = "screen.checkpoint"
const NEW_FILE = "screen.checkpoint.new"
const MAGIC = 0x68_6f_62_63
const VERSION = 1
const HEAD_AT = 20

const Head = Schema.Struct({
  /** It is true after so much output; what comes next has not been seen. */
  offset: Offset,
  cols: Cells,
  rows: Cells,
  /** Lines that have gone to the text history: the number of the tail's first. */
  nextLine: Schema.Int,
  /** How many of them are in the emulator too: those of the tail, once the session is complete. */
  emulated: Schema.Int,
  /** Lines before this one were erased by the program: they are history, but not above the screen any more. */
  erasedTo: Schema.Int,
  /** Rows above the screen. */
  historyRows: Schema.Int,
  /** The session has closed, this is after its last byte, and the tail is in the text history too. */
  complete: Schema.Boolean,
  title: Schema.NullOr(Schema.String),
  activity: Schema.NullOr(Activity)
})

export type CheckpointHead = typeof Head.Type

export interface Checkpoint {
  readonly head: CheckpointHead
  /** The lines in the emulator, as text. */
  readonly tail: ReadonlyArray<string>
  readonly emulator: Buffer
}

const decodeHead = Schema.decodeUnknownOption(Schema.fromJsonString(Head))

/** Replaces the session's checkpoint, in one step. Throws the system's errors: the one before then stays. */
export const writeCheckpoint = (directory: string, { emulator, head, tail }: Checkpoint): void => {
  const headBytes = Buffer.from(JSON.stringify(head))
  const tailBytes = Buffer.from(tail.map((line) => `${line}\n`).join(""))
  const start = Buffer.alloc(HEAD_AT)
  const lengths = [MAGIC, VERSION, headBytes.length, tailBytes.length, emulator.length]
  for (const [index, value] of lengths.entries()) start.writeUInt32BE(value, index * 4)
  const bytes = Buffer.concat([start, headBytes, tailBytes, emulator, Buffer.alloc(4)])
  bytes.writeUInt32BE(crc32(bytes.subarray(0, -4)), bytes.length - 4)
  const temporary = join(directory, NEW_FILE)
  try {
    writeFileSync(temporary, bytes, { mode: 0o600 })
    renameSync(temporary, join(directory, FILE))
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

/** The session's checkpoint; null when there is none, or it is damaged. */
export const readCheckpoint = (directory: string): Checkpoint | null => {
  let bytes: Buffer
  try {
    bytes = readFileSync(join(directory, FILE))
  } catch {
    return null
  }
  if (bytes.length < HEAD_AT + 4 || bytes.readUInt32BE(0) !== MAGIC || bytes.readUInt32BE(4) !== VERSION) return null
  if (crc32(bytes.subarray(0, -4)) !== bytes.readUInt32BE(bytes.length - 4)) return null
  const tailAt = HEAD_AT + bytes.readUInt32BE(8)
  const emulatorAt = tailAt + bytes.readUInt32BE(12)
  const head = decodeHead(bytes.toString("utf8", HEAD_AT, tailAt))
  if (Option.isNone(head)) return null
  const tail = bytes.toString("utf8", tailAt, emulatorAt).split("\n").slice(0, -1)
  return { head: head.value, tail, emulator: bytes.subarray(emulatorAt, -4) }
}

/** So that the session is begun anew from its log. */
export const deleteCheckpoint = (directory: string): void => rmSync(join(directory, FILE), { force: true })

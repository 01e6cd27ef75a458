/** Reading SQLite's write-ahead log, to tell a torn end (a process died while it wrote) from damage in its middle. */
import { closeSync, openSync, readSync } from "node:fs"

const HEADER = 32
const FRAME_HEADER = 24
const MAGIC = 0x377f0682

/** The running checksum of the format: over pairs of 32-bit words, in the byte order that the header's last bit tells. */
const checksum = (data: Buffer, from: number, to: number, littleEndian: boolean, state: [number, number]): void => {
  const read = littleEndian ? data.readUInt32LE.bind(data) : data.readUInt32BE.bind(data)
  let [first, second] = state
  for (let offset = from; offset < to; offset += 8) {
    first = (first + read(offset) + second) >>> 0
    second = (second + read(offset + 4) + first) >>> 0
  }
  state[0] = first
  state[1] = second
}

const readAt = (fd: number, length: number, position: number): Buffer => {
  const buffer = Buffer.alloc(length)
  let filled = 0
  while (filled < length) {
    const count = readSync(fd, buffer, filled, length - filled, position + filled)
    if (count === 0) break
    filled += count
  }
  return buffer.subarray(0, filled)
}

/**
 * Where the log is damaged: the offset of the first byte that SQLite will not use although a whole frame stands there.
 * Null when the log is whole, when only its end is torn (the process died in the middle of writing it), or when there
 * is none. A log that was cut off looks whole or torn: nothing tells that there was more.
 */
export const damagedAt = (path: string): number | null => {
  let fd: number
  try {
    fd = openSync(path, "r")
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null
    throw error
  }
  try {
    return findDamage(fd)
  } finally {
    closeSync(fd)
  }
}

const findDamage = (fd: number): number | null => {
  const header = readAt(fd, HEADER, 0)
  if (header.length < HEADER) return null
  const state: [number, number] = [0, 0]
  const littleEndian = (header.readUInt32BE(0) & 1) === 0
  checksum(header, 0, 24, littleEndian, state)
  const isHeader =
    (header.readUInt32BE(0) & ~1) >>> 0 === MAGIC &&
    state[0] === header.readUInt32BE(24) &&
    state[1] === header.readUInt32BE(28)
  // Without its header nothing in a log counts: one that holds a frame has lost it.
  if (!isHeader) return readAt(fd, 1, HEADER + FRAME_HEADER).length > 0 ? 0 : null
  const length = FRAME_HEADER + header.readUInt32BE(8)
  for (let position = HEADER; ; position += length) {
    const frame = readAt(fd, length, position)
    if (frame.length < length) return null
    checksum(frame, 0, 8, littleEndian, state)
    checksum(frame, FRAME_HEADER, length, littleEndian, state)
    const isWhole =
      frame.compare(header, 16, 24, 8, 16) === 0 &&
      state[0] === frame.readUInt32BE(16) &&
      state[1] === frame.readUInt32BE(20)
    if (!isWhole) return position
  }
}

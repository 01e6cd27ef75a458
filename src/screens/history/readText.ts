import { closeSync, openSync, readdirSync, readFileSync, readSync } from "node:fs"
import { join } from "node:path"
import { segmentFile, segmentsAmong } from "./format.ts"

const NEWLINE = 0x0a

/** The segments of a session's history, oldest first; none when there is no such directory. */
export const segmentsOf = (directory: string): Array<number> => {
  try {
    return segmentsAmong(readdirSync(directory))
  } catch {
    return []
  }
}

/** A segment's text, whole lines only; empty when it was deleted meanwhile. */
export const readSegment = (directory: string, firstLine: number): Buffer => {
  try {
    const text = readFileSync(join(directory, segmentFile(firstLine, "txt")))
    return text.subarray(0, text.lastIndexOf(NEWLINE) + 1)
  } catch {
    return Buffer.alloc(0)
  }
}

/** Bytes `from` to `to` of a file, as many as there are; null when it can't be read. */
export const readRange = (path: string, from: number, to: number): Buffer | null => {
  let fd: number
  try {
    fd = openSync(path, "r")
  } catch {
    return null
  }
  try {
    const bytes = Buffer.allocUnsafe(to - from)
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, from))
  } catch {
    return null
  } finally {
    closeSync(fd)
  }
}

/** Lines from number `from` on, at most about `maxBytes` of them and none from `end` on; and the number after the last. */
export const readLines = (
  directory: string,
  from: number,
  end: number,
  maxBytes: number
): { readonly from: number; readonly lines: ReadonlyArray<string>; readonly next: number } => {
  const segments = segmentsOf(directory)
  let next = Math.max(from, segments[0] ?? from)
  const first = next
  const lines: Array<string> = []
  let bytes = 0
  for (const [index, firstLine] of segments.entries()) {
    if ((segments[index + 1] ?? Infinity) <= next) continue
    const text = readSegment(directory, firstLine)
    let at = 0
    for (let line = firstLine; at < text.length; line++) {
      const lineEnd = text.indexOf(NEWLINE, at)
      if (line >= next) {
        if (line >= end || bytes >= maxBytes) return { from: first, lines, next }
        lines.push(text.toString("utf8", at, lineEnd))
        bytes += lineEnd - at
        next = line + 1
      }
      at = lineEnd + 1
    }
  }
  return { from: first, lines, next }
}

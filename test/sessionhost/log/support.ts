import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { GapFrame } from "../../../src/protocol/sessionHost.ts"
import { type LogFs, nodeLogFs } from "../../../src/sessionhost/log/LogFs.ts"
import { LogReader, type LogSource } from "../../../src/sessionhost/log/LogReader.ts"
import { LogWriter } from "../../../src/sessionhost/log/LogWriter.ts"
import { type LogEntry, RecordReader } from "../../../src/sessionhost/log/RecordReader.ts"

export interface Temporary extends Disposable {
  readonly path: string
}

export const temporary = (parent = tmpdir()): Temporary => {
  const path = mkdtempSync(join(parent, "hob-log-"))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

export const limits = (segmentBytes: number, maxBytes = 1024 * 1024 * 1024) => ({
  segmentBytes,
  maxBytes,
  logInput: true
})

/** A writer whose news are counted and whose clock the test holds. */
export const makeWriter = (directory: string, segmentBytes: number, maxBytes?: number, fs?: LogFs) => {
  const news: Array<"lost" | "restored"> = []
  const clock = { now: 0 }
  const writer = new LogWriter({
    directory,
    limits: limits(segmentBytes, maxBytes),
    size: { cols: 80, rows: 24 },
    listener: { lost: () => news.push("lost"), restored: () => news.push("restored") },
    monotonicMillis: () => clock.now,
    ...(fs === undefined ? {} : { fs })
  })
  return { writer, news, clock }
}

/** The byte of the test's output at an offset: no two places near each other look alike. */
export const byteAt = (offset: number): number => ((offset * 2654435761) >>> 13) & 0xff

/** The test's output from `from` on. */
export const sample = (from: number, bytes: number): Buffer => {
  const data = Buffer.allocUnsafe(bytes)
  for (let index = 0; index < bytes; index++) data[index] = byteAt(from + index)
  return data
}

export interface ReadLog {
  readonly gaps: ReadonlyArray<GapFrame>
  readonly bytes: number
  /** Offsets whose byte is not the one that was written there; should never be any. */
  readonly wrong: ReadonlyArray<number>
  /** Where it ended. */
  readonly end: number
}

/** Reads everything from `from` on and compares it with what {@link byteAt} says, unless `expected` says otherwise. */
export const readAll = (source: LogSource, from = 0, expected: (offset: number) => number = byteAt): ReadLog => {
  const reader = new LogReader(source)
  const gaps: Array<GapFrame> = []
  const wrong: Array<number> = []
  let at = from
  let bytes = 0
  for (let piece = reader.read(at); piece !== null; piece = reader.read(at)) {
    if (piece.type === "gap") {
      if (piece.from !== at || piece.to <= at) throw new Error(`a gap from ${piece.from} to ${piece.to} at ${at}`)
      gaps.push({ from: piece.from, to: piece.to, reason: piece.reason })
      at = piece.to
      continue
    }
    if (piece.offset !== at || piece.data.length === 0 || piece.data.length > 256 * 1024) {
      throw new Error(`${piece.data.length} bytes of ${piece.offset} at ${at}`)
    }
    for (let index = 0; index < piece.data.length; index++) {
      if (piece.data[index] !== expected(at + index)) wrong.push(at + index)
    }
    at += piece.data.length
    bytes += piece.data.length
  }
  reader.close()
  return { gaps, bytes, wrong, end: at }
}

export const readEntries = (source: LogSource): ReadonlyArray<LogEntry> => {
  const reader = new RecordReader(source)
  const entries: Array<LogEntry> = []
  for (let entry = reader.next(); entry !== null; entry = reader.next()) {
    // Its bytes are good until the next one.
    entries.push(entry.type === "gap" ? entry : { ...entry, data: Buffer.from(entry.data) })
  }
  return entries
}

/** The size of all gaps together. */
export const missing = (gaps: ReadonlyArray<GapFrame>): number => gaps.reduce((sum, { from, to }) => sum + to - from, 0)

/** Random numbers that are the same in every run with the same seed: mulberry32. */
export const random = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below)
  }
}

export const systemError = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code })

/**
 * A file system that fails at chosen writes, counted from 1: `fault(n)` is what the n-th write does instead. `"short"`
 * writes half of it. Creating a file counts as a write.
 */
export const faulty = (fault: (write: number) => "ENOSPC" | "EIO" | "short" | null): LogFs & { writes: number } => {
  const fs = {
    ...nodeLogFs,
    writes: 0,
    create: (path: string) => {
      const what = fault(++fs.writes)
      if (what === "ENOSPC" || what === "EIO") throw systemError(what)
      return nodeLogFs.create(path)
    },
    write: (fd: number, data: Buffer, position: number) => {
      const what = fault(++fs.writes)
      if (what === null) return nodeLogFs.write(fd, data, position)
      if (what !== "short") throw systemError(what)
      return nodeLogFs.write(fd, data.subarray(0, data.length >> 1), position)
    },
    writev: (fd: number, data: ReadonlyArray<Buffer>, position: number) => fs.write(fd, Buffer.concat(data), position)
  }
  return fs
}

/** The file of a session's log: lines are added to it and nothing else. Plain Node. */
import { constants, type Stats } from "node:fs"
import { type FileHandle, lstat, open } from "node:fs/promises"
import { type Position, positionAfter } from "./lines.ts"

/** What is remembered of a file, so that not all of it has to be read: it was so far when the session's log was there. */
export interface Remembered extends Position {
  readonly fileBytes: number
}

/** The file was removed, or moved away: what is added to it nobody would look for. It must be opened anew. */
export class LogFileMoved extends Error {
  /** What there is at its path now, in bytes. */
  readonly bytesThere: number
  constructor(path: string, bytesThere: number) {
    super(`${path} was removed or replaced`)
    this.bytesThere = bytesThere
  }
}

const CHUNK_BYTES = 256 * 1024
/** Far longer than any line of ours. */
const MAX_LINE_BYTES = 64 * 1024
const NEWLINE = 0x0a

/**
 * Opened, mended and read to its end. A crash or a full disk may have left half a line: it is cut off, and what it said
 * comes again from the session's log. Several processes must not have one open.
 */
export class LogFile {
  readonly #path: string
  readonly #handle: FileHandle
  #position: Position
  #bytes: number

  private constructor(path: string, handle: FileHandle, bytes: number, position: Position) {
    this.#path = path
    this.#handle = handle
    this.#bytes = bytes
    this.#position = position
  }

  /** Makes the file when it is missing, mode 0600. Rejects with the system's error, or where it is nothing of ours. */
  static async open(path: string, remembered: Remembered | null): Promise<LogFile> {
    const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDWR } = constants
    const handle = await open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK, 0o600)
    try {
      const stat = await handle.stat()
      checkOurs(path, stat)
      if ((stat.mode & 0o777) !== 0o600) await handle.chmod(0o600)
      const end = await findEnd(handle, stat.size, remembered)
      if (end.fileBytes < stat.size) await handle.truncate(end.fileBytes)
      return new LogFile(path, handle, end.fileBytes, { output: end.output, input: end.input })
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** Up to where the session's log is in the file. */
  get position(): Position {
    return this.#position
  }

  /** The same as what can be remembered of it; what has been written is on the disk behind it. */
  async remember(): Promise<Remembered> {
    await this.#handle.datasync()
    return { fileBytes: this.#bytes, ...this.#position }
  }

  /**
   * Adds whole lines, all or nothing, and is at `position` then. True when the file was not as it had been left: its
   * owner has emptied or changed it, and its lines don't add up to its position any more. Rejects when they can't be
   * written, with {@link LogFileMoved} when nobody would find them.
   */
  async append(lines: string, position: Position): Promise<boolean> {
    const data = Buffer.from(lines)
    const { dev, ino, size } = await this.#handle.stat()
    const there = await lstat(this.#path).catch(() => null)
    if (there?.ino !== ino || there.dev !== dev) throw new LogFileMoved(this.#path, there?.size ?? 0)
    const wasChanged = size !== this.#bytes
    try {
      for (let at = 0; at < data.length;) {
        const { bytesWritten } = await this.#handle.write(data, at, data.length - at)
        if (bytesWritten === 0) throw new Error(`${this.#path}: nothing could be written`)
        at += bytesWritten
      }
    } catch (error) {
      await this.#handle.truncate(size)
      throw error
    }
    this.#bytes = size + data.length
    this.#position = position
    return wasChanged
  }

  /** Says that output up to `position` will not be in it. */
  skipTo(position: Position): void {
    this.#position = position
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

const checkOurs = (path: string, stat: Stats): void => {
  const self = process.geteuid?.() ?? stat.uid
  if (!stat.isFile()) throw new Error(`${path} is not a file`)
  if (stat.uid !== self) throw new Error(`${path} belongs to user ${stat.uid}, and this is user ${self}`)
}

/** Where the whole lines end that say what a session's log says, and how far that is. */
const findEnd = async (handle: FileHandle, size: number, remembered: Remembered | null): Promise<Remembered> => {
  // Shorter than it was: its owner has emptied it, and knows what was in it. It goes on where the log is.
  const emptied = remembered !== null && remembered.fileBytes > size
  if (emptied) return { ...remembered, fileBytes: await endOfLastLine(handle, size) }
  let { fileBytes, input, output } = remembered ?? { fileBytes: 0, input: 0, output: 0 }
  let position: Position = { input, output }
  for await (const line of linesFrom(handle, fileBytes)) {
    const after = positionAfter(position, line.toString("latin1"))
    if (after === null) break
    position = after
    fileBytes += line.length + 1
  }
  return { fileBytes, ...position }
}

/** Whole lines, without their ends; a line that is too long to be one of ours ends it. */
async function* linesFrom(handle: FileHandle, start: number): AsyncGenerator<Buffer> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  let rest = Buffer.alloc(0)
  for (let at = start; ;) {
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, at)
    if (bytesRead === 0) return
    at += bytesRead
    const bytes = Buffer.concat([rest, chunk.subarray(0, bytesRead)])
    let from = 0
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, from)) {
      yield bytes.subarray(from, end)
      from = end + 1
    }
    rest = bytes.subarray(from)
    if (rest.length > MAX_LINE_BYTES) return
  }
}

const endOfLastLine = async (handle: FileHandle, size: number): Promise<number> => {
  const bytes = Buffer.alloc(Math.min(size, MAX_LINE_BYTES))
  await handle.read(bytes, 0, bytes.length, size - bytes.length)
  const last = bytes.lastIndexOf(NEWLINE)
  return last === -1 ? size - bytes.length : size - bytes.length + last + 1
}

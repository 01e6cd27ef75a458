import { readSync } from "node:fs"
import { ReadStream } from "node:tty"

/** One turn of one session reads at most this much, then the others get theirs. The kernel holds less than that. */
const turnBytes = 256 * 1024

/** Where every session's output is read to: a turn is over before the next one begins. */
const arena = Buffer.allocUnsafeSlow(turnBytes)

/** A master gives 4095 bytes per read at most. Reads on behind the first `filled` bytes until there is no more. */
const readOn = (fd: number, filled: number): number => {
  try {
    while (filled < turnBytes) {
      const count = readSync(fd, arena, filled, turnBytes - filled, null)
      if (count === 0) break
      filled += count
    }
  } catch {
    // EAGAIN: that was all for now. EIO: nobody has the terminal open any more.
  }
  return filled
}

export interface PtyMasterListener {
  /** Everything that one turn read; valid during the call only. Must not end in a read of another master. */
  readonly output: (chunk: Buffer) => void
  /**
   * The descriptor is about to be closed, whoever closes it. All has been read: what is left when the terminal is hung
   * up fits in the turn that finds it so.
   */
  readonly closing: () => void
  readonly closed: () => void
}

/**
 * The master of a terminal. Node's stream only says when there is something to read and in the end closes the
 * descriptor: it would read once per turn, and once more when the terminal is hung up, with up to 64 KiB still in it.
 */
export class PtyMaster {
  readonly #stream: Stream
  readonly #listener: PtyMasterListener
  #fd: number

  constructor(fd: number, listener: PtyMasterListener) {
    this.#fd = fd
    this.#listener = listener
    this.#stream = new Stream(
      fd,
      (count) => this.#deliver(readOn(this.#fd, count)),
      () => this.#close()
    )
    // Being hung up is an error, EIO, or an end, by chance.
    this.#stream.on("error", () => {})
    this.#stream.on("close", listener.closed)
    this.#stream.resume()
  }

  /** −1 once it is closed: the number may be another session's by then. */
  get fd(): number {
    return this.#fd
  }

  /** Reads what there is now, a turn's worth at most. */
  drain(): void {
    if (this.#fd >= 0) this.#deliver(readOn(this.#fd, 0))
  }

  #deliver(count: number): void {
    if (count > 0) this.#listener.output(arena.subarray(0, count))
  }

  #close(): void {
    this.#listener.closing()
    this.#fd = -1
  }
}

class Stream extends ReadStream {
  readonly #closing: () => void

  constructor(fd: number, readable: (count: number) => void, closing: () => void) {
    super(fd, { onread: { buffer: arena, callback: (count) => (readable(count), true) } })
    this.#closing = closing
  }

  /** Every way to the end of a stream leads through here, and the descriptor is closed behind it. */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#closing()
    super._destroy(error, callback)
  }
}

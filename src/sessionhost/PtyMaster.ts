import { readSync } from "node:fs"
import { ReadStream } from "node:tty"
import { Burst, GIVING_WAY } from "./givingWay.ts"

/** One turn of one session reads at most this much, then the others get theirs. */
const turnBytes = 64 * 1024
/** More than the kernel holds. */
const everythingBytes = 256 * 1024
/**
 * A read that brought less than this is all there was, most of the time: to ask again costs as much as all the rest of a
 * key's echo. What there is nevertheless is told of in the next turn.
 */
const shortBytes = 512

/** Where every session's output is read to: a turn is over before the next one begins. */
const arena = Buffer.allocUnsafeSlow(everythingBytes)

/** A master gives 4095 bytes per read at most. Reads on behind the first `filled` bytes until there is no more. */
const readOn = (fd: number, filled: number, limit: number): number => {
  try {
    while (filled < limit) {
      const count = readSync(fd, arena, filled, limit - filled, null)
      if (count === 0) break
      filled += count
    }
  } catch {
    // EAGAIN: that was all for now. EIO: nobody has the terminal open any more.
  }
  return filled
}

export interface PtyMasterListener {
  /** Asked when a lot was read in a short time: whether it goes on without a pause. */
  readonly mayGo: () => boolean
  /** Everything that one turn read; valid during the call only. Must not end in a read of another master. */
  readonly output: (chunk: Buffer) => void
  /**
   * The descriptor is about to be closed, whoever closes it. All has been read.
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
  readonly #burst: Burst

  constructor(fd: number, listener: PtyMasterListener) {
    this.#fd = fd
    this.#listener = listener
    this.#burst = new Burst(listener.mayGo)
    this.#stream = new Stream(
      fd,
      (count) => this.#turn(count),
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

  /** Reads all there is now. */
  drain(): void {
    if (this.#fd >= 0) this.#deliver(readOn(this.#fd, 0, everythingBytes))
  }

  /** False when reading is to stop; it goes on by itself. */
  #turn(count: number): boolean {
    const most = this.#burst.gaveWay ? GIVING_WAY.burstBytes : turnBytes
    const all = count < shortBytes ? count : readOn(this.#fd, count, most)
    this.#deliver(all)
    if (!this.#burst.read(all)) return true
    setTimeout(this.#goOn, GIVING_WAY.pauseMillis)
    return false
  }

  readonly #goOn = (): void => {
    if (this.#fd >= 0) this.#stream.resume()
  }

  #deliver(count: number): void {
    if (count > 0) this.#listener.output(arena.subarray(0, count))
  }

  /** Hung up, the stream ends after one read, whatever is left. */
  #close(): void {
    this.drain()
    this.#listener.closing()
    this.#fd = -1
  }
}

class Stream extends ReadStream {
  readonly #closing: () => void

  constructor(fd: number, readable: (count: number) => boolean, closing: () => void) {
    super(fd, { onread: { buffer: arena, callback: readable } })
    this.#closing = closing
  }

  /** Every way to the end of a stream leads through here, and the descriptor is closed behind it. */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#closing()
    super._destroy(error, callback)
  }
}

/** How an {@link InputQueue} reaches what it feeds. */
export interface InputSink {
  /**
   * Writes and returns how many bytes were taken, 0 when none would be without waiting. Throws when nothing can be
   * written any more.
   */
  readonly write: (buffer: Buffer, offset: number, length: number) => number
  /** The queue has room again, or ended by itself: once after each time it refused something. */
  readonly drained: () => void
}

/** Small pieces share a block of this size: typing does not become a million little buffers. */
const blockBytes = 16 * 1024
/** A flush takes at most this much before other sessions get their turn. */
const turnBytes = 256 * 1024
const firstDelayMillis = 1
const lastDelayMillis = 50

/**
 * Input that waits for its program. A terminal's master can't be polled for writing (the kernel calls it writable
 * when it is not), so a full one is tried again after a while: 1 ms, doubled up to 50 ms, from the start again as soon
 * as the program takes something.
 */
export class InputQueue {
  readonly #limitBytes: number
  readonly #sink: InputSink
  #blocks: Array<{ readonly buffer: Buffer; filled: number }> = []
  /** Bytes of the first block that are written. */
  #offset = 0
  #bytes = 0
  #refused = false
  #ended = false
  #delay = firstDelayMillis
  #timer: NodeJS.Timeout | undefined
  /** Writes tried so far. */
  attempts = 0

  constructor(limitBytes: number, sink: InputSink) {
    this.#limitBytes = limitBytes
    this.#sink = sink
  }

  get bytes(): number {
    return this.#bytes
  }

  /** A copy of what waits. */
  waiting(): Buffer {
    const all = this.#blocks.map(({ buffer, filled }) => buffer.subarray(0, filled))
    return Buffer.concat(all).subarray(this.#offset)
  }

  /** Takes what waited in a predecessor, whatever the limit. */
  restore(data: Buffer): void {
    if (data.length === 0) return
    this.#append(data)
    this.#timer ??= setTimeout(() => this.#flush(), 0)
  }

  /** Takes a copy of all of `data`, or nothing of it. */
  push(data: Buffer): "accepted" | "full" | "ended" {
    if (this.#ended) return "ended"
    if (this.#bytes + data.length > this.#limitBytes) {
      this.#refused = true
      return "full"
    }
    if (data.length === 0) return "accepted"
    this.#append(data)
    // Behind a full terminal only the timer tries again, so that typing at it costs nothing.
    if (this.#timer === undefined) this.#flush()
    return this.#ended ? "ended" : "accepted"
  }

  /** Forgets everything and takes nothing more. Called before the descriptor behind the sink is closed. */
  end(): void {
    this.#ended = true
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#blocks = []
    this.#offset = 0
    this.#bytes = 0
  }

  #append(data: Buffer): void {
    this.#bytes += data.length
    const last = this.#blocks.at(-1)
    if (last !== undefined && last.buffer.length - last.filled >= data.length) {
      last.filled += data.copy(last.buffer, last.filled)
      return
    }
    const buffer = Buffer.allocUnsafeSlow(Math.max(data.length, blockBytes))
    this.#blocks.push({ buffer, filled: data.copy(buffer) })
  }

  #flush(): void {
    this.#timer = undefined
    let taken = 0
    let blocked = false
    while (taken < turnBytes) {
      const block = this.#blocks[0]
      if (block === undefined) break
      let written: number
      try {
        this.attempts++
        written = this.#sink.write(block.buffer, this.#offset, Math.min(block.filled - this.#offset, turnBytes - taken))
      } catch {
        this.end()
        if (this.#refused) this.#sink.drained()
        return
      }
      if (written === 0) {
        blocked = true
        break
      }
      taken += written
      this.#offset += written
      this.#bytes -= written
      if (this.#offset === block.filled) {
        this.#blocks.shift()
        this.#offset = 0
      }
    }
    if (this.#bytes > 0) {
      this.#delay = taken > 0 ? firstDelayMillis : Math.min(this.#delay * 2, lastDelayMillis)
      this.#timer = setTimeout(() => this.#flush(), blocked ? this.#delay : 0)
    }
    if (this.#refused && this.#bytes < this.#limitBytes / 2) {
      this.#refused = false
      this.#sink.drained()
    }
  }
}

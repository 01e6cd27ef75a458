import type { Socket } from "node:net"
import { descriptorOf, writeAtOnce } from "../../wire/atOnce.ts"

/** What may wait for a slow terminal before no more should come, and what may be left of it when more should. */
const FULL_BYTES = 256 * 1024
const FREE_BYTES = 128 * 1024
/** What is handed to the stream in one go. */
const PIECE_BYTES = 64 * 1024

interface Waiting {
  readonly data: Uint8Array
  readonly written: (() => void) | undefined
}

/**
 * Writes to a terminal without ever waiting for it. What it takes at once, as it does a key's echo, is written directly:
 * a stream costs several times the system call. The rest waits here, and Node's stream says when the terminal takes more.
 */
export class TerminalOutput {
  readonly #stream: Socket
  readonly #descriptor: number | null
  #waiting: Array<Waiting> = []
  #bytes = 0
  #isWriting = false
  #isFull = false
  #onFree: () => void = () => {}

  /** `stream` is a terminal's, or any that says of itself when it takes more; nobody else writes to it. */
  constructor(stream: Socket) {
    this.#stream = stream
    // A terminal that has stopped reading must not stop our loop with it: signals still have to be heard.
    const handle = (stream as unknown as { _handle?: { setBlocking?: (blocking: boolean) => void } })._handle
    handle?.setBlocking?.(false)
    // Node's own, opened anew: the one we were started with waits.
    this.#descriptor = handle?.setBlocking === undefined ? null : descriptorOf(stream)
    stream.on("error", () => {})
  }

  /** The terminal is slower than it is written to: wait for {@link onFree}. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Called whenever a full terminal takes more. */
  onFree(listener: () => void): void {
    this.#onFree = listener
  }

  /** `written` is called, never at once, when the terminal has all of `data`, or has gone away. */
  write(data: Uint8Array, written?: () => void): void {
    const done = this.#isWriting ? 0 : writeAtOnce(this.#descriptor, data)
    if (done === data.length && !this.#isWriting) {
      if (written !== undefined) setImmediate(written)
      return
    }
    this.#waiting.push({ data: done === 0 ? data : data.subarray(done), written })
    this.#bytes += data.length - done
    this.#isFull ||= this.#bytes >= FULL_BYTES
    this.#writeOn()
  }

  #writeOn(): void {
    if (this.#isWriting || this.#waiting.length === 0) return
    let [bytes, count] = [0, 0]
    while (count < this.#waiting.length && bytes < PIECE_BYTES) bytes += this.#waiting[count++]!.data.length
    const pieces = this.#waiting.splice(0, count)
    const data = count === 1 ? pieces[0]!.data : Buffer.concat(pieces.map((piece) => piece.data))
    this.#isWriting = true
    this.#stream.write(data, () => {
      this.#isWriting = false
      this.#bytes -= bytes
      this.#writeOn()
      for (const { written } of pieces) written?.()
      if (!this.#isFull || this.#bytes > FREE_BYTES) return
      this.#isFull = false
      this.#onFree()
    })
  }
}

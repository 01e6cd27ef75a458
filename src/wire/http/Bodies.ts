import type { IncomingMessage } from "node:http"

/** What all bodies that are being received may hold together; more than one of the longest, whatever that is. */
const TOGETHER_BYTES = 16 * 1024 * 1024

/** How a body ended: whole, longer than it may be, pushed out by others, or its sender has left. */
export type Received = Buffer | "too-large" | "pushed-out" | "gone"

interface Coming {
  readonly chunks: Array<Buffer>
  bytes: number
  readonly end: (received: Received) => void
}

/**
 * Bodies on their way. What is refused is not kept: a gigabyte costs no memory. When all together are too much, the one
 * that has been coming for longest has to go: who is slow by intent does not keep out who isn't.
 */
export class Bodies {
  readonly #coming = new Set<Coming>()
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  /** Calls back once. */
  receive(request: IncomingMessage, limit: number, done: (received: Received) => void): void {
    const coming: Coming = {
      chunks: [],
      bytes: 0,
      end: (received) => {
        if (!this.#coming.delete(coming)) return
        this.#bytes -= coming.bytes
        coming.chunks.length = 0
        done(received)
      }
    }
    this.#coming.add(coming)
    request.on("data", (chunk: Buffer) => {
      if (!this.#coming.has(coming)) return
      if (coming.bytes + chunk.length > limit) return coming.end("too-large")
      coming.bytes += chunk.length
      this.#bytes += chunk.length
      coming.chunks.push(chunk)
      const together = Math.max(TOGETHER_BYTES, 2 * limit)
      for (const oldest of this.#coming) {
        if (this.#bytes <= together) break
        if (oldest.bytes > 0) oldest.end("pushed-out")
      }
    })
    request.on("end", () => {
      const { chunks } = coming
      coming.end(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks))
    })
    request.on("close", () => coming.end("gone"))
    request.on("error", () => coming.end("gone"))
  }
}

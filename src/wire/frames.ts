/** Length-prefixed binary frames: 4 bytes big-endian length of the payload plus one, 1 byte type, payload. */

const HEADER_BYTES = 5

/** The header alone, for writing a frame without copying its payload. */
export const frameHeader = (type: number, payloadBytes: number): Buffer => {
  const header = Buffer.allocUnsafe(HEADER_BYTES)
  header.writeUInt32BE(payloadBytes + 1, 0)
  header[4] = type
  return header
}

/** One whole frame. */
export const encodeFrame = (type: number, payload: Uint8Array): Buffer =>
  Buffer.concat([frameHeader(type, payload.length), payload])

/** One whole frame around a JSON value. */
export const encodeJsonFrame = (type: number, value: unknown): Buffer =>
  encodeFrame(type, Buffer.from(JSON.stringify(value), "utf8"))

/** The stream can't be read any further: a length that is zero or above the limit. */
export class FrameError extends Error {
  override readonly name = "FrameError"
}

/**
 * Splits a byte stream into frames. `push` calls `onFrame` for each frame that is complete; payloads are views into the
 * pushed chunk where a frame lies inside one, so keep a copy if they must outlive the call. Work is linear in the bytes
 * pushed whatever the chunk sizes. Throws {@link FrameError}; the stream is then unusable.
 */
export class FrameReader {
  readonly #maxPayloadBytes: number
  readonly #onFrame: (type: number, payload: Buffer) => void
  #parts: Array<Buffer> = []
  #bufferedBytes = 0
  /** Bytes needed before anything more can be decided. */
  #wantedBytes = HEADER_BYTES

  constructor(maxPayloadBytes: number, onFrame: (type: number, payload: Buffer) => void) {
    this.#maxPayloadBytes = maxPayloadBytes
    this.#onFrame = onFrame
  }

  /** What has been pushed of a frame that is not complete. */
  rest(): Buffer {
    return Buffer.concat(this.#parts, this.#bufferedBytes)
  }

  push(chunk: Buffer): void {
    if (this.#bufferedBytes > 0) {
      this.#parts.push(chunk)
      this.#bufferedBytes += chunk.length
      if (this.#bufferedBytes < this.#wantedBytes) return
      chunk = Buffer.concat(this.#parts, this.#bufferedBytes)
      this.#parts = []
      this.#bufferedBytes = 0
    }
    let position = 0
    for (;;) {
      const available = chunk.length - position
      this.#wantedBytes = HEADER_BYTES
      if (available >= HEADER_BYTES) {
        const length = chunk.readUInt32BE(position)
        if (length === 0 || length - 1 > this.#maxPayloadBytes) {
          throw new FrameError(`a frame of ${length} bytes; the limit is ${this.#maxPayloadBytes + 1}`)
        }
        this.#wantedBytes = 4 + length
        if (available >= this.#wantedBytes) {
          const end = position + this.#wantedBytes
          this.#onFrame(chunk[position + 4]!, chunk.subarray(position + HEADER_BYTES, end))
          position = end
          continue
        }
      }
      if (available > 0) {
        this.#parts.push(position === 0 ? chunk : chunk.subarray(position))
        this.#bufferedBytes = available
      }
      return
    }
  }
}

/** A piece of a session's output as its followers get it, made once for all of them. */
export class Piece {
  readonly from: number
  readonly bytes: Buffer
  #item: Buffer | undefined

  constructor(from: number, bytes: Buffer) {
    this.from = from
    this.bytes = bytes
  }

  get to(): number {
    return this.from + this.bytes.length
  }

  /** As an element of the stream `sessions.output`, behind an offset that lies in it. */
  itemFrom(offset: number): Buffer {
    if (offset > this.from) return itemOf(offset, this.bytes.subarray(offset - this.from))
    return (this.#item ??= itemOf(this.from, this.bytes))
  }
}

const itemOf = (offset: number, bytes: Buffer): Buffer =>
  Buffer.from(`{"offset":${offset},"data":"${bytes.toString("base64")}","gap":0}`, "latin1")

/** An element without bytes: where they begin, or how many can't be had before that. */
export const emptyItem = (offset: number, gap: number): string => `{"offset":${offset},"data":"","gap":${gap}}`

import type { DataTicket } from "../../protocol/index.ts"
import { OutputSource } from "./OutputSource.ts"
import { Piece } from "./Piece.ts"

/** What is kept of a session's newest output for followers that are a little behind; others read the log. */
const WINDOW_BYTES = 4 * 1024 * 1024

/** A follower that is in step with the others: it takes what there is, as far as it may. */
export interface InStep {
  /** Up to where it has been sent. */
  readonly cursor: number
  /** There is more. */
  go(): void
  /** There is no more, now or, with a problem, from here. */
  ended(problem: string | undefined): void
}

/**
 * The output of one session for all who follow it: read from the session-host and put into words once. It goes on as long
 * as one of them takes it; whoever is too far behind has to read the log, and comes back when it has caught up.
 */
export class SharedOutput {
  readonly #source: OutputSource
  readonly #followers = new Set<InStep>()
  readonly #changed: (followers: number) => void
  #window: Array<Piece> = []
  #windowBytes = 0
  #head: number | undefined
  #unsent: Array<Buffer> = []
  #ended: { readonly problem: string | undefined } | undefined

  /** `opened` is called once it is known where it begins; `changed` hears how many follow in step. */
  constructor(ticket: DataTicket, opened: () => void, changed: (followers: number) => void) {
    this.#changed = changed
    this.#source = new OutputSource(ticket, {
      opened: (offset) => {
        this.#head = offset
        opened()
      },
      output: (_offset, bytes) => void this.#unsent.push(bytes),
      gap: (_from, to) => {
        // Nobody is in step with what can't be had: they hear of it from the log.
        this.#flush()
        this.#forget()
        this.#head = to
      },
      told: () => {
        this.#flush()
        this.#tell()
      },
      ended: (problem) => {
        this.#ended = { problem }
        for (const follower of Array.from(this.#followers)) follower.ended(problem)
      }
    })
  }

  /** It is over: who comes now reads for itself. */
  get hasEnded(): boolean {
    return this.#ended !== undefined
  }

  /** Whether what follows this offset is here, as far as there is anything. */
  covers(offset: number): boolean {
    if (this.#head === undefined) return false
    return offset <= this.#head && offset >= (this.#window[0]?.from ?? this.#head)
  }

  /** The piece that has the byte at this offset. */
  pieceAt(offset: number): Piece | undefined {
    // Who is in step wants the newest.
    for (let at = this.#window.length - 1; at >= 0; at--) {
      const piece = this.#window[at]!
      if (piece.from <= offset) return offset < piece.to ? piece : undefined
    }
    return undefined
  }

  join(follower: InStep): void {
    this.#followers.add(follower)
    this.#changed(this.#followers.size)
    this.#pace()
  }

  leave(follower: InStep): void {
    if (!this.#followers.delete(follower)) return
    this.#changed(this.#followers.size)
    this.#pace()
  }

  /** A follower has taken something. */
  readonly took = (): void => this.#pace()

  close(): void {
    this.#ended ??= { problem: undefined }
    this.#source.close()
  }

  #flush(): void {
    if (this.#unsent.length === 0) return
    const bytes = this.#unsent.length === 1 ? this.#unsent[0]! : Buffer.concat(this.#unsent)
    this.#unsent = []
    const piece = new Piece(this.#head!, bytes)
    this.#head = piece.to
    this.#window.push(piece)
    this.#windowBytes += bytes.length
    while (this.#windowBytes > WINDOW_BYTES && this.#window.length > 1) {
      this.#windowBytes -= this.#window.shift()!.bytes.length
    }
  }

  #forget(): void {
    this.#window = []
    this.#windowBytes = 0
  }

  #tell(): void {
    for (const follower of Array.from(this.#followers)) follower.go()
    this.#pace()
  }

  /** Reads on while one of them, at least, has all that there is. */
  #pace(): void {
    const head = this.#head
    if (head === undefined || this.#ended !== undefined) return
    for (const { cursor } of this.#followers) if (cursor >= head) return this.#source.resume()
    this.#source.pause()
  }
}

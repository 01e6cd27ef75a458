import type { DirectCall } from "../../actors/DirectMethods.ts"
import { type DataTicket, SessionHostUnavailable } from "../../protocol/index.ts"
import { OutputSource } from "./OutputSource.ts"
import { emptyItem, Piece } from "./Piece.ts"
import type { InStep, SharedOutput } from "./SharedOutput.ts"

export interface OutputFollowerOptions {
  readonly call: DirectCall<void, SessionHostUnavailable>
  /** Of the call: where it begins. */
  readonly ticket: DataTicket
  /** That of the session, while somebody follows it; undefined: this one reads to the present end alone. */
  readonly shared: (() => SharedOutput | undefined) | undefined
  /** A ticket for what is behind this offset, or why there is none. */
  readonly again: (since: number, done: (ticket: DataTicket | string) => void) => void
  /** It is over. */
  readonly closed: () => void
}

/**
 * Who gets a session's output as items: from the log until it has caught up, then in step with the others. Never skips
 * what is retained, and takes no memory for what its client has not read.
 */
export class OutputFollower implements InStep {
  readonly #options: OutputFollowerOptions
  #own: OutputSource | undefined
  #joined: SharedOutput | undefined
  #cursor = 0
  /** Its client has been told where it begins. */
  #hasBegun = false
  #isWaiting = false
  #isOver = false
  #end: { readonly problem: string | undefined } | undefined

  constructor(options: OutputFollowerOptions) {
    this.#options = options
    this.#read(options.ticket, true)
  }

  get cursor(): number {
    return this.#cursor
  }

  /** Its client wants no more, or has left. */
  giveUp(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#own?.close()
    this.#joined?.leave(this)
    this.#options.closed()
  }

  /** There is more of what it shares. */
  go(): void {
    const { call } = this.#options
    const shared = this.#joined
    if (shared === undefined || this.#isWaiting || this.#isOver) return
    for (;;) {
      if (!shared.covers(this.#cursor)) return this.#readAgain(shared)
      const piece = shared.pieceAt(this.#cursor)
      if (piece === undefined) break
      if (call.isBlocked()) return this.#wait()
      call.push(piece.itemFrom(this.#cursor))
      this.#cursor = piece.to
    }
    if (this.#end !== undefined) this.#finish(this.#end.problem)
  }

  ended(problem: string | undefined): void {
    this.#end = { problem }
    this.go()
  }

  #wait(): void {
    this.#isWaiting = true
    this.#options.call.whenWritable(() => {
      this.#isWaiting = false
      if (this.#isOver) return
      if (this.#own !== undefined) return this.#own.resume()
      this.go()
      this.#joined?.took()
    })
  }

  /** From the log, alone. */
  #read(ticket: DataTicket, isFirst: boolean): void {
    const { call } = this.#options
    const own: OutputSource = new OutputSource(ticket, {
      opened: (offset) => {
        if (!isFirst && offset > this.#cursor) call.push(emptyItem(offset, offset - this.#cursor))
        else if (isFirst) call.push(emptyItem(offset, 0))
        this.#hasBegun = true
        this.#cursor = offset
        this.tryJoin()
      },
      output: (offset, bytes) => {
        call.push(new Piece(offset, bytes).itemFrom(offset))
        this.#cursor = offset + bytes.length
      },
      gap: (from, to) => {
        call.push(emptyItem(to, to - from))
        this.#cursor = to
      },
      told: () => {
        this.tryJoin()
        if (this.#own === undefined || !call.isBlocked() || this.#isWaiting) return
        this.#own.pause()
        this.#wait()
      },
      ended: (problem) => {
        if (this.#own === own) this.#finish(problem)
      }
    })
    this.#own = own
  }

  /** Goes in step with the others, if it has caught up with them. */
  tryJoin(): void {
    if (this.#own === undefined || !this.#hasBegun || this.#isOver) return
    const all = this.#options.shared?.()
    if (all === undefined || all.hasEnded || !all.covers(this.#cursor)) return
    this.#own.close()
    this.#own = undefined
    this.#joined = all
    all.join(this)
    this.go()
    this.#joined?.took()
  }

  /** It is behind what is kept for all: the log has it. */
  #readAgain(shared: SharedOutput): void {
    shared.leave(this)
    this.#joined = undefined
    this.#end = undefined
    this.#options.again(this.#cursor, (ticket) => {
      if (this.#isOver) return
      if (typeof ticket === "string") this.#finish(ticket)
      else this.#read(ticket, false)
    })
  }

  #finish(problem: string | undefined): void {
    if (this.#isOver) return
    const { call } = this.#options
    this.giveUp()
    if (problem === undefined) call.succeed()
    else call.fail(new SessionHostUnavailable({ detail: problem }))
  }
}

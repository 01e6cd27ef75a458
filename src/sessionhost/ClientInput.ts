import type { Socket } from "node:net"
import type { LeaseFrame } from "../protocol/sessionHost.ts"
import type { Seat, Size } from "./InputLease.ts"
import type { Session, Typist } from "./Session.ts"
import type { DataClientState } from "./upgrade/state.ts"

const PIECE_BYTES = 64 * 1024

export interface ClientInputOptions {
  readonly socket: Socket
  /** Null for a session that has ended: input is then ignored, as a terminal's is after the last program. */
  readonly session: Session | null
  /** False for a client that only watches. */
  readonly mayType: boolean
  /** The size of the client's terminal. */
  readonly size: Size | null
  /** Null for a client that knows nothing of the input lease: it types, and sets the size, as it likes. */
  readonly lease: {
    readonly client: string
    readonly take: boolean | undefined
    readonly changed: () => void
  } | null
  /** How it stood when this process replaced itself. */
  readonly held?: HeldInput | null
}

type HeldInput = Pick<DataClientState, "typed" | "size" | "leaseSince">

/**
 * What a client types, on its way into a session. When the session's input queue is full, the client's socket is not
 * read until there is room, so that the client feels what the program doesn't read, and nothing piles up here.
 */
export class ClientInput implements Typist {
  readonly mayType: boolean
  readonly #socket: Socket
  readonly #session: Session | null
  readonly #seat: Seat | null
  /** Null stands for the end of the program's standard input. */
  readonly #waiting: Array<Buffer | null> = []

  constructor({ held = null, lease, mayType, session, size, socket }: ClientInputOptions) {
    this.#socket = socket
    this.#session = session
    this.mayType = mayType
    this.#seat = lease === null ? null : { client: lease.client, mayHold: mayType, onLease: lease.changed }
    if (held !== null) {
      if (this.#seat !== null) session?.lease.restore(this.#seat, held.size, held.leaseSince)
      this.#waiting.push(...held.typed.map((data) => (data === null ? null : Buffer.from(data, "base64"))))
      if (session !== null && held.typed.length > 0) this.#pass(session)
    } else if (this.#seat !== null) session?.lease.join(this.#seat, size, lease!.take)
    else if (size !== null && mayType) session?.resize(size.cols, size.rows)
  }

  /** What a successor of this process needs to go on. */
  handOver(): HeldInput {
    const { since = null, size = null } = (this.#seat === null ? null : this.#session?.lease.standing(this.#seat)) ?? {}
    const typed = this.#waiting.map((data) => data?.toString("base64") ?? null)
    return { typed, size, leaseSince: since }
  }

  /** How the lease stands for this client; null when it knows nothing of it. */
  get lease(): LeaseFrame | null {
    if (this.#seat === null) return null
    return this.#session?.lease.seenBy(this.#seat) ?? { held: false, holder: null }
  }

  /** Types `data`, unless another client has the lease; none at all is the end of standard input. */
  type(data: Buffer): void {
    if (this.#session === null || (this.#seat !== null && !this.#session.lease.mayType(this.#seat))) return
    // Small enough to be accepted once the queue has drained, which it says below half of its limit.
    const size = Math.max(1, Math.min(PIECE_BYTES, Math.floor(this.#session.inputLimitBytes / 2)))
    if (data.length === 0) this.#waiting.push(null)
    for (let at = 0; at < data.length; at += size) this.#waiting.push(data.subarray(at, at + size))
    this.#pass(this.#session)
  }

  resize(size: Size): void {
    if (this.#seat === null) this.#session?.resize(size.cols, size.rows)
    else this.#session?.lease.resize(this.#seat, size)
  }

  take(): void {
    if (this.#seat !== null) this.#session?.lease.take(this.#seat)
  }

  onInputDrained(): void {
    if (this.#session !== null) this.#pass(this.#session)
  }

  close(): void {
    this.#waiting.length = 0
    this.#session?.forget(this)
    if (this.#seat !== null) this.#session?.lease.leave(this.#seat)
  }

  #pass(session: Session): void {
    let passed = 0
    for (; passed < this.#waiting.length; passed++) {
      const data = this.#waiting[passed]!
      const answer = data === null ? session.endInput() : session.type(data)
      if (answer === "full") break
      if (answer === "ended") passed = this.#waiting.length
    }
    this.#waiting.splice(0, passed)
    if (this.#waiting.length === 0) return void this.#socket.resume()
    this.#socket.pause()
    session.whenInputDrained(this)
  }
}

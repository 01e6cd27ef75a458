import { type Duration, Effect, type Semaphore } from "effect"
import type { Socket } from "node:net"
import { Inbox } from "./Inbox.ts"
import { type LineLimits, LineReader } from "./lines.ts"

/** From this size on, the unfinished lines of all clients take turns. */
const LARGE_LINE_BYTES = 256 * 1024
/** A read this long means that more is waiting: other clients get a turn first. */
const FULL_READ_BYTES = 64 * 1024

export interface IntakeOptions {
  readonly limits: LineLimits
  /** How long the rest of a large line may take. */
  readonly lateAfter: Duration.Input
  /** Held by the one client that may gather a large line: memory for one such line, not for one per client. */
  readonly largeLine: Semaphore.Semaphore
}

/** What one client sends, a read at a time, and the lines that it makes. To be released when the client is served no more. */
export class Intake {
  readonly lines: LineReader
  readonly #options: IntakeOptions
  readonly #inbox: Inbox
  #holdsLargeLine = false

  constructor(socket: Socket, options: IntakeOptions) {
    this.#options = options
    this.lines = new LineReader(options.limits)
    this.#inbox = new Inbox(socket)
  }

  /** The next read, to be pushed to `lines`; undefined once the client has ended its side. */
  readonly take: Effect.Effect<Buffer | "late" | undefined> = Effect.suspend(() => {
    if (this.lines.pendingBytes <= LARGE_LINE_BYTES) {
      return this.#holdsLargeLine ? Effect.andThen(this.release, this.#inbox.take) : this.#inbox.take
    }
    const { largeLine, lateAfter } = this.#options
    const turn = this.#holdsLargeLine
      ? Effect.void
      : Effect.map(largeLine.take(1), () => void (this.#holdsLargeLine = true))
    return Effect.flatMap(turn, () =>
      Effect.timeoutOrElse(this.#inbox.take, {
        duration: lateAfter,
        orElse: () => Effect.succeed("late" as const)
      })
    )
  })

  /** The next read, of somebody who is not listened to any more. */
  get drop(): Effect.Effect<Buffer | undefined> {
    return this.#inbox.take
  }

  /** What to wait for behind the lines of a read, if anything. */
  turnOf(read: Buffer): Effect.Effect<void> | undefined {
    return read.length >= FULL_READ_BYTES ? Effect.yieldNow : undefined
  }

  /** From now on there is nothing to take, and what still comes is thrown away. */
  close(): void {
    this.#inbox.close()
  }

  readonly release: Effect.Effect<void> = Effect.suspend(() => {
    if (!this.#holdsLargeLine) return Effect.void
    this.#holdsLargeLine = false
    return Effect.asVoid(this.#options.largeLine.release(1))
  })
}

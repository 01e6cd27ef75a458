import { Duration, Effect } from "effect"
import type { Socket } from "node:net"

/** What is written at a time, so that a client's progress can be seen. */
const PIECE_BYTES = 64 * 1024
/** How often a client that blocks the outbox is looked at before it is taken for stalled. */
const LOOKS = 4

export interface OutboxOptions {
  /** While more than this waits for the client the outbox is blocked. */
  readonly limitBytes: number
  /** How long a client that blocks the outbox may read less than one piece (64 KiB). */
  readonly stallAfter: Duration.Input
  readonly onStalled: () => void
  readonly fork: (effect: Effect.Effect<void>) => unknown
}

/**
 * What one client is still to be sent: replies are gathered and written together, once per batch of requests or turn of
 * the loop. While it is blocked nothing more should be produced until `writable`. A client that has stopped reading
 * is reported, once.
 */
export class Outbox {
  readonly #socket: Socket
  readonly #options: OutboxOptions
  #text = ""
  #scheduled = false
  #corked = false
  #uncorks = false
  #queue: Array<Buffer> = []
  #queuedBytes = 0
  #writing = false
  #piecesWritten = 0
  #ending = false
  #blocked = false
  #waiting: Array<() => void> = []

  constructor(socket: Socket, options: OutboxOptions) {
    this.#socket = socket
    this.#options = options
    socket.on("close", () => {
      this.#queue = []
      this.#queuedBytes = 0
      this.#unblock()
    })
  }

  /** What to wait for before more is produced: also inside a batch, where `add` has gathered more than may wait. */
  get room(): Effect.Effect<void> | undefined {
    if (this.#text.length > this.#options.limitBytes) this.flush()
    return this.#blocked ? this.writable : undefined
  }

  /** Grows while the client reads. */
  get piecesWritten(): number {
    return this.#piecesWritten
  }

  /** Adds one reply. It is written when the batch ends, or at the end of this turn of the loop. */
  add(reply: string): void {
    this.#text += `${reply}\n`
    this.#flushSoon()
  }

  /** Adds one reply whose `body` others may be sent too: while it waits it takes no memory of its own. */
  addAround(head: string, body: Buffer, tail: string): void {
    this.#text += head
    this.#enqueueText()
    this.#enqueue(body)
    this.#text = `${tail}\n`
    if (this.#queuedBytes > this.#options.limitBytes) this.flush()
    else this.#flushSoon()
  }

  #flushSoon(): void {
    if (!this.#corked && !this.#scheduled) {
      this.#scheduled = true
      queueMicrotask(() => {
        this.#scheduled = false
        this.flush()
      })
    }
  }

  /** From now on replies wait for `flush`. */
  cork(): void {
    this.#corked = true
  }

  uncork(): void {
    this.#corked = false
    this.flush()
  }

  /**
   * The same behind what this turn of the loop hands on to other clients: who has an answer can rely on its message being
   * on its way. Three steps, for channels hand on in the first, or in one that a request before has begun, and subscribers
   * are written to in the next.
   */
  uncorkBehind(): void {
    if (this.#uncorks) return
    this.#uncorks = true
    queueMicrotask(() =>
      queueMicrotask(() =>
        queueMicrotask(() => {
          this.#uncorks = false
          this.uncork()
        })
      )
    )
  }

  flush(): void {
    const text = this.#text
    if (text !== "" && this.#queue.length === 0 && !this.#writing && text.length <= PIECE_BYTES) {
      this.#text = ""
      if (this.#socket.writable) this.#write(text)
      return
    }
    this.#enqueueText()
    if (!this.#writing && this.#queue.length > 0) this.#writeNext()
    if (!this.#blocked && this.#queuedBytes > this.#options.limitBytes) {
      this.#blocked = true
      this.#options.fork(this.#watch())
    }
  }

  #enqueueText(): void {
    const text = this.#text
    this.#text = ""
    if (text !== "") this.#enqueue(Buffer.from(text))
  }

  #enqueue(bytes: Buffer): void {
    if (!this.#socket.writable) return
    this.#queue.push(bytes)
    this.#queuedBytes += bytes.length
  }

  /** Ends the socket once everything has been handed to the kernel. */
  end(): void {
    this.flush()
    this.#ending = true
    if (!this.#writing) this.#socket.end()
  }

  /** Waits until the outbox is not blocked, or the client has gone. */
  get writable(): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      if (!this.#blocked) return resume(Effect.void)
      return Effect.sync(this.whenWritable(() => resume(Effect.void)))
    })
  }

  /** Whether more waits than may. */
  get blocked(): boolean {
    return this.room !== undefined
  }

  /** Calls back once a blocked outbox is so no more, or the client has gone. Returns a way to call that off. */
  whenWritable(wake: () => void): () => void {
    this.#waiting.push(wake)
    return () => {
      this.#waiting = this.#waiting.filter((waiter) => waiter !== wake)
    }
  }

  #write(data: string | Buffer): void {
    this.#writing = true
    this.#socket.write(data, this.#written)
  }

  /** A piece of what waits, of as many buffers as that takes, in one write. */
  #writeNext(): void {
    this.#socket.cork()
    let left = PIECE_BYTES
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      const piece = head.subarray(0, left)
      if (piece.length === head.length) this.#queue.shift()
      else this.#queue[0] = head.subarray(piece.length)
      this.#queuedBytes -= piece.length
      left -= piece.length
      if (left === 0 || this.#queue.length === 0) {
        this.#write(piece)
        break
      }
      this.#socket.write(piece)
    }
    this.#socket.uncork()
  }

  readonly #written = (): void => {
    this.#writing = false
    this.#piecesWritten++
    if (this.#queue.length > 0) this.#writeNext()
    else if (this.#ending) this.#socket.end()
    if (this.#queuedBytes <= this.#options.limitBytes / 2) this.#unblock()
  }

  #unblock(): void {
    if (!this.#blocked) return
    this.#blocked = false
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  /**
   * In several looks: where this process itself stood still, or had no turn for long, one look tells nothing of the
   * client. Before the next one it has been written to as far as it has read.
   */
  #watch(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const pause = Duration.toMillis(this.#options.stallAfter) / LOOKS
      let before = -1
      for (let left = LOOKS; this.#blocked && left > 0; left--) {
        if (before !== this.#piecesWritten) left = LOOKS
        before = this.#piecesWritten
        yield* Effect.sleep(pause)
      }
      if (this.#blocked) this.#options.onStalled()
    })
  }
}

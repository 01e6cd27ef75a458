import { Effect } from "effect"
import type { Socket } from "node:net"

/**
 * What one client is still to be sent: replies are gathered and written together, once per batch of requests or turn of
 * the loop. While more than `limitBytes` wait in the socket the outbox is blocked: nothing more should be produced
 * until `writable`. A client that then reads nothing for `stallMillis` is cut off.
 */
export class Outbox {
  readonly #socket: Socket
  readonly #limitBytes: number
  readonly #stallMillis: number
  #text = ""
  #scheduled = false
  #corked = false
  #blocked = false
  #waiting: Array<() => void> = []

  constructor(socket: Socket, limitBytes: number, stallMillis: number, onStalled: () => void) {
    this.#socket = socket
    this.#limitBytes = limitBytes
    this.#stallMillis = stallMillis
    socket.on("drain", () => this.#unblock())
    socket.on("close", () => this.#unblock())
    // Node counts a partial write as progress, which nothing above it can see.
    socket.on("timeout", onStalled)
  }

  get blocked(): boolean {
    return this.#blocked
  }

  /** More is gathered than may wait; time to `flush` also inside a batch. */
  get full(): boolean {
    return this.#text.length > this.#limitBytes
  }

  /** Adds one reply. It is written when the batch ends, or at the end of this turn of the loop. */
  add(reply: string): void {
    this.#text += `${reply}\n`
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

  flush(): void {
    const text = this.#text
    if (text === "") return
    this.#text = ""
    if (!this.#socket.writable) return
    this.#socket.write(text)
    if (!this.#blocked && this.#socket.writableLength > this.#limitBytes) {
      this.#blocked = true
      this.#socket.setTimeout(this.#stallMillis)
    }
  }

  /** Waits until the outbox is not blocked, or the client has gone. */
  readonly writable: Effect.Effect<void> = Effect.callback<void>((resume) => {
    if (!this.#blocked) return resume(Effect.void)
    const wake = () => resume(Effect.void)
    this.#waiting.push(wake)
    return Effect.sync(() => {
      this.#waiting = this.#waiting.filter((waiter) => waiter !== wake)
    })
  })

  #unblock(): void {
    if (!this.#blocked) return
    this.#blocked = false
    this.#socket.setTimeout(0)
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }
}

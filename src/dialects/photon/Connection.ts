import { Effect, type Semaphore } from "effect"
import type { Socket } from "node:net"
import type { Channels } from "../../channels/Channels.ts"
import type { Namespace } from "../../protocol/namespaces.ts"
import { Inbox } from "../../wire/Inbox.ts"
import { LineFault, type LineLimits, LineReader } from "../../wire/lines.ts"
import { Outbox } from "../../wire/Outbox.ts"
import type { Locks } from "./locks.ts"
import { readLine, Request, UNKNOWN_ID } from "./messages.ts"
import { Subscriptions } from "./Subscriptions.ts"
import { channelOf, error, NO_MESSAGE, pong, published, result, sentences } from "./translate.ts"

export interface Limits extends LineLimits {
  /** Requests of one connection that may wait for their answers; while as many do, no more of it is read. */
  readonly inFlight: number
  /** What may wait for a client that does not read, before no more of its requests are read. Bytes. */
  readonly writeBufferBytes: number
  /** How long it may read nothing of that, and how long the rest of a large line may take. */
  readonly stallMillis: number
}

/** What all connections of one photon share. */
export interface Shared {
  readonly namespace: Namespace
  readonly channels: Channels["Service"]
  readonly locks: Locks
  readonly limits: Limits
  /** Held by the one connection that may gather a large line: memory for one such line, not for one per client. */
  readonly largeLine: Semaphore.Semaphore
  readonly fork: (effect: Effect.Effect<void>) => unknown
  /** A client has asked for it. */
  readonly shutDown: () => void
}

const LARGE_LINE_BYTES = 256 * 1024
/** A read this long means that more is waiting: other clients get a turn first. */
const FULL_READ_BYTES = 64 * 1024
const PROBE_INTERVAL = "1 second"
const FAREWELL = "1 second"
const NEWLINE = Buffer.from("\n")

/** One client: its requests in order, a read at a time, and one write for what they are answered. */
export class Connection {
  readonly #socket: Socket
  readonly #shared: Shared
  readonly #reader: LineReader
  readonly #inbox: Inbox
  readonly #outbox: Outbox
  readonly #subscriptions: Subscriptions
  #holdsLargeLine = false
  #inFlight = 0
  #onSettled: (() => void) | undefined
  #isFlushing = false

  constructor(socket: Socket, shared: Shared) {
    const { channels, fork, limits, namespace } = shared
    this.#socket = socket
    this.#shared = shared
    this.#reader = new LineReader(limits)
    this.#inbox = new Inbox(socket)
    this.#outbox = new Outbox(socket, {
      limitBytes: limits.writeBufferBytes,
      stallAfter: limits.stallMillis,
      onStalled: () => socket.destroy(),
      fork
    })
    const outbox = this.#outbox
    this.#subscriptions = new Subscriptions({
      channels,
      namespace,
      pipe: {
        write: (text) => (typeof text === "string" ? outbox.add(text) : outbox.addAround("", text, "")),
        isBlocked: () => outbox.blocked,
        whenWritable: (go) => void outbox.whenWritable(go)
      },
      onTooSlow: () => this.end()
    })
  }

  /** Serves the client until it leaves, or until `end`. */
  readonly run: Effect.Effect<void> = Effect.suspend(() =>
    Effect.gen({ self: this }, this.#serve).pipe(
      Effect.ensuring(
        Effect.suspend(() => {
          this.#subscriptions.close()
          return this.#releaseLargeLine()
        })
      )
    )
  )

  /** Takes no further request, and leaves the client once it has what it was owed. */
  end(): void {
    this.#subscriptions.close()
    this.#inbox.close()
  }

  *#serve(): Generator<Effect.Effect<any>, void, any> {
    for (;;) {
      const chunk = yield* this.#takeRead()
      if (chunk === undefined) break
      this.#reader.push(chunk)
      yield* this.#receiveLines()
      if (chunk.length >= FULL_READ_BYTES) yield* Effect.yieldNow
    }
    // A last request is taken without its newline too.
    if (this.#reader.pendingBytes > 0) {
      this.#reader.push(NEWLINE)
      yield* this.#receiveLines()
    }
    this.#subscriptions.close()
    while (this.#inFlight > 0 && !this.#socket.destroyed) {
      // Costs no byte, and fails when the client has closed both sides.
      this.#socket.write("")
      yield* Effect.timeoutOption(this.#settled(0), PROBE_INTERVAL)
    }
    this.#outbox.uncork()
    this.#outbox.end()
    for (let before = -1; before !== this.#outbox.piecesWritten && !this.#socket.writableFinished;) {
      before = this.#outbox.piecesWritten
      yield* Effect.timeoutOption(this.#once("finish"), this.#shared.limits.stallMillis)
    }
    // Its own end: closing before would take from it what it has not read yet.
    yield* Effect.timeoutOption(this.#once("close"), FAREWELL)
  }

  /** Goes through the lines of a read. Waits where more would be owed to the client than may. */
  *#receiveLines(): Generator<Effect.Effect<any>, void, any> {
    const { inFlight } = this.#shared.limits
    for (let line = this.#reader.next(); line !== undefined; line = this.#reader.next()) {
      if (line instanceof LineFault) this.#reply(error(UNKNOWN_ID, line.message))
      else this.#receive(line)
      const { room } = this.#outbox
      if (room !== undefined) yield* room
      if (this.#inFlight >= inFlight) yield* this.#settled(inFlight - 1)
    }
  }

  *#takeRead(): Generator<Effect.Effect<any>, Buffer | undefined, any> {
    if (this.#reader.pendingBytes <= LARGE_LINE_BYTES) {
      if (this.#holdsLargeLine) yield* this.#releaseLargeLine()
      return yield* this.#inbox.take
    }
    if (!this.#holdsLargeLine) {
      yield* this.#shared.largeLine.take(1)
      this.#holdsLargeLine = true
    }
    const read = yield* Effect.timeoutOption(this.#inbox.take, this.#shared.limits.stallMillis)
    if (read._tag === "Some") return read.value
    this.#reader.end()
    this.#reply(error(UNKNOWN_ID, sentences.lineTooSlow))
    this.end()
    return undefined
  }

  #releaseLargeLine(): Effect.Effect<unknown> {
    if (!this.#holdsLargeLine) return Effect.void
    this.#holdsLargeLine = false
    return this.#shared.largeLine.release(1)
  }

  #receive(line: string): void {
    const said = readLine(line)
    switch (said.type) {
      case "ping":
        return this.#reply(pong(said.id))
      case "publish":
        return this.#publish(said.id, said.channel, said.message)
      case "refusal":
        return this.#reply(error(said.id, said.error))
      case "request":
        return this.#answer(said.request)
    }
  }

  #publish(id: string, channel: string, message: string | undefined): void {
    const { name, text } = channelOf(channel)
    if (name === undefined) return this.#reply(error(id, sentences.nameTooLong("channel")))
    const { channels, namespace } = this.#shared
    const json = message ?? NO_MESSAGE
    this.#inFlight++
    channels.publish({ namespace, channel: name, json, party: this.#subscriptions.party }, (outcome) => {
      this.#settle("position" in outcome ? published(id, text, outcome.position) : error(id, outcome.message))
    })
  }

  readonly #answer = (request: Exclude<Request, { readonly type: "ping" | "publish" }>): void => {
    const id = JSON.stringify(request.id)
    switch (request.type) {
      case "shutdown":
        this.#reply(result(id, '{"message":"Shutting down"}'))
        return this.#shared.shutDown()
      case "subscribe": {
        const channel = JSON.stringify(request.channel)
        this.#inFlight++
        return this.#subscriptions.subscribe(id, request.channel, request.lastEventId, (problem) =>
          this.#settle(
            problem === undefined ? result(id, `{"subscribed":true,"channel":${channel}}`) : error(id, problem)
          )
        )
      }
      case "unsubscribe":
        this.#subscriptions.unsubscribe(request.channel)
        return this.#reply(result(id, `{"unsubscribed":true,"channel":${JSON.stringify(request.channel)}}`))
      case "lock":
      case "unlock": {
        this.#inFlight++
        const { locks } = this.#shared
        const answer = (reply: string) => this.#settle(reply)
        return request.type === "lock" ? locks.lock(request, answer) : locks.unlock(request, answer)
      }
      case "list_locks":
        return this.#reply(this.#shared.locks.list(request))
      case "prompt_response":
        // Never answered: its client waits for the end of the command.
        return
      case "command":
        return this.#reply(error(id, request.method === "" ? sentences.noMethod : sentences.notYet(request.type)))
      default:
        return this.#reply(error(id, sentences.notYet(request.type)))
    }
  }

  #settle(reply: string): void {
    this.#inFlight--
    this.#reply(reply)
    this.#onSettled?.()
  }

  /** Waits until no more than `most` requests wait for their answers. */
  #settled(most: number): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const look = () => {
        if (this.#inFlight > most) return
        this.#onSettled = undefined
        resume(Effect.void)
      }
      this.#onSettled = look
      look()
      return Effect.sync(() => void (this.#onSettled = undefined))
    })
  }

  /**
   * Adds an answer. It is written with everything else that this turn of the loop answers, behind what the same turn
   * sends to subscribers: who has an answer can rely on the message being on its way. Three steps, for channels hand on in
   * the first, or in one that a request before has begun, and subscribers are written to in the next.
   */
  #reply(reply: string): void {
    this.#outbox.cork()
    this.#outbox.add(reply)
    if (this.#isFlushing) return
    this.#isFlushing = true
    queueMicrotask(() =>
      queueMicrotask(() =>
        queueMicrotask(() => {
          this.#isFlushing = false
          this.#outbox.uncork()
        })
      )
    )
  }

  #once(event: "finish" | "close"): Effect.Effect<void> {
    const socket = this.#socket
    return Effect.callback<void>((resume) => {
      if (socket.closed || (event === "finish" && socket.writableFinished)) return resume(Effect.void)
      const done = () => resume(Effect.void)
      socket.once(event, done).once("close", done)
      return Effect.sync(() => void socket.off(event, done).off("close", done))
    })
  }
}

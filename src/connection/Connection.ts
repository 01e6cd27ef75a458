import { Cause, Effect, Exit, type Semaphore } from "effect"
import { Headers } from "effect/http"
import { Rpc, type RpcMessage, type RpcServer } from "effect/rpc"
import type { Socket } from "node:net"
import { RpcErrorCode } from "../protocol/errors.ts"
import { LineFault, LineReader } from "../wire/lines.ts"
import { Batch } from "./Batch.ts"
import { Inbox } from "../wire/Inbox.ts"
import type { ConnectionLimits } from "./limits.ts"
import { describeIssue, exitReply, type Method, notEncodable } from "./methods.ts"
import { Outbox } from "./Outbox.ts"
import { chunkReply, pong, refusal, type RequestId, resultReply } from "./replies.ts"
import { type Fork, runImmediate } from "./runImmediate.ts"
import { readMessage, readPlainRequest, type WireRequest } from "./requests.ts"
import { foreignProtocol, jsonProblem } from "./strangers.ts"

/** What all connections of a door share. */
export interface Shared {
  readonly limits: ConnectionLimits
  readonly methods: ReadonlyMap<string, Method>
  readonly server: RpcServer.RpcServer<any>
  /** For immediate handlers. */
  readonly fork: Fork
  /** Held by the one connection that may gather a large line: memory for one such line, not for one per client. */
  readonly largeLine: Semaphore.Semaphore
  /** The daemon is stopping: what comes now is refused. */
  closing: boolean
}

/** From this size on, the unfinished lines of all clients take turns. */
const LARGE_LINE_BYTES = 256 * 1024
/** A read this long means that more is waiting: other clients get a turn first. */
const FULL_READ_BYTES = 64 * 1024
/** How often a client that has ended its side is looked at: it may have gone altogether, and nothing else would tell. */
const PROBE_INTERVAL = "1 second"
/** How long a client that is being turned away may take to read why. */
const FAREWELL = "1 second"

const stopping = "The daemon is stopping; the call was cancelled."

interface InFlight {
  readonly method: Method
  readonly batch: Batch | undefined
  readonly discard: boolean
}

/**
 * One client of the native socket. Takes a read at a time and answers its lines in order: refusals and immediate methods
 * here and now, the others through effect's RpcServer; then writes one coalesced reply.
 */
export class Connection {
  readonly clientId: number
  readonly #socket: Socket
  readonly #shared: Shared
  readonly #reader: LineReader
  readonly #inbox: Inbox
  readonly #outbox: Outbox
  readonly #client: Rpc.ServerClient
  readonly #inFlight = new Map<RequestId, InFlight>()
  #notifications = 0
  #notificationNumber = 0
  #onIdle: (() => void) | undefined
  #batchItems: ReadonlyArray<unknown> = []
  #batchPosition = 0
  #batch: Batch | undefined
  #holdsLargeLine = false
  #greeted = false
  /** Nothing more is read: the client was turned away, or said that it has ended. */
  #done: "turned-away" | "ended" | undefined

  constructor(clientId: number, socket: Socket, shared: Shared) {
    const { limits } = shared
    this.clientId = clientId
    this.#socket = socket
    this.#shared = shared
    this.#reader = new LineReader(limits)
    this.#inbox = new Inbox(socket)
    this.#outbox = new Outbox(socket, {
      limitBytes: limits.writeBufferBytes,
      stallAfter: limits.stallMillis,
      onStalled: () => socket.destroy(),
      fork: shared.fork
    })
    this.#client = new Rpc.ServerClient(clientId)
  }

  /** Requests handed to a handler and not answered yet. */
  get inFlight(): number {
    return this.#inFlight.size + this.#notifications
  }

  /** Serves the client until it leaves or is turned away. Interrupt it when the socket has closed. */
  run(): Effect.Effect<void> {
    return Effect.gen({ self: this }, this.#serve).pipe(Effect.ensuring(Effect.suspend(() => this.#releaseLargeLine())))
  }

  *#serve(): Generator<Effect.Effect<any>, void, any> {
    while (this.#done === undefined) {
      if (this.#outbox.blocked) yield* this.#outbox.writable
      const chunk = yield* this.#takeRead()
      if (chunk === undefined) break
      if (!this.#greeted && this.#turnedAwayAtFirstSight(chunk)) break
      this.#reader.push(chunk)
      this.#outbox.cork()
      for (let step = this.#advance(); step !== undefined; step = this.#advance()) yield* step
      this.#outbox.uncork()
      if (chunk.length >= FULL_READ_BYTES) yield* Effect.yieldNow
    }
    if (this.#done === "turned-away") return yield* this.#sayFarewell()
    const fault = this.#reader.end()
    if (fault !== undefined) this.#outbox.add(refusal(null, RpcErrorCode.parseError, fault.message))
    while (this.inFlight > 0) {
      // Costs no byte, and fails when the client has closed both sides.
      this.#socket.write("")
      yield* Effect.timeoutOption(this.idle, PROBE_INTERVAL)
    }
    this.#outbox.end()
    for (let before = -1; before !== this.#outbox.piecesWritten;) {
      before = this.#outbox.piecesWritten
      yield* Effect.timeoutOption(this.closed, this.#shared.limits.stallMillis)
    }
  }

  /** Waits until nothing is in flight. */
  get idle(): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      if (this.inFlight === 0) return resume(Effect.void)
      const before = this.#onIdle
      this.#onIdle = () => {
        before?.()
        resume(Effect.void)
      }
    })
  }

  /** Waits until the socket has closed. */
  get closed(): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      if (this.#socket.closed) return resume(Effect.void)
      const closed = () => resume(Effect.void)
      this.#socket.once("close", closed)
      return Effect.sync(() => void this.#socket.off("close", closed))
    })
  }

  /** Ends the connection once what is written has been sent. */
  hangUp(): void {
    this.#outbox.end()
    // Destroys it when that is done.
    if (this.#socket.writableEnded) this.#socket.destroySoon()
    else this.#socket.once("finish", () => this.#socket.destroy())
  }

  /** Takes what a handler that RpcServer runs has produced. */
  fromServer(response: RpcMessage.FromServer<any>): Effect.Effect<void> {
    switch (response._tag) {
      case "Exit":
        return this.#finish(response.requestId, response.exit)
      case "Chunk":
        return this.#outbox.blocked
          ? Effect.andThen(this.#outbox.writable, this.#writeChunk(response.requestId, response.values))
          : this.#writeChunk(response.requestId, response.values)
      case "Defect":
        // RpcServer itself has failed: which calls are concerned can't be told, so all of them are.
        return Effect.andThen(
          Effect.logError("RpcServer failed", response.defect),
          Effect.sync(() => this.hangUp())
        )
      case "ClientEnd":
        return Effect.void
    }
  }

  *#takeRead(): Generator<Effect.Effect<any>, Buffer | undefined, any> {
    const large = this.#reader.pendingBytes > LARGE_LINE_BYTES
    if (!large) {
      if (this.#holdsLargeLine) yield* this.#releaseLargeLine()
      return yield* this.#inbox.take
    }
    if (!this.#holdsLargeLine) {
      yield* this.#shared.largeLine.take(1)
      this.#holdsLargeLine = true
    }
    const read = yield* Effect.timeoutOption(this.#inbox.take, this.#shared.limits.stallMillis)
    if (read._tag === "Some") return read.value
    this.#turnAway(RpcErrorCode.parseError, "The rest of a long line did not come in time.")
    return undefined
  }

  #releaseLargeLine(): Effect.Effect<unknown> {
    if (!this.#holdsLargeLine) return Effect.void
    this.#holdsLargeLine = false
    return this.#shared.largeLine.release(1)
  }

  #turnedAwayAtFirstSight(chunk: Buffer): boolean {
    const stranger = foreignProtocol(chunk)
    if (stranger !== undefined) this.#turnAway(RpcErrorCode.parseError, stranger)
    this.#greeted = true
    return stranger !== undefined
  }

  #turnAway(code: RpcErrorCode, message: string): void {
    this.#done = "turned-away"
    this.#outbox.add(refusal(null, code, message))
  }

  /** Closing at once would take the error away from a client that is still sending. */
  *#sayFarewell() {
    this.#outbox.end()
    const drained = Effect.gen({ self: this }, function* () {
      while ((yield* this.#inbox.take) !== undefined);
    })
    yield* Effect.timeoutOption(drained, FAREWELL)
  }

  /** Goes through the lines of a read up to the next thing that must be waited for. */
  #advance(): Effect.Effect<void> | undefined {
    for (;;) {
      if (this.#done !== undefined) return undefined
      if (this.#outbox.full) {
        this.#outbox.flush()
        if (this.#outbox.blocked) return this.#outbox.writable
      }
      if (this.#batchPosition < this.#batchItems.length) {
        const step = this.#receive(this.#batchItems[this.#batchPosition++], this.#batch)
        if (step !== undefined) return step
        continue
      }
      const line = this.#reader.next()
      if (line === undefined) return undefined
      if (line instanceof LineFault) {
        if (line.reason === "too-long") this.#turnAway(RpcErrorCode.lineTooLong, line.message)
        else this.#outbox.add(refusal(null, RpcErrorCode.parseError, line.message))
        continue
      }
      const step = this.#receiveLine(line)
      if (step !== undefined) return step
    }
  }

  #receiveLine(line: string): Effect.Effect<void> | undefined {
    const plain = readPlainRequest(line)
    if (plain !== undefined) return this.#request(plain, undefined)
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch (problem) {
      this.#outbox.add(refusal(null, RpcErrorCode.parseError, jsonProblem(problem)))
      return undefined
    }
    if (!Array.isArray(value)) return this.#receive(value, undefined)
    const size = value.length
    if (size === 0 || size > this.#shared.limits.inFlight) {
      const message = `A batch has 1 to ${this.#shared.limits.inFlight} requests, and this one ${size}.`
      this.#outbox.add(refusal(null, RpcErrorCode.invalidRequest, message))
      return undefined
    }
    this.#batch = new Batch(size, (reply) => this.#outbox.add(reply))
    this.#batchItems = value
    this.#batchPosition = 0
    return undefined
  }

  #receive(value: unknown, batch: Batch | undefined): Effect.Effect<void> | undefined {
    const message = readMessage(value)
    switch (message.type) {
      case "request":
        return this.#request(message, batch)
      case "refusal":
        this.#reply(batch, refusal(message.id, message.code, message.message))
        return undefined
      case "Ping":
        this.#outbox.add(pong)
        break
      case "Eof":
        this.#done = "ended"
        break
      case "Ack":
      case "Interrupt": {
        const requestId = message.requestId as RpcMessage.RequestId
        if (!this.#inFlight.has(requestId)) break
        batch?.skip()
        return this.#shared.server.write(
          this.clientId,
          message.type === "Ack" ? { _tag: "Ack", requestId } : { _tag: "Interrupt", requestId, interruptors: [] }
        )
      }
    }
    batch?.skip()
    return undefined
  }

  #request(request: WireRequest, batch: Batch | undefined): Effect.Effect<void> | undefined {
    const { limits, methods } = this.#shared
    const method = methods.get(request.method)
    if (method === undefined) {
      return this.#refuse(request, batch, RpcErrorCode.methodNotFound, `There is no method ${nameOf(request.method)}.`)
    }
    if (this.#shared.closing) return this.#refuse(request, batch, RpcErrorCode.cancelled, stopping)
    if (request.id !== undefined && this.#inFlight.has(request.id)) {
      return this.#refuse(request, batch, RpcErrorCode.duplicateId, "A request with this id is in flight.")
    }
    if (!method.immediate && this.inFlight >= limits.inFlight) {
      const message = `${limits.inFlight} requests of this connection are in flight; wait for an answer.`
      return this.#refuse(request, batch, RpcErrorCode.tooManyInFlight, message)
    }
    let payload: unknown
    try {
      payload = method.params.now(request.params)
    } catch {
      return Effect.matchEffect(method.params.effect(request.params), {
        onSuccess: (payload) => this.#call(method, request, payload, batch) ?? Effect.void,
        onFailure: (issue) =>
          this.#refuse(request, batch, RpcErrorCode.invalidParams, describeIssue(issue)) ?? Effect.void
      })
    }
    return this.#call(method, request, payload, batch)
  }

  #call(
    method: Method,
    request: WireRequest,
    payload: unknown,
    batch: Batch | undefined
  ): Effect.Effect<void> | undefined {
    const headers = request.headers.length === 0 ? Headers.empty : Headers.fromInput(request.headers)
    if (!method.immediate) return this.#handOver(method, request, payload, headers, batch)
    const requestId = (request.id ?? "") as RpcMessage.RequestId
    const options = { client: this.#client, requestId, headers, rpc: method.rpc }
    const exit = runImmediate(this.#shared.fork, method, payload, options)
    if (request.id === undefined) return void batch?.skip()
    if (request.discard) return this.#reply(batch, resultReply(request.id, null))
    const reply = exitReply(method, request.id, exit)
    if (typeof reply === "string") return this.#reply(batch, reply)
    return Effect.map(reply, (text) => this.#reply(batch, text))
  }

  #handOver(
    method: Method,
    request: WireRequest,
    payload: unknown,
    headers: Headers.Headers,
    batch: Batch | undefined
  ): Effect.Effect<void> {
    const message = { _tag: "Request", tag: method.tag, payload, headers } as const
    if (request.id === undefined) {
      this.#notifications++
      batch?.skip()
      const id = `@hob/notification/${this.#notificationNumber++}` as RpcMessage.RequestId
      return this.#shared.server.write(
        this.clientId,
        { ...message, id, isNotification: true },
        { onRequest: Effect.ensuring(Effect.sync(() => this.#notificationEnded())) }
      )
    }
    this.#inFlight.set(request.id, { method, batch, discard: request.discard })
    const id = request.id as RpcMessage.RequestId
    return this.#shared.server.write(
      this.clientId,
      request.discard ? { ...message, id, discard: true } : { ...message, id }
    )
  }

  #finish(id: RequestId, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    const call = this.#inFlight.get(id)
    if (call === undefined) return Effect.void
    const answered = (text: string): void => {
      this.#inFlight.delete(id)
      this.#reply(call.batch, text)
      this.#tellIdle()
    }
    const reply =
      this.#shared.closing && Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
        ? refusal(id, RpcErrorCode.cancelled, stopping)
        : call.discard && Exit.isSuccess(exit)
          ? resultReply(id, null)
          : exitReply(call.method, id, exit)
    if (typeof reply !== "string") return Effect.map(reply, answered)
    answered(reply)
    return Effect.void
  }

  #writeChunk(id: RequestId, values: ReadonlyArray<unknown>): Effect.Effect<void> {
    const call = this.#inFlight.get(id)
    if (call === undefined) return Effect.void
    return Effect.matchEffect(call.method.encodeChunk(values), {
      onSuccess: (encoded) => Effect.sync(() => this.#outbox.add(chunkReply(id, encoded))),
      onFailure: (issue) =>
        Effect.flatMap(notEncodable(call.method, id, issue), (text) => {
          this.#inFlight.delete(id)
          this.#reply(call.batch, text)
          this.#tellIdle()
          return Effect.die(new Error(`A chunk of ${call.method.tag} does not fit its schema.`))
        })
    })
  }

  #notificationEnded(): void {
    this.#notifications--
    this.#tellIdle()
  }

  #tellIdle(): void {
    if (this.inFlight > 0 || this.#onIdle === undefined) return
    const onIdle = this.#onIdle
    this.#onIdle = undefined
    onIdle()
  }

  /** A notification is never answered, whatever is wrong with it. */
  #refuse(request: WireRequest, batch: Batch | undefined, code: RpcErrorCode, message: string): undefined {
    if (request.id === undefined) batch?.skip()
    else this.#reply(batch, refusal(request.id, code, message))
  }

  #reply(batch: Batch | undefined, text: string): undefined {
    if (batch === undefined) this.#outbox.add(text)
    else batch.add(text)
  }
}

const nameOf = (method: string): string => JSON.stringify(method.length > 80 ? `${method.slice(0, 80)}…` : method)

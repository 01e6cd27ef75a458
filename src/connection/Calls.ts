import { Cause, Effect, Exit } from "effect"
import { Headers } from "effect/http"
import { Rpc, type RpcMessage, type RpcServer } from "effect/rpc"
import type { AnyDirectHandler } from "../actors/DirectMethods.ts"
import { RpcErrorCode } from "../protocol/errors.ts"
import type { Turns } from "../actors/turns.ts"
import type { Batch } from "./Batch.ts"
import { type Calling, DirectCall } from "./DirectCall.ts"
import { longList, writeInPieces } from "./longAnswer.ts"
import { describeIssue, exitReply, type Method, notEncodable } from "./methods.ts"
import { BusyMap } from "../actors/BusyMap.ts"
import type { Outbox } from "../wire/Outbox.ts"
import { chunkReply, cancelledReply, jsonReply, refusal, type RequestId, resultReply } from "./replies.ts"
import type { WireRequest } from "./requests.ts"
import { type Fork, runImmediate } from "./runImmediate.ts"

/** What the calls of all connections of a door share. */
export interface Handling {
  readonly methods: ReadonlyMap<string, Method>
  readonly server: RpcServer.RpcServer<any>
  /** For immediate handlers. */
  readonly fork: Fork
  readonly turns: Turns
  /** Requests of one connection that may be in flight; bytes of a stream that its reader may not have taken yet. */
  readonly limits: { readonly inFlight: number; readonly writeBufferBytes: number }
  /** The daemon is stopping: what comes now is refused. */
  readonly closing: boolean
}

/** A call without an id, a notification, has a name of its own while it is in flight. */
type CallId = RequestId | symbol

/** A call that RpcServer runs. */
interface ServerCall {
  readonly method: Method
  readonly batch: Batch | undefined
  readonly discard: boolean
}

const stopping = "The daemon is stopping; the call was cancelled."

/**
 * The calls of one client: checked, read, run (immediate methods here and now, the others by effect's RpcServer) and
 * answered. What returns an effect must be waited for before the next request; `undefined` means that all is done.
 */
export class Calls {
  readonly #clientId: number
  readonly #handling: Handling
  readonly #outbox: Outbox
  /** Why this client may not call a method. */
  readonly #forbids: ((method: string) => string | undefined) | undefined
  readonly #client: Rpc.ServerClient
  readonly #inFlight = new BusyMap<CallId, ServerCall | DirectCall>()
  readonly #calling: Calling
  #notifications = 0
  #notificationNumber = 0
  #onIdle: (() => void) | undefined

  constructor(clientId: number, handling: Handling, outbox: Outbox, forbids?: (method: string) => string | undefined) {
    this.#forbids = forbids
    this.#clientId = clientId
    this.#handling = handling
    this.#outbox = outbox
    this.#client = new Rpc.ServerClient(clientId)
    this.#calling = {
      clientId,
      outbox,
      fork: handling.fork,
      unreadBytes: handling.limits.writeBufferBytes,
      isInFlight: (call) => this.#inFlight.get(call.id) === call,
      over: (call, text) => {
        if (text === undefined || typeof call.id === "symbol") this.#forget(call.id)
        else this.#answered(call.id, call, text)
      }
    }
  }

  /** Requests handed to a handler and not answered yet. */
  get inFlight(): number {
    return this.#inFlight.size + this.#notifications
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

  /** Answers a request, or hands it to a handler that will. */
  request(request: WireRequest, batch: Batch | undefined): Effect.Effect<void> | undefined {
    const { closing, limits, methods } = this.#handling
    const method = methods.get(request.method)
    if (method === undefined) {
      return this.#refuse(request, batch, RpcErrorCode.methodNotFound, `There is no method ${nameOf(request.method)}.`)
    }
    const forbidden = this.#forbids?.(request.method)
    if (forbidden !== undefined) return this.#refuse(request, batch, RpcErrorCode.forbidden, forbidden)
    if (closing) return this.#refuse(request, batch, RpcErrorCode.cancelled, stopping)
    if (request.id !== undefined && this.#inFlight.has(request.id)) {
      return this.#refuse(request, batch, RpcErrorCode.duplicateId, "A request with this id is in flight.")
    }
    if (!method.immediate && this.inFlight >= limits.inFlight) {
      const message = `${limits.inFlight} requests of this connection are in flight; wait for an answer.`
      return this.#refuse(request, batch, RpcErrorCode.tooManyInFlight, message)
    }
    if (request.plain !== undefined) return this.#call(method, request, request.plain.payload, batch)
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

  /** The client has read a chunk, or wants no more of a call. */
  control(type: "Ack" | "Interrupt", id: CallId): Effect.Effect<void> | undefined {
    const call = this.#inFlight.get(id)
    if (call === undefined) return undefined
    if (call instanceof DirectCall) {
      if (type === "Interrupt") this.#cancelDirect(call)
      else call.acknowledged()
      return undefined
    }
    const requestId = id as RpcMessage.RequestId
    return this.#handling.server.write(
      this.#clientId,
      type === "Ack" ? { _tag: type, requestId } : { _tag: type, requestId, interruptors: [] }
    )
  }

  /** Cancels what would go on for as long as the client wants. */
  get cancelEndless(): Effect.Effect<void> {
    const endless = [...this.#inFlight].filter(([, { method }]) => method.endless)
    return Effect.forEach(endless, ([id]) => this.control("Interrupt", id) ?? Effect.void, { discard: true })
  }

  /** The client has left: direct calls are given up; RpcServer is told about its own by the door. */
  left(): void {
    for (const [id, call] of this.#inFlight) {
      if (!(call instanceof DirectCall)) continue
      this.#inFlight.delete(id)
      call.giveUp()
    }
    this.#tellIdle()
  }

  /** How a call that RpcServer runs has ended. */
  ended(id: RequestId, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    const call = this.#inFlight.get(id)
    if (call === undefined || call instanceof DirectCall) return Effect.void
    const list = Exit.isSuccess(exit) && !call.discard ? longList(exit.value) : undefined
    if (list !== undefined) return this.#endedLong(id, call, (exit as Exit.Success<unknown>).value, list)
    const reply =
      this.#handling.closing && Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
        ? refusal(id, RpcErrorCode.cancelled, stopping)
        : call.discard && Exit.isSuccess(exit)
          ? resultReply(id, null)
          : exitReply(call.method, id, exit)
    if (typeof reply !== "string") return Effect.map(reply, (text) => this.#answered(id, call, text))
    this.#answered(id, call, reply)
    return Effect.void
  }

  #endedLong(id: RequestId, call: ServerCall, value: unknown, list: string): Effect.Effect<void> {
    const { method } = call
    return writeInPieces(this.#handling.turns, method.success, value, list).pipe(
      Effect.map((json) => jsonReply(id, json)),
      Effect.catch(() => {
        // What is wrong with it is told as of any answer.
        const reply = exitReply(method, id, Exit.succeed(value))
        return typeof reply === "string" ? Effect.succeed(reply) : reply
      }),
      Effect.map((text) => this.#answered(id, call, text))
    )
  }

  /** A piece of a stream that RpcServer runs; waits while the client reads too little. */
  chunk(id: RequestId, values: ReadonlyArray<unknown>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { room } = this.#outbox
      return room === undefined ? this.#writeChunk(id, values) : Effect.andThen(room, this.chunk(id, values))
    })
  }

  /** Sends an answer: alone, or with the others of its batch. */
  reply(batch: Batch | undefined, text: string): undefined {
    if (batch === undefined) this.#outbox.add(text)
    else batch.add(text)
  }

  #call(
    method: Method,
    request: WireRequest,
    payload: unknown,
    batch: Batch | undefined
  ): Effect.Effect<void> | undefined {
    if (method.direct !== undefined) return this.#callDirectly(method, method.direct.handler, request, payload, batch)
    const headers = request.headers.length === 0 ? Headers.empty : Headers.fromInput(request.headers)
    if (!method.immediate) return this.#handOver(method, request, payload, headers, batch)
    const requestId = (request.id ?? "") as RpcMessage.RequestId
    const options = { client: this.#client, requestId, headers, rpc: method.rpc }
    const exit = runImmediate(this.#handling.fork, method, payload, options)
    if (request.id === undefined) return void batch?.skip()
    if (request.discard) return this.reply(batch, resultReply(request.id, null))
    const reply = exitReply(method, request.id, exit)
    if (typeof reply === "string") return this.reply(batch, reply)
    return Effect.map(reply, (text) => this.reply(batch, text))
  }

  #callDirectly(
    method: Method,
    handler: AnyDirectHandler,
    request: WireRequest,
    payload: unknown,
    batch: Batch | undefined
  ): undefined {
    const id = request.id ?? Symbol("notification")
    const call = new DirectCall(this.#calling, id, method, request, batch)
    this.#inFlight.set(id, call)
    if (typeof id === "symbol") batch?.skip()
    call.run(handler, payload)
  }

  #cancelDirect(call: DirectCall): void {
    call.giveUp()
    const { id } = call
    if (this.#inFlight.get(id) !== call) return
    const message = this.#handling.closing ? stopping : "The call was cancelled."
    if (typeof id === "symbol") this.#forget(id)
    else this.#answered(id, call, cancelledReply(id, message))
  }

  #handOver(
    method: Method,
    request: WireRequest,
    payload: unknown,
    headers: Headers.Headers,
    batch: Batch | undefined
  ): Effect.Effect<void> {
    const { server } = this.#handling
    const message = { _tag: "Request", tag: method.tag, payload, headers } as const
    if (request.id === undefined) {
      this.#notifications++
      batch?.skip()
      const id = `@hob/notification/${this.#notificationNumber++}` as RpcMessage.RequestId
      return server.write(
        this.#clientId,
        { ...message, id, isNotification: true },
        { onRequest: Effect.ensuring(Effect.sync(() => this.#notificationEnded())) }
      )
    }
    this.#inFlight.set(request.id, { method, batch, discard: request.discard })
    const id = request.id as RpcMessage.RequestId
    return server.write(this.#clientId, request.discard ? { ...message, id, discard: true } : { ...message, id })
  }

  #writeChunk(id: RequestId, values: ReadonlyArray<unknown>): Effect.Effect<void> {
    const call = this.#inFlight.get(id)
    if (call === undefined) return Effect.void
    return Effect.matchEffect(call.method.encodeChunk(values), {
      onSuccess: (encoded) => Effect.sync(() => this.#outbox.add(chunkReply(id, encoded))),
      onFailure: (issue) =>
        Effect.flatMap(notEncodable(call.method, id, issue), (text) => {
          this.#answered(id, call, text)
          return Effect.die(new Error(`A chunk of ${call.method.tag} does not fit its schema.`))
        })
    })
  }

  #answered(id: RequestId, call: ServerCall | DirectCall, text: string): void {
    this.#inFlight.delete(id)
    this.reply(call.batch, text)
    this.#tellIdle()
  }

  #forget(id: CallId): void {
    this.#inFlight.delete(id)
    this.#tellIdle()
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
    else this.reply(batch, refusal(request.id, code, message))
  }
}

const nameOf = (method: string): string => JSON.stringify(method.length > 80 ? `${method.slice(0, 80)}…` : method)

import { Effect, Exit } from "effect"
import type * as Direct from "../actors/DirectMethods.ts"
import { memberText } from "../wire/members.ts"
import type { Outbox } from "../wire/Outbox.ts"
import type { Batch } from "./Batch.ts"
import { exitReply, type Method } from "./methods.ts"
import { chunkHead, jsonReply, type RequestId, resultReply, textChunkReply } from "./replies.ts"
import type { WireRequest } from "./requests.ts"
import type { Fork } from "./runImmediate.ts"
import { Unread } from "./Unread.ts"

/** The calls of one client, as one of them needs them. */
export interface Calling {
  readonly clientId: number
  readonly outbox: Outbox
  readonly fork: Fork
  /** Bytes of a stream that its reader may not have taken yet. */
  readonly unreadBytes: number
  readonly isInFlight: (call: DirectCall) => boolean
  /** It is over: with an answer, or without one because nobody waits for it. */
  readonly over: (call: DirectCall, text: string | undefined) => void
}

/** A call of a direct method: in flight until it is answered, given up, or its client has left. */
export class DirectCall implements Direct.DirectCall<any, any> {
  readonly id: RequestId | symbol
  readonly method: Method
  readonly batch: Batch | undefined
  readonly #calling: Calling
  readonly #request: WireRequest
  readonly #unread: Unread | undefined
  #isAnswered = false
  #paramsText: string | undefined
  #giveUp: (() => void) | undefined

  constructor(
    calling: Calling,
    id: RequestId | symbol,
    method: Method,
    request: WireRequest,
    batch: Batch | undefined
  ) {
    this.#calling = calling
    this.id = id
    this.method = method
    this.batch = batch
    this.#request = request
    this.#unread = method.streams ? new Unread(calling.unreadBytes) : undefined
  }

  /** Runs the handler, which answers now or later. */
  run(handler: Direct.AnyDirectHandler, payload: unknown): void {
    try {
      this.#giveUp = handler(payload, this) ?? undefined
    } catch (defect) {
      this.#end(Exit.die(defect))
    }
  }

  /** Nobody waits for it any more. */
  giveUp(): void {
    this.#giveUp?.()
  }

  /** The client has taken a chunk. */
  acknowledged(): void {
    this.#unread?.acknowledged()
  }

  get clientId(): number {
    return this.#calling.clientId
  }

  text(member: string): string {
    const known = this.#request.plain?.texts[member]
    if (known !== undefined) return known
    return memberText((this.#paramsText ??= this.#request.paramsText()), member) ?? "null"
  }

  succeed(value: unknown): void {
    this.#end(Exit.succeed(value))
  }

  reply(json: string): void {
    if (this.#answerable()) this.#over((id) => (this.#request.discard ? resultReply(id, null) : jsonReply(id, json)))
  }

  fail(error: unknown): void {
    this.#end(Exit.fail(error))
  }

  push(items: string | Buffer): void {
    const { id } = this
    if (this.#isAnswered || typeof id === "symbol" || !this.#calling.isInFlight(this)) return
    this.#unread?.sent(items.length)
    const { outbox } = this.#calling
    if (typeof items === "string") outbox.add(textChunkReply(id, items))
    else outbox.addAround(`${chunkHead(id)}[`, items, "]}")
  }

  isBlocked(): boolean {
    return this.#calling.outbox.blocked || this.#unread?.isTooMuch === true
  }

  whenWritable(go: () => void): void {
    const wake = () => void (this.#calling.isInFlight(this) && go())
    if (this.#unread?.isTooMuch === true) this.#unread.whenLess(wake)
    else this.#calling.outbox.whenWritable(wake)
  }

  #end(exit: Exit.Exit<unknown, unknown>): void {
    if (!this.#answerable()) return
    if (this.#request.discard && Exit.isSuccess(exit)) return this.#over((id) => resultReply(id, null))
    if (typeof this.id === "symbol") return this.#calling.over(this, undefined)
    const reply = exitReply(this.method, this.id, exit)
    if (typeof reply === "string") this.#calling.over(this, reply)
    else this.#calling.fork(Effect.map(reply, (text) => this.#calling.over(this, text)))
  }

  #over(reply: (id: RequestId) => string): void {
    this.#calling.over(this, typeof this.id === "symbol" ? undefined : reply(this.id))
  }

  /** The first answer counts, and none that comes when nobody waits. */
  #answerable(): boolean {
    if (this.#isAnswered || !this.#calling.isInFlight(this)) return false
    this.#isAnswered = true
    return true
  }
}

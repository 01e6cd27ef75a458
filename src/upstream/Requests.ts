import { type RpcError, readEnvelope, request } from "./envelope.ts"

/** What has become of a request. */
export type Answer =
  | { readonly type: "result"; readonly result: string }
  | { readonly type: "error"; readonly error: RpcError }
  /** It was written, and the connection lost before its answer. */
  | { readonly type: "lost"; readonly reason: string }

/** Requests without an answer, on one connection: answers may come in any order, each finds its own. */
export class Requests {
  readonly #prefix: string
  readonly #pending = new Map<string, (answer: Answer) => void>()
  #last = 0
  #lost: string | undefined

  /** Ids begin with this: jobs tell of everybody's, and must not be taken for ours. */
  constructor(prefix: string) {
    this.#prefix = prefix
  }

  get size(): number {
    return this.#pending.size
  }

  nextId(): string {
    return `${this.#prefix}-${++this.#last}`
  }

  /** Writes a request; false when nothing was written. The answer comes once, unless the request is forgotten before. */
  send(wire: { readonly send: (text: string) => boolean }, id: string, text: string, answer: (answer: Answer) => void) {
    if (this.#lost !== undefined || !wire.send(text)) return false
    this.#pending.set(id, answer)
    return true
  }

  /** Nobody waits for it any more: its answer will be dropped. */
  forget(id: string): void {
    this.#pending.delete(id)
  }

  /** Takes a message. Gives what is wrong with it where nobody can trust the connection any more. */
  receive(text: string, notify: (method: string, params: string) => void): string | undefined {
    const envelope = readEnvelope(text)
    switch (envelope.type) {
      case "malformed":
        return `it sent what is no message of JSON-RPC: ${envelope.problem}`
      case "notification":
        return void notify(envelope.method, envelope.params)
      case "result":
        return void this.#settle(envelope.id, { type: "result", result: envelope.result })
      case "error": {
        const { error, id } = envelope
        if (id !== null) return void this.#settle(id, { type: "error", error })
        // Of one request that is out it is clear whose it is.
        const [only, ...others] = this.#pending.keys()
        if (only !== undefined && others.length === 0) return void this.#settle(only, { type: "error", error })
        return `it could not read a request, and does not say whose: ${error.reason}`
      }
    }
  }

  /** Everybody hears that there will be no answer. */
  lose(reason: string): void {
    this.#lost = reason
    const waiting = [...this.#pending.values()]
    this.#pending.clear()
    for (const answer of waiting) answer({ type: "lost", reason })
  }

  // One that is not known belongs to a call that was abandoned.
  #settle(id: string, answer: Answer): void {
    const waiting = this.#pending.get(id)
    this.#pending.delete(id)
    waiting?.(answer)
  }
}

export const requestText = request

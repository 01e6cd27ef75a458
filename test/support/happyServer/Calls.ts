import type { Socket } from "socket.io"

export interface CallTimes {
  /** A method that nobody has registered is waited for so long. */
  readonly graceMillis: number
  readonly timeoutMillis: number
  /** A target that has left in the middle of a call is missed so late. */
  readonly missedMillis: number
}

export type CallReply = { readonly ok: true; readonly result: unknown } | { readonly ok: false; readonly error: string }

const refused = (error: string): CallReply => ({ ok: false, error })
const wait = (millis: number) => new Promise<void>((done) => setTimeout(done, millis).unref())

/** Remote calls: who has registered which method, and whom a call goes to. */
export class Calls {
  readonly #times: CallTimes
  /** By account and method; the oldest first. */
  readonly #registered = new Map<string, Array<Socket>>()
  #onChange = new Set<() => void>()

  constructor(times: CallTimes) {
    this.#times = times
  }

  register(account: string, method: string, socket: Socket): void {
    const key = `${account} ${method}`
    const sockets = this.#registered.get(key) ?? []
    if (!sockets.includes(socket)) sockets.push(socket)
    this.#registered.set(key, sockets)
    this.#changed()
  }

  unregister(account: string, method: string, socket: Socket): void {
    this.#drop(`${account} ${method}`, socket)
  }

  leave(socket: Socket): void {
    for (const key of this.#registered.keys()) this.#drop(key, socket)
  }

  async call(account: string, caller: Socket, request: unknown): Promise<CallReply> {
    const { method, params } = (request ?? {}) as Record<string, unknown>
    if (typeof method !== "string" || method === "") return refused("Invalid parameters: method is required")
    const target = await this.#find(`${account} ${method}`)
    if (target === undefined) return refused("RPC method not available")
    if (target === caller) return refused("Cannot call RPC on the same socket")
    let forget = () => {}
    const left = new Promise<CallReply>((done) => {
      const missed = () =>
        void setTimeout(() => done(refused("RPC target disconnected")), this.#times.missedMillis).unref()
      target.once("disconnect", missed)
      forget = () => void target.off("disconnect", missed)
    })
    const answered = target
      .timeout(this.#times.timeoutMillis)
      .emitWithAck("rpc-request", { method, params })
      .then(
        (result): CallReply => {
          forget()
          return { ok: true, result }
        },
        (): CallReply => refused("operation has timed out")
      )
    // When a socket leaves, its acknowledgements fail at once; the real server says so later, and in other words.
    return Promise.race([answered.then((reply) => (reply.ok || target.connected ? reply : left)), left])
  }

  async #find(key: string): Promise<Socket | undefined> {
    const until = performance.now() + this.#times.graceMillis
    for (;;) {
      const [oldest] = this.#registered.get(key) ?? []
      const left = until - performance.now()
      if (oldest !== undefined || left <= 0) return oldest
      await Promise.race([wait(left), new Promise<void>((changed) => this.#onChange.add(changed))])
    }
  }

  #drop(key: string, socket: Socket): void {
    const rest = this.#registered.get(key)?.filter((each) => each !== socket) ?? []
    if (rest.length === 0) this.#registered.delete(key)
    else this.#registered.set(key, rest)
  }

  #changed(): void {
    const waiting = this.#onChange
    this.#onChange = new Set()
    for (const changed of waiting) changed()
  }
}

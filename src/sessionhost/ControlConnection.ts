import { Result, Schema } from "effect"
import type { Socket } from "node:net"
import { FrameType, type HostEvent, HostRequest, type HostReply, MAX_FRAME_BYTES } from "../protocol/sessionHost.ts"
import { encodeJsonFrame } from "../wire/frames.ts"
import { badRequest, HostFailure } from "./HostFailure.ts"
import type { Asked } from "./ScreensLink.ts"
import type { SessionHost } from "./SessionHost.ts"
import { send } from "./upgrade/sockets.ts"
import type { ConnectionState } from "./upgrade/state.ts"

/** A daemon that doesn't read its answers and events is cut off at this many bytes; it learns all of it from the next `hello`. */
export const CONTROL_BEHIND_BYTES = 16 * 1024 * 1024

/** What daemons from before protocol 2 would not understand. */
const LATER_EVENTS = new Set<HostEvent["event"]>(["started", "changed", "removed"])

const decode = Schema.decodeUnknownResult(HostRequest)

export interface ControlOptions {
  readonly host: SessionHost
  /** Called after a `stop` request was answered. */
  readonly stop: () => void
  /** Replaces this process; returns the answer when nothing came of it, or throws. */
  readonly upgrade: (request: UpgradeRequest) => Promise<unknown>
  readonly log: (message: string) => void
}

type UpgradeRequest = Extract<HostRequest, { readonly op: "upgrade" }>
type ControlState = Extract<ConnectionState, { readonly kind: "control" }>

/** One daemon's connection: requests in, answers and events out. */
export class ControlConnection {
  readonly #socket: Socket
  readonly #options: ControlOptions
  readonly #host: SessionHost
  readonly #log: (message: string) => void
  /** Those without an answer, and when they came. */
  readonly #requests = new Map<HostRequest, number>()
  /** The version of the protocol that the daemon said hello with. */
  #protocol: number | null = null
  /** Ends what this connection hears. */
  readonly #leaving: Array<() => void> = []
  /** What the screens process is asked on its behalf, by the request's id. */
  readonly #asked = new Map<number, Asked>()

  constructor(socket: Socket, options: ControlOptions) {
    this.#socket = socket
    this.#options = options
    this.#host = options.host
    this.#log = options.log
    socket.on("close", () => {
      for (const leave of this.#leaving) leave()
      for (const { cancel } of this.#asked.values()) cancel()
    })
  }

  /** What a successor of this process needs to go on with the connection. */
  handOver(): Pick<ControlState, "kind" | "protocol" | "requests"> {
    const requests = [...this.#requests].map(([request, since]) => {
      // Everything else waits for the successor, or can be asked anew.
      if (request.op !== "kill") return { request, begun: request.op === "upgrade" }
      const graceMillis = Math.max(0, Math.round(request.graceMillis - (performance.now() - since)))
      return { request: { ...request, graceMillis }, begun: true }
    })
    return { kind: "control", protocol: this.#protocol, requests }
  }

  /** Goes on with a connection that a predecessor of this process has told of; `upgraded` answers who asked for that. */
  adopt({ protocol, requests }: ControlState, upgraded: () => Promise<unknown>): void {
    if (protocol !== null) this.#listen(protocol)
    for (const { begun, request } of requests) {
      void this.#answer(request, begun && request.op === "upgrade" ? upgraded : () => this.#perform(request, begun))
    }
  }

  /** A frame from the daemon. */
  onFrame(type: number, payload: Buffer): void {
    if (type !== FrameType.control) return this.#cutOff(`a frame of type ${type} on a control connection`)
    let message: unknown
    try {
      message = JSON.parse(payload.toString("utf8"))
    } catch {
      return this.#cutOff("a control frame that is not JSON")
    }
    this.onMessage(message)
  }

  /** A message from the daemon. */
  onMessage(message: unknown): void {
    const id = idOf(message)
    if (id === null) return this.#cutOff("a request without an id")
    const request = decode(message)
    if (Result.isFailure(request)) return this.#refuse(id, badRequest(request.failure.message))
    void this.#answer(request.success, () => this.#perform(request.success, false))
  }

  async #answer(request: HostRequest, perform: () => unknown): Promise<void> {
    this.#requests.set(request, performance.now())
    try {
      const result = perform()
      this.#reply({ id: request.id, result: result instanceof Promise ? await result : result })
      if (request.op === "stop") this.#socket.end(this.#options.stop)
    } catch (error) {
      this.#refuse(request.id, error)
    } finally {
      this.#requests.delete(request)
    }
  }

  // The table of everything that a daemon can ask. `begun`: it was begun by a predecessor of this process.
  #perform(request: HostRequest, begun: boolean): unknown {
    switch (request.op) {
      case "hello":
        this.#listen(request.protocol)
        return this.#host.hello()
      case "spawn":
        return this.#host.spawn(request)
      case "list":
        return { sessions: this.#host.list() }
      case "inspect":
        return this.#host.inspect(request)
      case "send":
        return this.#host.send(request)
      case "resize":
        return this.#host.resize(request)
      case "kill":
        return this.#host.kill(request, begun)
      case "set":
        return this.#host.set(request)
      case "grant":
        this.#host.grant(request)
        return {}
      case "remove":
        return this.#host.remove(request).then(() => ({}))
      case "answer":
        return this.#host.answer(request)
      case "screens":
        return this.#ask(request.id, request.request)
      case "cancel":
        this.#asked.get(request.request)?.cancel()
        return {}
      case "upgrade":
        return this.#options.upgrade(request)
      case "stop":
        this.#host.checkStop()
        return {}
    }
  }

  #listen(protocol: number): void {
    if (this.#protocol !== null) return
    this.#protocol = protocol
    const knows = (event: HostEvent["event"]) => protocol >= 2 || !LATER_EVENTS.has(event)
    this.#leaving.push(this.#host.listen((event) => knows(event.event) && this.write(event)))
    if (protocol >= 2) this.#leaving.push(this.#host.screens.listen((screens) => this.write({ screens })))
  }

  async #ask(id: number, request: unknown): Promise<unknown> {
    if (this.#host.frozen !== null) await this.#host.frozen
    let cancelled = false
    const asked = this.#host.screens.ask(request)
    const cancel = () => {
      cancelled = true
      asked.cancel()
    }
    this.#asked.set(id, { ...asked, cancel })
    try {
      return await asked.answer
    } catch (error) {
      // The screens process was ended for an upgrade: the next one is asked, by this host or its successor.
      if (this.#host.frozen !== null && !cancelled) return await this.#ask(id, request)
      throw error
    } finally {
      this.#asked.delete(id)
    }
  }

  #refuse(id: number, error: unknown): void {
    if (error instanceof HostFailure) return this.#reply({ id, error: error.error })
    this.#log(`a request failed: ${error instanceof Error ? error.stack : String(error)}`)
    this.#reply({ id, error: { code: "internal", message: error instanceof Error ? error.message : String(error) } })
  }

  #reply(reply: HostReply): void {
    this.write(reply)
  }

  /** Sends a message of one frame. */
  write(message: unknown): void {
    if (this.#socket.destroyed) return
    send(this.#socket, encode(message))
    if (this.#socket.writableLength > CONTROL_BEHIND_BYTES) this.#cutOff("it does not read its answers")
  }

  #cutOff(reason: string): void {
    this.#log(`a control connection was cut off: ${reason}`)
    this.#socket.destroy()
  }
}

const encode = (message: unknown): Buffer => {
  const frame = encodeJsonFrame(FrameType.control, message)
  if (frame.length - 5 <= MAX_FRAME_BYTES) return frame
  // Agents get whole prompts as arguments. All sessions in one answer can be too much; `session.json` has every word.
  return encodeJsonFrame(FrameType.control, JSON.parse(JSON.stringify(message, shortenCommand)))
}

const shortenCommand = (key: string, value: unknown): unknown =>
  key === "command" && Array.isArray(value)
    ? value.slice(0, 20).map((word: string) => (word.length > 100 ? `${word.slice(0, 100)}…` : word))
    : value

const idOf = (message: unknown): number | null => {
  if (typeof message !== "object" || message === null || !("id" in message)) return null
  return Number.isSafeInteger(message.id) ? (message.id as number) : null
}

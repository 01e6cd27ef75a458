import { Effect, type Semaphore } from "effect"
import type { RpcMessage } from "effect/rpc"
import type { Socket } from "node:net"
import { RpcErrorCode } from "../protocol/errors.ts"
import { Intake } from "../wire/Intake.ts"
import { lastWords, once } from "../wire/lastWords.ts"
import { giveBack, LineFault } from "../wire/lines.ts"
import { elements } from "../wire/members.ts"
import { Outbox } from "../wire/Outbox.ts"
import { Batch } from "./Batch.ts"
import { Calls, type Handling } from "./Calls.ts"
import type { ConnectionLimits } from "./limits.ts"
import type { Method } from "./methods.ts"
import { pong, refusal } from "./replies.ts"
import { readMessage, readPlainRequest } from "./requests.ts"
import { foreignProtocol, jsonProblem } from "./strangers.ts"

/** What all connections of a door share. */
export interface Shared extends Handling {
  readonly limits: ConnectionLimits
  /** Held by the one connection that may gather a large line: memory for one such line, not for one per client. */
  readonly largeLine: Semaphore.Semaphore
}

/** How long a client that is being turned away may take to read why. */
const FAREWELL = "1 second"

/**
 * One client of the native socket: takes a read at a time, goes through its lines in order, and writes one coalesced
 * reply to what could be answered at once.
 */
export class Connection {
  readonly clientId: number
  readonly #socket: Socket
  readonly #shared: Shared
  readonly #intake: Intake
  readonly #outbox: Outbox
  readonly #calls: Calls
  #batchItems: ReadonlyArray<unknown> = []
  #batchTexts: () => ReadonlyArray<string> = () => []
  #batchPosition = 0
  #batch: Batch | undefined
  #lastMethod: Method | undefined
  #greeted = false
  /** When it began to go through lines in this turn of the loop. */
  #since = 0
  /** Nothing more is read: the client was turned away, or said that it has ended. */
  #done: "turned-away" | "ended" | undefined

  constructor(clientId: number, socket: Socket, shared: Shared, forbids?: (method: string) => string | undefined) {
    const { largeLine, limits } = shared
    this.clientId = clientId
    this.#socket = socket
    this.#shared = shared
    this.#intake = new Intake(socket, { limits, lateAfter: limits.stallMillis, largeLine })
    this.#outbox = new Outbox(socket, {
      limitBytes: limits.writeBufferBytes,
      stallAfter: limits.stallMillis,
      onStalled: () => socket.destroy(),
      fork: shared.fork
    })
    this.#calls = new Calls(clientId, shared, this.#outbox, forbids)
  }

  /** Requests handed to a handler and not answered yet. */
  get inFlight(): number {
    return this.#calls.inFlight
  }

  /** Cancels what would go on for as long as the client wants. */
  get cancelEndless(): Effect.Effect<void> {
    return Effect.suspend(() => this.#calls.cancelEndless)
  }

  /** Waits until nothing is in flight. */
  get idle(): Effect.Effect<void> {
    return this.#calls.idle
  }

  /** Serves the client until it leaves or is turned away. Interrupt it when the socket has closed. */
  run(): Effect.Effect<void> {
    return Effect.gen({ self: this }, this.#serve).pipe(Effect.ensuring(this.#intake.release))
  }

  *#serve(): Generator<Effect.Effect<any>, void, any> {
    while (this.#done === undefined) {
      const { room } = this.#outbox
      if (room !== undefined) yield* room
      const chunk: Buffer | "late" | undefined = yield* this.#intake.take
      if (chunk === undefined) break
      if (chunk === "late") {
        this.#turnAway(RpcErrorCode.parseError, "The rest of a long line did not come in time.")
        break
      }
      if (!this.#greeted && this.#turnedAwayAtFirstSight(chunk)) break
      this.#intake.lines.push(chunk)
      if (this.#shared.turns.isTaken) yield* this.#shared.turns.next
      this.#since = this.#shared.turns.enter()
      this.#outbox.cork()
      for (let step = this.#advance(); step !== undefined; step = this.#advance()) yield* step
      this.#outbox.uncorkBehind()
      this.#shared.turns.leave(this.#since)
      const turn = this.#intake.turnOf(chunk)
      if (turn !== undefined) yield* turn
    }
    if (this.#done === "turned-away") return yield* this.#sayFarewell()
    const fault = this.#intake.lines.end()
    if (fault !== undefined) this.#outbox.add(refusal(null, RpcErrorCode.parseError, fault.message))
    yield* lastWords(this.#socket, this.#outbox, {
      isIdle: () => this.inFlight === 0,
      idle: this.idle,
      stallAfter: this.#shared.limits.stallMillis
    })
  }

  /** Waits until the socket has closed. */
  get closed(): Effect.Effect<void> {
    return once(this.#socket, "close")
  }

  /** Ends the connection once what is written has been sent. */
  hangUp(): void {
    this.#outbox.end()
    // Destroys it when that is done.
    if (this.#socket.writableEnded) this.#socket.destroySoon()
    else this.#socket.once("finish", () => this.#socket.destroy())
  }

  /** The client has left: what it has asked for and nobody runs in a fiber is given up. */
  left(): void {
    this.#calls.left()
  }

  /** Takes what a handler that RpcServer runs has produced. */
  fromServer(response: RpcMessage.FromServer<any>): Effect.Effect<void> {
    switch (response._tag) {
      case "Exit":
        return this.#calls.ended(response.requestId, response.exit)
      case "Chunk":
        return this.#calls.chunk(response.requestId, response.values)
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
      const { drop } = this.#intake
      for (let chunk = yield* drop; chunk !== undefined; chunk = yield* drop) giveBack(chunk)
    })
    yield* Effect.timeoutOption(drained, FAREWELL)
  }

  /** Goes through the lines of a read up to the next thing that must be waited for. */
  #advance(): Effect.Effect<void> | undefined {
    for (;;) {
      if (this.#done !== undefined) return undefined
      const { room } = this.#outbox
      if (room !== undefined) return room
      if (this.#shared.turns.isLong(this.#since)) return this.#nextTurn
      if (this.#batchPosition < this.#batchItems.length) {
        const position = this.#batchPosition++
        const texts = this.#batchTexts
        const step = this.#receive(this.#batchItems[position], this.#batch, () => texts()[position]!)
        if (step !== undefined) return step
        continue
      }
      const line = this.#intake.lines.next()
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

  /** Lets others go on; what has been answered so far is written. */
  readonly #nextTurn: Effect.Effect<void> = Effect.suspend(() => {
    this.#outbox.uncorkBehind()
    this.#shared.turns.leave(this.#since)
    return Effect.map(this.#shared.turns.next, () => {
      this.#outbox.cork()
      this.#since = this.#shared.turns.enter()
    })
  })

  /** Requests that follow one another mostly ask for the same. */
  readonly #find = (name: string): Method | undefined => {
    if (name !== this.#lastMethod?.tag) this.#lastMethod = this.#shared.methods.get(name)
    return this.#lastMethod
  }

  #receiveLine(line: string): Effect.Effect<void> | undefined {
    const plain = readPlainRequest(line, this.#find)
    if (plain !== undefined) return this.#calls.request(plain, undefined)
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch (problem) {
      this.#outbox.add(refusal(null, RpcErrorCode.parseError, jsonProblem(problem)))
      return undefined
    }
    if (!Array.isArray(value)) return this.#receive(value, undefined, () => line)
    const size = value.length
    if (size === 0 || size > this.#shared.limits.inFlight) {
      const message = `A batch has 1 to ${this.#shared.limits.inFlight} requests, and this one ${size}.`
      this.#outbox.add(refusal(null, RpcErrorCode.invalidRequest, message))
      return undefined
    }
    this.#batch = new Batch(size, (reply) => this.#outbox.add(reply))
    this.#batchItems = value
    let texts: ReadonlyArray<string> | undefined
    this.#batchTexts = () => (texts ??= elements(line))
    this.#batchPosition = 0
    return undefined
  }

  #receive(value: unknown, batch: Batch | undefined, text: () => string): Effect.Effect<void> | undefined {
    const message = readMessage(value, text)
    if (message.type === "request") return this.#calls.request(message, batch)
    if (message.type === "refusal") {
      return this.#calls.reply(batch, refusal(message.id, message.code, message.message))
    }
    batch?.skip()
    switch (message.type) {
      case "Ping":
        this.#outbox.add(pong)
        return undefined
      case "Eof":
        this.#done = "ended"
        return undefined
      case "Ack":
      case "Interrupt":
        return this.#calls.control(message.type, message.requestId)
    }
  }
}

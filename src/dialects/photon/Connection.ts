import { Effect, Semaphore } from "effect"
import type { Socket } from "node:net"
import type { Channels } from "../../channels/Channels.ts"
import type { Methods } from "../../methods/Methods.ts"
import type { Namespace } from "../../protocol/namespaces.ts"
import { Intake } from "../../wire/Intake.ts"
import { lastWords } from "../../wire/lastWords.ts"
import { LineFault, type LineLimits } from "../../wire/lines.ts"
import { Outbox } from "../../wire/Outbox.ts"
import { quoted } from "../../wire/plainJson.ts"
import { Commands } from "./Commands.ts"
import type { Jobs } from "./jobs.ts"
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
  readonly methods: Methods["Service"]
  readonly locks: Locks
  readonly jobs: Jobs
  readonly limits: Limits
  /** Held by the one connection that may gather a large line: memory for one such line, not for one per client. */
  readonly largeLine: Semaphore.Semaphore
  readonly fork: (effect: Effect.Effect<void>) => unknown
  /** A client has asked for it. */
  readonly shutDown: () => void
}

const NEWLINE = Buffer.from("\n")

/** One client: its requests in order, a read at a time, and one write for what they are answered. */
export class Connection {
  readonly #socket: Socket
  readonly #shared: Shared
  readonly #intake: Intake
  readonly #outbox: Outbox
  readonly #subscriptions: Subscriptions
  readonly #commands: Commands
  /** Of the requests that take a fiber and must not overtake one another. */
  readonly #turns = Semaphore.makeUnsafe(1)
  #inFlight = 0
  #onSettled: (() => void) | undefined

  constructor(socket: Socket, shared: Shared) {
    const { channels, fork, largeLine, limits, methods, namespace } = shared
    this.#socket = socket
    this.#shared = shared
    this.#intake = new Intake(socket, { limits, lateAfter: limits.stallMillis, largeLine })
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
    this.#commands = new Commands({
      methods,
      namespace,
      most: limits.inFlight,
      fork,
      write: (line) => this.#reply(line)
    })
  }

  /** Serves the client until it leaves, or until `end`. */
  readonly run: Effect.Effect<void> = Effect.suspend(() =>
    Effect.gen({ self: this }, this.#serve).pipe(
      Effect.ensuring(
        Effect.suspend(() => {
          this.#subscriptions.close()
          this.#commands.close()
          return this.#intake.release
        })
      )
    )
  )

  /** Takes no further request, and leaves the client once it has what it was owed. */
  end(): void {
    this.#subscriptions.close()
    this.#intake.close()
  }

  *#serve(): Generator<Effect.Effect<any>, void, any> {
    const { lines } = this.#intake
    for (;;) {
      const chunk: Buffer | "late" | undefined = yield* this.#intake.take
      if (chunk === undefined) break
      if (chunk === "late") {
        lines.end()
        this.#reply(error(UNKNOWN_ID, sentences.lineTooSlow))
        this.end()
        break
      }
      lines.push(chunk)
      yield* this.#receiveLines()
      const turn = this.#intake.turnOf(chunk)
      if (turn !== undefined) yield* turn
    }
    // A last request is taken without its newline too.
    if (lines.pendingBytes > 0) {
      lines.push(NEWLINE)
      yield* this.#receiveLines()
    }
    this.#subscriptions.finish()
    yield* lastWords(this.#socket, this.#outbox, {
      isIdle: () => !this.#isOwing(),
      idle: this.#settled(() => !this.#isOwing()),
      stallAfter: this.#shared.limits.stallMillis
    })
  }

  /** Goes through the lines of a read. Waits where more would be owed to the client than may. */
  *#receiveLines(): Generator<Effect.Effect<any>, void, any> {
    const { inFlight } = this.#shared.limits
    const { lines } = this.#intake
    for (let line = lines.next(); line !== undefined; line = lines.next()) {
      if (line instanceof LineFault) this.#reply(error(UNKNOWN_ID, line.message))
      else this.#receive(line)
      const { room } = this.#outbox
      if (room !== undefined) yield* room
      if (this.#inFlight >= inFlight) yield* this.#settled(() => this.#inFlight < inFlight)
    }
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
    const id = quoted(request.id)
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
        return this.#commands.respond(request)
      case "command":
        // Not among the requests in flight: while as many are, no answer to what they ask would be read.
        return this.#commands.call(request, (reply) => {
          this.#reply(reply)
          this.#onSettled?.()
        })
      case "schedule":
        return this.#inTurn(this.#shared.jobs.schedule(request))
      case "unschedule":
        return this.#inTurn(this.#shared.jobs.unschedule(request))
      case "list_jobs":
        return this.#inTurn(this.#shared.jobs.list(request))
    }
  }

  /** Answers once that is known, behind what was asked so before. */
  #inTurn(answer: Effect.Effect<string>): void {
    this.#inFlight++
    const settled = Effect.map(answer, (reply) => this.#settle(reply))
    this.#shared.fork(this.#turns.withPermit(settled))
  }

  #settle(reply: string): void {
    this.#inFlight--
    this.#reply(reply)
    this.#onSettled?.()
  }

  /** Whether something that was asked is yet to be answered. */
  #isOwing(): boolean {
    return this.#inFlight > 0 || this.#commands.size > 0
  }

  /** Waits until so many requests have their answers. */
  #settled(isEnough: () => boolean): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const look = () => {
        if (!isEnough()) return
        this.#onSettled = undefined
        resume(Effect.void)
      }
      this.#onSettled = look
      look()
      return Effect.sync(() => void (this.#onSettled = undefined))
    })
  }

  /** Adds an answer. It is written with everything else that this turn of the loop answers. */
  #reply(reply: string): void {
    this.#outbox.cork()
    this.#outbox.add(reply)
    this.#outbox.uncorkBehind()
  }
}

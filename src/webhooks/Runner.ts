import { Cause, type Effect, Exit } from "effect"
import type { MethodError } from "../protocol/methodErrors.ts"
import type { MethodName } from "../protocol/methodNames.ts"
import type { Namespace } from "../protocol/namespaces.ts"
import type { DeliveryState } from "../protocol/webhooks.ts"
import type { Database } from "../storage/Database.ts"
import { afterFailure, bugFailure, type Failure, failureOf, type Outcome, type Tries } from "./decide.ts"
import * as deliveries from "./deliveries.ts"
import { paramsOf, readBody } from "./http/bodyJson.ts"
import type { Inbox } from "./Inbox.ts"
import type { WebhookRoute } from "./routes.ts"

/** A result that is longer is not kept for who sends a delivery again. */
const RESULT_CHARS = 64 * 1024
const ERROR_CHARS = 4096
/** How soon what the store would not take is tried again. */
const STORE_RETRY_MILLIS = 1000

/** One delivery that is to be run. */
export interface Work extends Tries {
  readonly number: number
  readonly namespace: Namespace
  readonly method: MethodName
  readonly receivedMillis: number
  readonly sent: Pick<deliveries.Sent, "headers" | "query">
  /** The body, read. */
  readonly body: Readonly<Record<string, unknown>>
}

export interface RunnerOptions {
  readonly database: Pick<Database["Service"], "readNow">
  readonly inbox: Inbox
  /** Of a delivery whose webhook was removed: undefined. */
  readonly routeOf: (work: Pick<Work, "namespace" | "method">) => WebhookRoute | undefined
  readonly invoke: (work: Work, params: unknown, route: WebhookRoute) => Effect.Effect<unknown, MethodError>
  readonly wall: () => number
  readonly maxRunning: () => number
  /** A run has ended, and the record has it. `state` as it is there. */
  readonly ended: (work: Work, outcome: Outcome, state: DeliveryState) => void
  /** Something is to be seen to earlier than was said. */
  readonly wake: () => void
  readonly warn: (text: string) => void
}

/** Runs an effect to its end; interrupted with the actor. */
export type Fork = <A, E>(effect: Effect.Effect<A, E>, ended: (exit: Exit.Exit<A, E>) => void) => void

interface Unsaved {
  readonly work: Work
  readonly outcome: Outcome
  readonly ended: deliveries.Ended
}

/**
 * Runs what is recorded, so many at once: each is noted as begun before it begins, and as ended before anybody hears of
 * it. The queue is the store; only what runs is in memory.
 */
export class Runner {
  readonly #options: RunnerOptions
  /** In hand: about to begin, running, or ended and not yet on record. */
  readonly #inHand = new Set<number>()
  /** Ended, and the store would not take it. */
  readonly #unsaved: Array<Unsaved> = []
  readonly #idle: Array<() => void> = []
  #fork: Fork | undefined
  /** The store may have more that is due. */
  #backlog = true
  /** When one is due that waits for its next run. */
  #nextDue: number | undefined
  /** Not before this instant of the wall clock. */
  #notBefore = 0

  constructor(options: RunnerOptions) {
    this.#options = options
  }

  /** It has ended, and the store does not know it yet. */
  isUnsaved(delivery: number): boolean {
    return this.#unsaved.some(({ work }) => work.number === delivery)
  }

  /** From now on runs are begun; until `stop`. */
  start(fork: Fork): void {
    this.#fork = fork
    this.#inHand.clear()
    for (const { work } of this.#unsaved) this.#inHand.add(work.number)
    this.#backlog = true
  }

  stop(): void {
    this.#fork = undefined
  }

  /** Calls back once nothing is in hand. */
  whenIdle(idle: () => void): void {
    this.#idle.push(idle)
    this.#rested()
  }

  #rested(): void {
    if (this.#inHand.size === 0) for (const idle of this.#idle.splice(0)) idle()
  }

  /** Takes a delivery that was recorded just now; it waits in the store if it can't be run at once. */
  accept(work: Work): void {
    if (this.#fork === undefined || this.#backlog || !this.#hasRoom()) this.#backlog = true
    else this.#begin(work)
  }

  /** The store has something new to be run. */
  look(): void {
    this.#backlog = true
    this.#options.wake()
  }

  /** Begins what is due and has room. Answers when to look again, by the wall clock. */
  pump(): number | undefined {
    const now = this.#options.wall()
    this.#saveAgain()
    if (this.#fork === undefined) return undefined
    if (now < this.#notBefore) return this.#notBefore
    if (this.#nextDue !== undefined && now >= this.#nextDue) this.#backlog = true
    while (this.#backlog && this.#hasRoom()) this.#takeDue(now)
    this.#nextDue = this.#options.database.readNow((sql) => deliveries.nextDue(sql, now))
    return this.#unsaved.length > 0 ? now + STORE_RETRY_MILLIS : this.#nextDue
  }

  /** Those in hand that have not begun are among those that wait, as far as the store knows. */
  #takeDue(now: number): void {
    const room = this.#options.maxRunning() - this.#inHand.size
    const limit = room + this.#inHand.size
    const due = this.#options.database.readNow((sql) => deliveries.due(sql, now, limit))
    const waiting = due.filter(({ number }) => !this.#inHand.has(number))
    this.#backlog = waiting.length > room || due.length === limit
    for (const stored of waiting.slice(0, room)) this.#take(stored)
  }

  #hasRoom(): boolean {
    return this.#inHand.size < this.#options.maxRunning() && this.#options.wall() >= this.#notBefore
  }

  #take(stored: deliveries.Stored): void {
    const { failures, misses, number, received_millis } = stored
    const sent = this.#options.database.readNow((sql) => deliveries.sent(sql, number))
    const body = sent === undefined ? "its body is no longer kept" : readBody(sent.body)
    const work: Work = {
      number,
      failures,
      misses,
      namespace: stored.namespace as Namespace,
      method: stored.method as MethodName,
      receivedMillis: received_millis,
      sent: sent ?? { headers: {}, query: "" },
      body: typeof body === "string" ? {} : body
    }
    if (typeof body === "string") this.#fail(work, { ...bugFailure(body), isFinal: true })
    else this.#begin(work)
  }

  #begin(work: Work): void {
    const { number } = work
    this.#inHand.add(number)
    const route = this.#options.routeOf(work)
    if (route === undefined) {
      const error = "its webhook was removed before it was run; allow the method again and replay it"
      return this.#fail(work, { ...bugFailure(error), isFinal: true })
    }
    const fork = this.#fork
    this.#options.inbox.begin(number, (begun) => {
      // Another run of the actor may have seen to it by now; if none has, it waits again.
      if (begun !== true || fork === undefined || fork !== this.#fork) {
        this.#inHand.delete(number)
        if (begun === true) this.#options.inbox.giveBack(number, this.#options.wall())
        if (begun === true || begun === false) return this.#rested()
        this.#notBefore = this.#options.wall() + STORE_RETRY_MILLIS
        return this.look()
      }
      const params = paramsOf(work.body, { delivery: number, receivedMillis: work.receivedMillis, ...work.sent })
      fork(this.#options.invoke(work, params, route), (exit) => this.#ran(work, route, exit))
    })
  }

  #ran(work: Work, route: WebhookRoute, exit: Exit.Exit<unknown, MethodError>): void {
    if (Exit.isSuccess(exit)) return this.#succeed(work, exit.value)
    const { cause } = exit
    // Stopped with the actor: what is running then is seen to when it starts again.
    if (Cause.hasInterruptsOnly(cause)) return
    const error = cause.reasons.find(Cause.isFailReason)?.error
    if (error !== undefined) return this.#fail(work, failureOf(error, route.scheme), route)
    const text = String(Cause.squash(cause))
    this.#options.warn(`the delivery ${work.number} could not be run: ${text}`)
    this.#fail(work, bugFailure(text), route)
  }

  #succeed(work: Work, data: unknown): void {
    const text = JSON.stringify(data) as string | undefined
    const result = text === undefined || text.length > RESULT_CHARS ? null : text
    this.#save({
      work,
      outcome: { state: "succeeded", data },
      ended: {
        state: "succeeded",
        failures: work.failures,
        misses: work.misses,
        nextMillis: null,
        endedMillis: this.#options.wall(),
        error: null,
        told: null,
        result
      }
    })
  }

  #fail(work: Work, failure: Failure, route?: WebhookRoute): void {
    this.#inHand.add(work.number)
    const next = afterFailure(failure, work, { nowMillis: this.#options.wall(), retries: route?.retries ?? 0 })
    const { told } = failure
    this.#save({
      work,
      outcome: next.state === "pending" ? { state: "pending" } : { state: next.state, told },
      ended: {
        endedMillis: next.state === "pending" ? null : this.#options.wall(),
        ...next,
        error: failure.error.slice(0, ERROR_CHARS),
        told,
        result: null
      }
    })
  }

  /** Nobody hears of an end that could be forgotten. Its place is taken until then, so there are not many. */
  #save(unsaved: Unsaved): void {
    const { ended, outcome, work } = unsaved
    this.#options.inbox.end(work.number, ended, (error) => {
      if (error !== undefined) {
        this.#unsaved.push(unsaved)
        return this.#options.wake()
      }
      this.#inHand.delete(work.number)
      this.#options.ended(work, outcome, ended.state)
      this.#rested()
      if (this.#backlog || ended.state === "pending") this.#options.wake()
    })
  }

  #saveAgain(): void {
    for (const unsaved of this.#unsaved.splice(0)) this.#save(unsaved)
  }
}

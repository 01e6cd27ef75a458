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

/** One delivery that is run. */
export interface Run extends Tries {
  readonly number: number
  readonly namespace: Namespace
  readonly method: MethodName
  /** Runs that were begun before. */
  readonly attempts: number
}

/** One that is to be run, with what was sent; its run goes on without that. */
export interface Work extends Run {
  readonly receivedMillis: number
  readonly sent: Pick<deliveries.Sent, "headers" | "query">
  /** The body, read. */
  readonly body: Readonly<Record<string, unknown>>
}

export interface RunnerOptions {
  readonly database: Pick<Database["Service"], "readNow">
  readonly inbox: Inbox
  /** Of a delivery whose webhook was removed: undefined. */
  readonly routeOf: (run: Pick<Run, "namespace" | "method">) => WebhookRoute | undefined
  readonly invoke: (run: Run, params: unknown, route: WebhookRoute) => Effect.Effect<unknown, MethodError>
  readonly wall: () => number
  readonly maxRunning: () => number
  /** A run has ended, and the record has it. `state` as it is there. */
  readonly ended: (run: Run, outcome: Outcome, state: DeliveryState) => void
  /** Something is to be seen to earlier than was said. */
  readonly wake: () => void
  readonly warn: (text: string) => void
}

/** Runs an effect to its end; interrupted with the actor. */
export type Fork = <A, E>(effect: Effect.Effect<A, E>, ended: (exit: Exit.Exit<A, E>) => void) => void

interface Unsaved {
  readonly run: Run
  readonly outcome: Outcome
  readonly ended: deliveries.Ended
}

/**
 * Runs what is recorded, so many at once: each is noted as begun before it begins, and as ended before anybody hears of
 * it. What waits is in the store; of it only numbers are in memory.
 */
export class Runner {
  readonly #options: RunnerOptions
  /** In hand: about to begin, running, or ended and not yet on record. */
  readonly #inHand = new Set<number>()
  /** Due, in order. */
  #queue: Array<number> = []
  /** Due later, and when. */
  readonly #later = new Map<number, number>()
  /** Ended, and the store would not take it. */
  readonly #unsaved: Array<Unsaved> = []
  readonly #idle: Array<() => void> = []
  #fork: Fork | undefined
  /** Not before this instant of the wall clock. */
  #notBefore = 0

  constructor(options: RunnerOptions) {
    this.#options = options
  }

  /** Whether its run is about to begin, or has and its end is not on record. */
  isRunning(delivery: number): boolean {
    return this.#inHand.has(delivery)
  }

  get running(): ReadonlyArray<number> {
    return [...this.#inHand]
  }

  /** It has ended, and the store does not know it yet. */
  isUnsaved(delivery: number): boolean {
    return this.#unsaved.some(({ run }) => run.number === delivery)
  }

  /** From now on runs are begun, of `waiting` and what is accepted; until `stop`. */
  start(fork: Fork, waiting: ReadonlyArray<readonly [number: number, atMillis: number]>): void {
    this.#fork = fork
    this.#inHand.clear()
    for (const { run } of this.#unsaved) this.#inHand.add(run.number)
    this.#queue = []
    this.#later.clear()
    for (const [number, at] of waiting) if (!this.#inHand.has(number)) this.#later.set(number, at)
  }

  stop(): void {
    this.#fork = undefined
  }

  /** Calls back once nothing is in hand. */
  whenIdle(idle: () => void): void {
    this.#idle.push(idle)
    this.#rested()
  }

  /** Takes a delivery that was recorded just now; it waits in the store if it can't be run at once. */
  accept(work: Work): void {
    if (this.#queue.length === 0 && this.#hasRoom()) this.#begin(work)
    else this.#queue.push(work.number)
  }

  /** One that is on record is to be run now. */
  look(delivery: number): void {
    this.#queue.push(delivery)
    this.#options.wake()
  }

  /** Begins what is due and has room. Answers when to look again, by the wall clock. */
  pump(): number | undefined {
    const now = this.#options.wall()
    for (const unsaved of this.#unsaved.splice(0)) this.#save(unsaved)
    if (this.#fork === undefined) return undefined
    if (now < this.#notBefore) return this.#notBefore
    let next = Infinity
    for (const [number, at] of this.#later) {
      if (at > now) next = Math.min(next, at)
      else {
        this.#later.delete(number)
        this.#queue.push(number)
      }
    }
    let taken = 0
    while (taken < this.#queue.length && this.#hasRoom()) this.#take(this.#queue[taken++]!)
    if (taken > 0) this.#queue = this.#queue.slice(taken)
    if (this.#unsaved.length > 0) return now + STORE_RETRY_MILLIS
    return next === Infinity ? undefined : next
  }

  #rested(): void {
    if (this.#inHand.size === 0) for (const idle of this.#idle.splice(0)) idle()
  }

  #hasRoom(): boolean {
    return (
      this.#fork !== undefined &&
      this.#inHand.size < this.#options.maxRunning() &&
      this.#options.wall() >= this.#notBefore
    )
  }

  #take(number: number): void {
    const { readNow } = this.#options.database
    const stored = readNow((sql) => deliveries.find(sql, number))
    if (stored?.state !== "pending") return
    const sent = readNow((sql) => deliveries.sent(sql, number))
    const body = sent === undefined ? "its body is no longer kept" : readBody(sent.body)
    const work: Work = {
      number,
      attempts: stored.attempts,
      failures: stored.failures,
      misses: stored.misses,
      namespace: stored.namespace as Namespace,
      method: stored.method as MethodName,
      receivedMillis: stored.received_millis,
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
    this.#options.inbox.begin([number, work.attempts + 1], (error) => {
      if (error !== undefined) {
        this.#inHand.delete(number)
        this.#notBefore = this.#options.wall() + STORE_RETRY_MILLIS
        return this.look(number)
      }
      // Another run of the actor has it among those that wait by now.
      if (fork === undefined || fork !== this.#fork) {
        this.#inHand.delete(number)
        this.#options.inbox.giveBack(number)
        return this.#rested()
      }
      const params = paramsOf(work.body, { delivery: number, receivedMillis: work.receivedMillis, ...work.sent })
      const run = runOf(work)
      fork(this.#options.invoke(run, params, route), (exit) => this.#ran(run, route, exit))
    })
  }

  #ran(run: Run, route: WebhookRoute, exit: Exit.Exit<unknown, MethodError>): void {
    if (Exit.isSuccess(exit)) return this.#succeed(run, exit.value)
    const { cause } = exit
    // Stopped with the actor: what is running then is seen to when it starts again.
    if (Cause.hasInterruptsOnly(cause)) return
    const error = cause.reasons.find(Cause.isFailReason)?.error
    if (error !== undefined) return this.#fail(run, failureOf(error, route.scheme), route)
    const text = String(Cause.squash(cause))
    this.#options.warn(`the delivery ${run.number} could not be run: ${text}`)
    this.#fail(run, bugFailure(text), route)
  }

  #succeed(run: Run, data: unknown): void {
    const text = JSON.stringify(data) as string | undefined
    const result = text === undefined || text.length > RESULT_CHARS ? null : text
    this.#save({
      run,
      outcome: { state: "succeeded", data },
      ended: {
        state: "succeeded",
        attempts: run.attempts + 1,
        failures: run.failures,
        misses: run.misses,
        nextMillis: null,
        endedMillis: this.#options.wall(),
        error: null,
        told: null,
        result
      }
    })
  }

  #fail(run: Run, failure: Failure, route?: WebhookRoute): void {
    this.#inHand.add(run.number)
    const next = afterFailure(failure, run, { nowMillis: this.#options.wall(), retries: route?.retries ?? 0 })
    const { told } = failure
    this.#save({
      run,
      outcome: next.state === "pending" ? { state: "pending" } : { state: next.state, told },
      ended: {
        attempts: run.attempts + 1,
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
    const { ended, outcome, run } = unsaved
    this.#options.inbox.end(run.number, ended, (error) => {
      if (error !== undefined) {
        this.#unsaved.push(unsaved)
        return this.#options.wake()
      }
      this.#inHand.delete(run.number)
      if (ended.nextMillis !== null) this.#later.set(run.number, ended.nextMillis)
      this.#options.ended(run, outcome, ended.state)
      this.#rested()
      if (this.#queue.length > 0 || ended.nextMillis !== null) this.#options.wake()
    })
  }
}

const runOf = ({ attempts, failures, method, misses, namespace, number }: Run): Run => ({
  attempts,
  failures,
  method,
  misses,
  namespace,
  number
})

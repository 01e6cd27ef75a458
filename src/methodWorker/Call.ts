import type { ToWorker } from "../protocol/methodWorker.ts"
import type { Hob } from "./Hob.ts"
import { jsonText } from "./jsonText.ts"
import { lengthProblem } from "./lengthProblem.ts"
import { questionOf } from "./question.ts"
import type { Asked, Context, Sessions } from "./types.ts"

/** What a call needs of its process. */
export interface CallPorts {
  readonly hob: Hob
  readonly say: (message: string) => void
  readonly namespace: string
  /** The longest result, as JSON; nothing else that is said may be longer. */
  readonly resultBytes: number
  /** What the module's class is called, or its file. */
  readonly source: () => string
}

type CallMessage = Extract<ToWorker, { type: "call" }>

/** Somebody who waits for an answer. */
interface Asking {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** One call of a method, and what the method sees of hob meanwhile. */
export class Call implements Context {
  readonly id: number
  readonly method: string
  readonly caller: { readonly kind: string; readonly id?: string }
  readonly params: unknown
  readonly #ports: CallPorts
  readonly #asks: boolean
  // Most calls look at neither.
  #controller: AbortController | undefined
  #canceled: Error | undefined
  #asking: Map<number, Asking> | undefined
  #prompts = 0
  /** What was emitted and is not published yet. */
  #emitting: Promise<unknown> | undefined

  constructor({ asks, caller, id, method, params }: CallMessage, ports: CallPorts) {
    this.id = id
    this.method = method
    this.caller = caller
    this.params = params
    this.#asks = asks
    this.#ports = ports
  }

  get namespace(): string {
    return this.#ports.namespace
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#canceled !== undefined) this.#controller.abort(this.#canceled)
    }
    return this.#controller.signal
  }

  get sessions(): Sessions {
    return this.#ports.hob.sessions(this.signal)
  }

  get isCanceled(): boolean {
    return this.#canceled !== undefined
  }

  /** Resolves once everything that was emitted has been published, or could not be; undefined when there is nothing. */
  get published(): Promise<unknown> | undefined {
    return this.#emitting
  }

  // Bound when they are used: a method may take them apart from its context, and most use none of them.
  get emit(): Context["emit"] {
    return (emitted) => this.#emit(emitted)
  }

  get publish(): Context["publish"] {
    return (channel, message) => this.#publish(channel, message)
  }

  get lock(): Context["lock"] {
    return (name, work, options = {}) => {
      const holder = `method ${this.method}`.slice(0, 200)
      return this.#ports.hob.lock(name, work, { ...options, holder, signal: this.signal })
    }
  }

  get prompt(): Context["prompt"] {
    return (asked: Asked): Promise<any> => this.#prompt(asked)
  }

  get progress(): Context["progress"] {
    return (percent, description) => {
      const isNumber = typeof percent === "number" && Number.isFinite(percent)
      this.#tell("progress", "progress", {
        ...(isNumber ? { percent: Math.min(100, Math.max(0, percent)) } : {}),
        ...(description === undefined ? {} : { description: String(description) })
      })
    }
  }

  #emit(emitted: unknown): void {
    const { channel, data, event } =
      typeof emitted === "object" && emitted !== null
        ? (emitted as { readonly channel?: unknown; readonly data?: unknown; readonly event?: unknown })
        : {}
    if (typeof channel !== "string") return this.#tell("emitted", "value", emitted)
    const message = {
      channel,
      event: event ?? "message",
      data: data === undefined ? emitted : data,
      timestamp: Date.now(),
      source: this.#ports.source()
    }
    const publishing = this.#publish(channel, message).catch((error: unknown) =>
      console.error(`emit to "${channel}": ${String((error as Error).message ?? error)}`)
    )
    this.#emitting = this.#emitting === undefined ? publishing : Promise.all([this.#emitting, publishing])
  }

  async #publish(channel: string, message: unknown) {
    const text = jsonText(message)
    if (typeof text === "object") throw new TypeError(`What is published to "${channel}" is no JSON: ${text.problem}`)
    const tooLong = text === undefined ? undefined : lengthProblem(text, this.#ports.resultBytes)
    if (tooLong !== undefined) throw new RangeError(`What is published to "${channel}" is ${tooLong}.`)
    return this.#ports.hob.publish(channel, message)
  }

  #prompt(asked: Asked): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#canceled !== undefined) return reject(this.#canceled)
      if (!this.#asks) return reject(new Error("There is nobody to ask: this call is not made by a person."))
      const question = jsonText(questionOf(asked))
      if (typeof question !== "string") throw new TypeError(`The question is no JSON: ${question?.problem}`)
      const tooLong = lengthProblem(question, this.#ports.resultBytes)
      if (tooLong !== undefined) throw new RangeError(`The question is ${tooLong}.`)
      const prompt = ++this.#prompts
      this.#asking ??= new Map()
      this.#asking.set(prompt, { resolve, reject })
      this.#ports.say(`{"type":"prompt","id":${this.id},"prompt":${prompt},"question":${question}}`)
    })
  }

  #tell(type: string, field: string, value: unknown): void {
    const text = jsonText(value) ?? "null"
    const problem = typeof text === "object" ? `no JSON: ${text.problem}` : lengthProblem(text, this.#ports.resultBytes)
    if (problem === undefined) this.#ports.say(`{"type":"${type}","id":${this.id},"${field}":${text as string}}`)
    else console.error(`what ${this.method} says to its caller is ${problem}`)
  }

  answer(prompt: number, value: unknown): void {
    this.#settle(prompt)?.resolve(value)
  }

  refuse(prompt: number, reason: string): void {
    this.#settle(prompt)?.reject(new Error(reason))
  }

  #settle(prompt: number): Asking | undefined {
    const asking = this.#asking?.get(prompt)
    this.#asking?.delete(prompt)
    return asking
  }

  /** Nobody waits for this call any more. */
  cancel(reason: string): void {
    if (this.#canceled !== undefined) return
    this.#canceled = new DOMException(reason, "AbortError")
    for (const { reject } of this.#asking?.values() ?? []) reject(this.#canceled)
    this.#asking?.clear()
    this.#controller?.abort(this.#canceled)
  }
}

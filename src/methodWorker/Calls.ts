import type { CallProblem, ToWorker } from "../protocol/methodWorker.ts"
import { Call, type CallPorts } from "./Call.ts"
import type { Checked } from "./checks.ts"
import { isGenerator, runGenerator } from "./generators.ts"
import { currentCall } from "./inject.ts"
import { jsonText } from "./jsonText.ts"
import { lengthProblem } from "./lengthProblem.ts"
import type { Loaded, LoadedMethod } from "./loaded.ts"
import { messageOf, stackOf } from "./messageOf.ts"

type CallMessage = Extract<ToWorker, { type: "call" }>

/** The calls of this process, each from its message to its answer. */
export class Calls {
  readonly #ports: CallPorts
  readonly #loaded: Loaded
  readonly #resultBytes: number
  readonly #open = new Map<number, Call>()

  constructor(loaded: Loaded, ports: CallPorts) {
    this.#loaded = loaded
    this.#ports = ports
    this.#resultBytes = ports.resultBytes
  }

  get size(): number {
    return this.#open.size
  }

  get(id: number): Call | undefined {
    return this.#open.get(id)
  }

  /** The caller wants no more, or the daemon is gone. */
  cancelAll(reason: string): void {
    for (const call of this.#open.values()) call.cancel(reason)
  }

  begin(message: CallMessage): void {
    const method = this.#loaded.methods.get(message.method)
    const call = new Call(message, this.#ports)
    this.#open.set(call.id, call)
    if (method === undefined) return this.#fail(call, "unknown", "")
    if (method.params === undefined) return this.#run(call, method, message.params)
    this.#checked(
      call,
      "params",
      () => method.params!.check(message.params),
      (value) => this.#run(call, method, value)
    )
  }

  #checked(
    call: Call,
    problem: CallProblem,
    check: () => Checked | Promise<Checked>,
    go: (value: unknown) => void
  ): void {
    const told = (checked: Checked): void =>
      "problem" in checked ? this.#fail(call, problem, checked.problem) : go(checked.value)
    try {
      const checked = check()
      if (checked instanceof Promise) checked.then(told).catch((error) => this.#threw(call, error))
      else told(checked)
    } catch (error) {
      this.#threw(call, error)
    }
  }

  #run(call: Call, method: LoadedMethod, params: unknown): void {
    let value: unknown
    let isPromised: boolean
    try {
      const { instance } = this.#loaded
      // A function has its call as `this`; an instance has to look it up.
      value =
        instance === undefined
          ? method.call.call(call, params, call)
          : currentCall.run(call, () => method.call.call(instance, params, call))
      if (isGenerator(value)) {
        const generator = value
        value = currentCall.run(call, () => runGenerator(generator, call))
      }
      // To ask a value what it is may run code of the module's.
      isPromised = isThenable(value)
    } catch (error) {
      return this.#threw(call, error)
    }
    if (isPromised) {
      Promise.resolve(value).then(
        (result) => this.#returned(call, method, result),
        (error: unknown) => this.#threw(call, error)
      )
    } else this.#returned(call, method, value)
  }

  #returned(call: Call, method: LoadedMethod, value: unknown): void {
    if (method.result === undefined) return this.#succeed(call, value)
    this.#checked(
      call,
      "result",
      () => method.result!.check(value),
      (result) => this.#succeed(call, result)
    )
  }

  #succeed(call: Call, value: unknown): void {
    const text = jsonText(value)
    if (typeof text === "object") return this.#fail(call, "result", text.problem)
    const tooLong = text === undefined ? undefined : lengthProblem(text, this.#resultBytes)
    if (tooLong !== undefined) return this.#fail(call, "result", `it is ${tooLong}`)
    this.#end(call, `{"type":"result","id":${call.id}${text === undefined ? "" : `,"value":${text}`}}`)
  }

  #threw(call: Call, error: unknown): void {
    // Its stack is for the log, its message for the caller.
    if (!call.isCanceled) console.error(`${call.method} failed: ${stackOf(error)}`)
    this.#fail(call, "thrown", messageOf(error))
  }

  #fail(call: Call, problem: CallProblem, message: string): void {
    this.#end(
      call,
      `{"type":"failed","id":${call.id},"problem":"${problem}","message":${JSON.stringify(message.slice(0, 10_000))}}`
    )
  }

  /** What the call has emitted comes before its end. */
  #end(call: Call, answer: string): void {
    const { published } = call
    if (published === undefined) this.#say(call, answer)
    else void published.finally(() => this.#say(call, answer))
  }

  #say(call: Call, answer: string): void {
    this.#open.delete(call.id)
    this.#ports.say(answer)
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function"

/** photon's commands: calls of methods, which may ask their client something. */
import { Effect, Latch, Schema } from "effect"
import type { Methods } from "../../methods/Methods.ts"
import type { MethodError } from "../../protocol/methodErrors.ts"
import { MethodName } from "../../protocol/methodNames.ts"
import { PromptRefused, type Question } from "../../protocol/methods.ts"
import type { Namespace } from "../../protocol/namespaces.ts"
import type { Request } from "./messages.ts"
import { emitted, error, prompt, resultOf, sentences } from "./translate.ts"

type Of<Type extends Request["type"]> = Extract<Request, { readonly type: Type }>

export interface CommandsOptions {
  readonly methods: Methods["Service"]
  readonly namespace: Namespace
  /** Commands that may run for the client at once; further ones are refused. */
  readonly most: number
  readonly fork: (effect: Effect.Effect<void>) => unknown
  /** Writes a line that is not the end of a command. */
  readonly write: (line: string) => void
}

const isMethodName = Schema.is(MethodName)

/** What a client of the original would have been told. */
const sentenceOf = (failure: MethodError): string =>
  failure._tag === "UnknownMethod" ? sentences.unknownMethod(failure.method) : failure.message

/**
 * The commands of one client that have not ended, and what they have asked it. They belong to its connection: no other
 * client can answer for it, and once it has left they are ended.
 */
export class Commands {
  readonly #options: CommandsOptions
  readonly #left = Latch.makeUnsafe()
  /** What waits for an answer, by the id of its command, first asked first. */
  readonly #asked = new Map<string, Array<(value: unknown) => void>>()

  #size = 0

  constructor(options: CommandsOptions) {
    this.#options = options
  }

  /** Commands that have not ended. */
  get size(): number {
    return this.#size
  }

  /** Runs a command; `answer` is called once, unless the client leaves before. */
  call({ args, id, method, sessionId }: Of<"command">, answer: (reply: string) => void): void {
    const idText = JSON.stringify(id)
    if (method === "") return answer(error(idText, sentences.noMethod))
    if (!isMethodName(method)) return answer(error(idText, sentences.unknownMethod(method)))
    const { fork, methods, most, namespace, write } = this.#options
    if (this.#size >= most) return answer(error(idText, sentences.tooManyCommands(most)))
    this.#size++
    const called = methods.invoke({
      namespace,
      method,
      params: args ?? {},
      caller: { kind: "photon", ...(typeof sessionId === "string" && sessionId !== "" ? { id: sessionId } : {}) },
      onProgress: (progress) => write(emitted(idText, { emit: "progress", ...progress })),
      onEmit: (value) => write(emitted(idText, value)),
      prompt: (question) => this.#ask(id, question)
    })
    const end = (reply: string) => {
      this.#size--
      answer(reply)
    }
    const answered = Effect.match(called, {
      onSuccess: (value) => end(resultOf(idText, value)),
      onFailure: (failure) => end(error(idText, sentenceOf(failure)))
    })
    fork(Effect.raceFirst(answered, this.#left.await))
  }

  /** The answer to what the command of this id has asked. What nobody has asked is dropped, as there. */
  respond({ id, promptValue }: Of<"prompt_response">): void {
    const waiting = this.#asked.get(id)
    const resolve = waiting?.shift()
    if (waiting?.length === 0) this.#asked.delete(id)
    resolve?.(promptValue ?? null)
  }

  /** The client has left: what it has called is ended. */
  close(): void {
    this.#left.openUnsafe()
  }

  #ask(id: string, question: Question): Effect.Effect<unknown, PromptRefused> {
    return Effect.callback((resume) => {
      const resolve = (value: unknown) => resume(answerTo(question, value))
      const waiting = this.#asked.get(id)
      if (waiting === undefined) this.#asked.set(id, [resolve])
      else waiting.push(resolve)
      this.#options.write(prompt(JSON.stringify(id), question))
      return Effect.sync(() => {
        const rest = this.#asked.get(id)?.filter((each) => each !== resolve) ?? []
        if (rest.length === 0) this.#asked.delete(id)
        else this.#asked.set(id, rest)
      })
    })
  }
}

const YES = /^(y|yes|true|1|on)$/i

/** photon's clients know texts only: what one typed, as the kind of answer that was asked for. */
export const answerTo = (question: Question, value: unknown): Effect.Effect<unknown, PromptRefused> => {
  const given = value === null || value === "" ? (question.default ?? value) : value
  switch (question.type) {
    case "confirm":
      // Whatever is not a clear yes is none.
      return Effect.succeed(given === true || YES.test(String(given ?? "").trim()))
    case "select": {
      const { options = [] } = question
      const found = options.find(({ value }) => value === given) ?? options.find(({ label }) => label === given)
      return found === undefined
        ? Effect.fail(new PromptRefused({ reason: sentences.noSuchOption(String(given), options) }))
        : Effect.succeed(found.value)
    }
    case "text":
      return Effect.succeed(given)
  }
}

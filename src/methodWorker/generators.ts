/** Methods that are generators: what they yield is said or asked, what they return is the result. */
import type { Call } from "./Call.ts"
import { answerOfYield, type AskYield, questionOfYield } from "./question.ts"

type AnyGenerator = Generator | AsyncGenerator

export const isGenerator = (value: unknown): value is AnyGenerator =>
  typeof value === "object" &&
  value !== null &&
  typeof (value as Partial<Generator>).next === "function" &&
  typeof (value as Partial<Generator>).return === "function" &&
  (Symbol.asyncIterator in value || Symbol.iterator in value)

/**
 * Runs a generator to its end. `{ ask }` asks the caller, and the yield is worth the answer; `{ emit: "progress", value }`
 * tells how far it has got; everything else that is yielded is said to the caller.
 */
export const runGenerator = async (generator: AnyGenerator, call: Call): Promise<unknown> => {
  let answer: unknown
  let refused: unknown
  for (;;) {
    if (call.signal.aborted) {
      await generator.return(undefined)
      throw call.signal.reason
    }
    const step = await (refused === undefined ? generator.next(answer) : generator.throw(refused))
    if (step.done === true) return step.value
    answer = undefined
    refused = undefined
    const yielded: unknown = step.value
    if (isAsk(yielded)) {
      try {
        answer = answerOfYield(yielded, await call.prompt(questionOfYield(yielded)))
      } catch (error) {
        refused = error ?? new Error("There is no answer.")
      }
    } else if (isProgress(yielded)) {
      call.progress(yielded.value * 100, yielded.message)
    } else call.emit(yielded)
  }
}

const isAsk = (value: unknown): value is AskYield =>
  typeof value === "object" && value !== null && typeof (value as Partial<AskYield>).ask === "string"

const isProgress = (value: unknown): value is { readonly value: number; readonly message?: string } =>
  typeof value === "object" &&
  value !== null &&
  (value as { emit?: unknown }).emit === "progress" &&
  typeof (value as { value?: unknown }).value === "number"

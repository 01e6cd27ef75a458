import type { Question } from "../protocol/methods.ts"
import type { Asked } from "./types.ts"

const types: ReadonlyArray<unknown> = ["text", "confirm", "select"] satisfies ReadonlyArray<Question["type"]>

/**
 * What a method asks, in the form of the protocol. What is left out is a question that any text answers. Throws at what
 * nobody could be asked.
 */
export const questionOf = (asked: Asked): Question => {
  if (typeof asked === "string") return { message: asked, type: "text" }
  if (typeof asked !== "object" || asked === null) {
    throw new TypeError("A question is a text, or an object with a message.")
  }
  const { default: otherwise, message, options, secret, type = options === undefined ? "text" : "select" } = asked
  if (!types.includes(type)) {
    throw new TypeError(`There is no question of the type ${JSON.stringify(type)}: choose text, confirm or select.`)
  }
  const choices = options === undefined ? undefined : Array.from(options, choiceOf)
  if (type === "select" && !choices?.length) throw new TypeError("A question of the type select needs options.")
  return {
    message: String(message),
    type,
    ...(choices === undefined ? {} : { options: choices }),
    ...(otherwise === undefined ? {} : { default: otherwise }),
    ...(secret === true ? { secret } : {})
  } as Question
}

const choiceOf = (option: string | { readonly value: string; readonly label?: string }) =>
  typeof option === "string"
    ? { value: option, label: option }
    : { value: String(option.value), label: String(option.label ?? option.value) }

/** What a photon's generator yields to ask: `{ ask: "text", message, … }`. */
export interface AskYield {
  readonly ask: string
  readonly message?: unknown
  readonly options?: ReadonlyArray<string | { readonly value: string; readonly label: string }>
  readonly default?: unknown
}

/** The same question in hob's words; kinds that hob has no word for are asked for as text. */
export const questionOfYield = ({ ask, default: otherwise, message = "", options }: AskYield): Question =>
  questionOf({
    message: String(message),
    type: ask === "confirm" ? "confirm" : ask === "select" && options !== undefined ? "select" : "text",
    ...(options === undefined ? {} : { options }),
    ...(otherwise === undefined ? {} : { default: otherwise as never }),
    ...(ask === "password" ? { secret: true } : {})
  })

/** An answer as the yield wants it. */
export const answerOfYield = ({ ask }: AskYield, answer: unknown): unknown =>
  ask === "number" && typeof answer === "string" && answer.trim() !== "" ? Number(answer) : answer

import type { Question } from "../protocol/methods.ts"
import type { Asked } from "./types.ts"

/** What a method asks, in the form of the protocol. What is left out is a question that any text answers. */
export const questionOf = (asked: Asked): Question => {
  if (typeof asked === "string") return { message: asked, type: "text" }
  const { default: otherwise, message, options, secret, type } = asked
  return {
    message: String(message),
    type: type ?? (options === undefined ? "text" : "select"),
    ...(options === undefined
      ? {}
      : {
          options: options.map((option) =>
            typeof option === "string"
              ? { value: option, label: option }
              : { value: String(option.value), label: String(option.label ?? option.value) }
          )
        }),
    ...(otherwise === undefined ? {} : { default: otherwise }),
    ...(secret === true ? { secret } : {})
  } as Question
}

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

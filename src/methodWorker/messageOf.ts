import { inspect } from "node:util"

/** Whatever was thrown, as a text: an error may have no message, or one that is no text, and be no error. */
export const messageOf = (error: unknown): string => {
  try {
    if (typeof error === "string") return error
    if (!(error instanceof Error)) return inspect(error)
    const { message, name } = error as { readonly message: unknown; readonly name: unknown }
    return textOf(message) || textOf(name) || inspect(error)
  } catch {
    return UNTELLABLE
  }
}

/** With its stack, for the log. */
export const stackOf = (error: unknown): string => {
  try {
    return inspect(error)
  } catch {
    return UNTELLABLE
  }
}

const UNTELLABLE = "something that can't be told"

const textOf = (value: unknown): string => (typeof value === "string" ? value : inspect(value))

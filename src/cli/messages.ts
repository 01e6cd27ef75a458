/** Messages of channels as the command line takes and shows them. */
import { ExitCode, Fault } from "./exit.ts"

/** How what is given becomes a message: as JSON if it is JSON, or without looking. */
export type MessageForm = "either" | "text" | "json"

/**
 * The JSON of a message, as it was written: so numbers that JavaScript can't hold arrive. Fails when it has to be JSON
 * and isn't.
 */
export const messageJson = (given: string, form: MessageForm): string => {
  if (form === "text") return JSON.stringify(given)
  try {
    JSON.parse(given)
  } catch (error) {
    if (form === "either") return JSON.stringify(given)
    throw new Fault(ExitCode.usage, `The message is not JSON: ${(error as Error).message}.`)
  }
  // Between values only: within a string JSON has no line ends.
  return given.replace(/[\r\n]+/g, " ")
}

/** A message for who reads it: a string is itself, everything else is JSON as it was written. */
export const messageText = (json: string): string => (json.startsWith('"') ? (JSON.parse(json) as string) : json)

import { Option, Schema } from "effect"
import { FromWorker } from "../protocol/methodWorker.ts"

const decode = Schema.decodeUnknownOption(FromWorker)

/**
 * What a module's process says, or undefined when it is not of the protocol: the module shares the process, and may have
 * written it. Results, of which there may be very many, are read by hand.
 */
export const decodeFromWorker = (line: string): FromWorker | undefined => {
  let message: unknown
  try {
    message = JSON.parse(line)
  } catch {
    return undefined
  }
  if (isResult(message)) return message
  return Option.getOrUndefined(decode(message))
}

const isResult = (message: unknown): message is Extract<FromWorker, { type: "result" }> =>
  typeof message === "object" &&
  message !== null &&
  (message as { type?: unknown }).type === "result" &&
  Number.isSafeInteger((message as { id?: unknown }).id)

import { Option, Schema } from "effect"
import { FromWorker } from "../protocol/methodWorker.ts"

const decode = Schema.decodeUnknownOption(FromWorker)

/** A result, with the text of its value: whoever only hands it on need not write it again. */
type Result = Extract<FromWorker, { type: "result" }> & { readonly text: string | undefined }

type Message = Exclude<FromWorker, { type: "result" }> | Result

/**
 * What a module's process says, or undefined when it is not of the protocol: the module shares the process, and may have
 * written it. Results, of which there may be very many, are read by hand.
 */
export const decodeFromWorker = (line: string): Message | undefined => {
  try {
    return resultOf(line) ?? Option.getOrUndefined(Option.map(decode(JSON.parse(line)), withText))
  } catch {
    return undefined
  }
}

const withText = (message: FromWorker): Message =>
  message.type === "result"
    ? { ...message, text: message.value === undefined ? undefined : JSON.stringify(message.value) }
    : message

const RESULT = /^\{"type":"result","id":(\d{1,15})(?:,"value":|\}$)/

/** A result as our own code writes it. */
const resultOf = (line: string): Result | undefined => {
  const [head, id] = RESULT.exec(line) ?? []
  if (head === undefined) return undefined
  if (head.length === line.length) return { type: "result", id: Number(id), text: undefined }
  const text = line.slice(head.length, -1)
  return line.endsWith("}") ? { type: "result", id: Number(id), value: JSON.parse(text), text } : undefined
}

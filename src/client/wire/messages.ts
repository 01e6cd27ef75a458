/** The native socket's envelope as a client writes and reads it, between effect/rpc's messages and lines of JSON-RPC. */
import type { RpcMessage } from "effect/rpc"

/** One line for what effect's client wants sent. */
export const encodeMessage = (message: RpcMessage.FromClientEncoded): string => {
  if (message._tag !== "Request") {
    const params = "requestId" in message ? { requestId: message.requestId } : undefined
    return `${JSON.stringify({ jsonrpc: "2.0", method: `@effect/rpc/${message._tag}`, params })}\n`
  }
  const { discard, headers, id, isNotification, payload, tag } = message
  return `${JSON.stringify({
    jsonrpc: "2.0",
    id: isNotification === true ? undefined : id,
    method: tag,
    params: payload,
    headers: headers.length > 0 ? headers : undefined,
    discard
  })}\n`
}

/** The daemon turns this client away: an error about no request in particular, after which it closes. */
export interface Refused {
  readonly _tag: "refused"
  readonly reason: string
}

/** What a line means to effect's client, or (a string) why it means nothing. */
export const decodeMessage = (line: string): RpcMessage.FromServerEncoded | Refused | string => {
  let answer: Answer
  try {
    answer = JSON.parse(line) as Answer
  } catch {
    return "the daemon sent something that is not JSON"
  }
  if (typeof answer !== "object" || answer === null) return "the daemon sent something that is not an answer"
  if (answer.method === "@effect/rpc/Pong") return { _tag: "Pong" }
  const { error, id } = answer
  if (id === null && error !== undefined) return { _tag: "refused", reason: error.message }
  if (typeof id !== "string" && typeof id !== "number") return "the daemon sent something that is not an answer"
  if (answer.chunk === true) return { _tag: "Chunk", requestId: id, values: answer.result as [unknown] }
  if (error === undefined) return { _tag: "Exit", requestId: id, exit: { _tag: "Success", value: answer.result } }
  const cause = error._tag === "Cause" ? error.data : [{ _tag: "Die" as const, defect: { message: error.message } }]
  return { _tag: "Exit", requestId: id, exit: { _tag: "Failure", cause } }
}

interface Answer {
  readonly id?: string | number | null
  readonly method?: string
  readonly chunk?: boolean
  readonly result?: unknown
  readonly error?: {
    readonly _tag?: string
    readonly message: string
    readonly data: Extract<RpcMessage.ExitEncoded<unknown, unknown>, { readonly _tag: "Failure" }>["cause"]
  }
}

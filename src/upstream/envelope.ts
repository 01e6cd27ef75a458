/** The envelopes of JSON-RPC 2.0: put around parameters, and taken off results, whose text is carried as it is. */
import { integerOf, objectMembers, textOf } from "./scan.ts"

/** What the upstream answered instead of a result. */
export interface RpcError {
  readonly code: number
  /** Of an error of the method what it says of itself; else the message of JSON-RPC. */
  readonly reason: string
  readonly errno: number | null
  readonly errname: string | null
  /** Raw JSON texts; null where there is none, or it is `null`. */
  readonly trace: string | null
  readonly extra: string | null
}

/** A frame of the upstream, taken apart. Payloads are raw JSON texts. */
export type Envelope =
  | { readonly type: "result"; readonly id: string; readonly result: string }
  /** Without an id where the upstream could not tell whose request it was. */
  | { readonly type: "error"; readonly id: string | null; readonly error: RpcError }
  | { readonly type: "notification"; readonly method: string; readonly params: string }
  | { readonly type: "malformed"; readonly problem: string }

/** A request, whose parameters are the text of a JSON array. */
export const request = (id: string, method: string, params: string): string =>
  `{"jsonrpc": "2.0", "method": ${JSON.stringify(method)}, "id": ${JSON.stringify(id)}, "params": ${params}}`

export const readEnvelope = (frame: string): Envelope => {
  const members = objectMembers(frame)
  if (members === undefined) return malformed("it is not a JSON object")
  const method = members.get("method")
  if (method !== undefined) {
    const name = textOf(method)
    if (name === undefined) return malformed("its method is no text")
    return { type: "notification", method: name, params: members.get("params") ?? "{}" }
  }
  const id = members.get("id")
  const error = members.get("error")
  // Some servers write both, and null for the one that is not meant.
  if (error !== undefined && error !== "null") {
    const read = readError(error)
    return read === undefined
      ? malformed("its error is none of JSON-RPC")
      : { type: "error", id: textOf(id) ?? null, error: read }
  }
  const result = members.get("result")
  if (result === undefined) return malformed("it has neither a result nor an error")
  const name = textOf(id)
  return name === undefined ? malformed("its id is no text") : { type: "result", id: name, result }
}

const malformed = (problem: string): Envelope => ({ type: "malformed", problem })

const readError = (json: string): RpcError | undefined => {
  const members = objectMembers(json)
  const code = integerOf(members?.get("code"))
  if (members === undefined || code === undefined) return undefined
  const data = objectMembers(members.get("data") ?? "null")
  const message = textOf(members.get("message")) ?? "The upstream gave no reason."
  return {
    code,
    reason: textOf(data?.get("reason")) ?? message,
    errno: integerOf(data?.get("error")) ?? null,
    errname: textOf(data?.get("errname")) ?? null,
    trace: notNull(data?.get("trace")),
    extra: notNull(data?.get("extra"))
  }
}

const notNull = (json: string | undefined): string | null => (json === undefined || json === "null" ? null : json)

/** Why the text is not that of a JSON array; undefined when it is. It is read for that alone, and sent as it was written. */
export const paramsProblem = (params: string): string | undefined => {
  // One caller's mistake must not reach the others' connection: to what it can't read the upstream answers nobody in particular.
  try {
    return Array.isArray(JSON.parse(params)) ? undefined : "its parameters are not a JSON array"
  } catch {
    // Not what the parser says: it may quote them.
    return "its parameters are no JSON"
  }
}

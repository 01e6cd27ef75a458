/** What a client may send: the shape of JSON-RPC 2.0 and of effect's control messages, checked before any method. */
import type { PlainParams, PlainReader } from "../actors/DirectMethods.ts"
import { RpcErrorCode } from "../protocol/errors.ts"
import { memberText } from "../wire/members.ts"
import type { RequestId } from "./replies.ts"

/** Longer ids are refused: they would be sent back with every answer. */
const MAX_ID_LENGTH = 256

const CONTROL = "@effect/rpc/"

/** A request that has the right shape. `id` is undefined for a notification, which nobody answers. */
export interface WireRequest {
  readonly type: "request"
  readonly id: RequestId | undefined
  readonly method: string
  readonly params: unknown
  /** The parameters, where their method has read them from their text; `params` is nothing then. */
  readonly plain?: PlainParams<unknown>
  /** `params` as they were written. */
  readonly paramsText: () => string
  readonly headers: ReadonlyArray<readonly [string, string]>
  /** effect's own: the client wants to know that the call has begun, not how it ends. */
  readonly discard: boolean
}

/** effect's control messages: a client's word about a request of its own, or about the connection. */
export interface WireControl {
  readonly type: "Ack" | "Interrupt" | "Ping" | "Eof"
  /** Of `Ack` and `Interrupt`. */
  readonly requestId: RequestId
}

/** JSON, but nothing that can be answered. `id` is the request's where one can be read. */
export interface WireRefusal {
  readonly type: "refusal"
  readonly id: RequestId | null
  readonly code: RpcErrorCode
  readonly message: string
}

/**
 * Tells what a line's JSON value is. Members that aren't known are ignored. Batches are taken apart before. Members are
 * read without asking whether they are the value's own: a key `__proto__` in JSON sets no prototype. `text` is the
 * value as it was written.
 */
export const readMessage = (value: unknown, text: () => string): WireRequest | WireControl | WireRefusal => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refuse(null, "A request is a JSON object with the members jsonrpc, id, method and params.")
  }
  const message = value as Record<string, unknown>
  const rawId = message["id"]
  const method = message["method"]
  if (rawId === undefined || rawId === null) {
    if (typeof method === "string" && method.startsWith(CONTROL)) return readControl(method, message["params"])
    if (rawId === null) return refuse(null, "id: null names no request; use a string or a number, or leave it out.")
  }
  const idProblem = rawId === undefined ? undefined : checkId(rawId)
  if (idProblem !== undefined) return refuse(null, `id: ${idProblem}`)
  const id = rawId as RequestId | undefined
  if (message["jsonrpc"] !== "2.0")
    return refuse(id ?? null, `jsonrpc: must be "2.0"; this socket speaks JSON-RPC 2.0.`)
  if (typeof method !== "string" || method === "") {
    const answer = Object.hasOwn(message, "result") || Object.hasOwn(message, "error")
    return refuse(
      id ?? null,
      answer ? "This is an answer, and nothing was asked of you." : "method: must be a string such as daemon.ping."
    )
  }
  return {
    type: "request",
    id,
    method,
    params: message["params"],
    paramsText: () => memberText(text(), "params") ?? "{}",
    headers: message["headers"] === undefined ? NO_HEADERS : readHeaders(message["headers"]),
    discard: message["discard"] === true
  }
}

/** What reading a request has to know of a method. */
export interface PlainMethod {
  readonly tag: string
  readonly direct: { readonly readPlain: PlainReader<unknown> | undefined } | undefined
}

const HEAD = '{"jsonrpc":"2.0","id":'
const METHOD = ',"method":"'
const PARAMS = ',"params":'
const NO_PARAMS = Object.freeze({})

/**
 * The same for a line as most clients write it, without parsing more than its parameters, which is most of what a
 * small request costs. `undefined` means that the line must be read with `JSON.parse` and {@link readMessage}: nothing
 * is refused here. Sound because what remains after this head must be one JSON value and the closing brace. `find`
 * finds a method, and what reads its parameters by itself.
 */
export const readPlainRequest = (
  line: string,
  find: (method: string) => PlainMethod | undefined = () => undefined
): WireRequest | undefined => {
  if (!line.startsWith(HEAD)) return undefined
  let at = HEAD.length
  let id = 0
  for (let code = line.charCodeAt(at); code >= 0x30 && code <= 0x39; code = line.charCodeAt(++at)) {
    id = id * 10 + (code - 0x30)
  }
  const digits = at - HEAD.length
  if (digits === 0 || digits > 15 || (digits > 1 && line.charCodeAt(HEAD.length) === 0x30)) return undefined
  if (!line.startsWith(METHOD, at)) return undefined
  const methodEnd = line.indexOf('"', at + METHOD.length)
  if (!line.startsWith(PARAMS, methodEnd + 1) || line.charCodeAt(line.length - 1) !== 0x7d) return undefined
  const method = line.slice(at + METHOD.length, methodEnd)
  const text = line.slice(methodEnd + 1 + PARAMS.length, -1)
  const known = find(method)
  const plain = known?.direct?.readPlain?.(text)
  if (known !== undefined && plain !== undefined) {
    const { payload } = plain
    return {
      type: "request",
      id,
      // Its own text for it, whose hash V8 knows, in place of one that was cut from a line.
      method: known.tag,
      params: payload,
      plain,
      paramsText: () => text,
      headers: NO_HEADERS,
      discard: false
    }
  }
  if (!PLAIN_METHOD.test(method)) return undefined
  let params: unknown
  try {
    params = text === "{}" ? NO_PARAMS : JSON.parse(text)
  } catch {
    return undefined
  }
  return { type: "request", id, method, params, paramsText: () => text, headers: NO_HEADERS, discard: false }
}

const PLAIN_METHOD = /^[\w.]+$/

const checkId = (id: unknown): string | undefined => {
  if (typeof id === "string") {
    if (id === "") return "must not be an empty string."
    return id.length > MAX_ID_LENGTH ? `must have at most ${MAX_ID_LENGTH} characters.` : undefined
  }
  if (typeof id !== "number") return "must be a string or a number."
  // A number beyond this has been rounded by the time it is read: the answer would bear another id.
  return Math.abs(id) <= Number.MAX_SAFE_INTEGER ? undefined : `must lie within ±${Number.MAX_SAFE_INTEGER}.`
}

const readControl = (method: string, params: unknown): WireControl | WireRefusal => {
  const type = method.slice(CONTROL.length)
  if (type === "Ping" || type === "Eof") return { type, requestId: "" }
  if (type === "Ack" || type === "Interrupt") {
    const requestId = (params as { readonly requestId?: unknown } | null | undefined)?.requestId
    if (typeof requestId === "string" || typeof requestId === "number") return { type, requestId }
    return refuse(null, `${method}: params.requestId must be the id of a request.`)
  }
  return refuse(null, "There is no such control message; Ack, Interrupt, Ping and Eof are known.")
}

const NO_HEADERS: ReadonlyArray<readonly [string, string]> = []

const readHeaders = (headers: unknown): ReadonlyArray<readonly [string, string]> =>
  Array.isArray(headers)
    ? headers.filter(
        (pair): pair is readonly [string, string] =>
          Array.isArray(pair) && pair.length === 2 && typeof pair[0] === "string" && typeof pair[1] === "string"
      )
    : NO_HEADERS

const refuse = (id: RequestId | null, message: string): WireRefusal => ({
  type: "refusal",
  id,
  code: RpcErrorCode.invalidRequest,
  message
})

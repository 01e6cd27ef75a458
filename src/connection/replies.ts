/** What hob writes: one line of JSON each, in the envelope that effect's `RpcSerialization.ndJsonRpc` reads. */
import { RpcErrorCode } from "../protocol/errors.ts"

/** The id of a request: a string or a number, as the client wrote it. */
export type RequestId = string | number

/** One failure of a method as effect's RPC carries it. Only the first kind is part of a method's contract. */
export type EncodedReason =
  | { readonly _tag: "Fail"; readonly error: unknown }
  | { readonly _tag: "Die"; readonly defect: unknown }
  | { readonly _tag: "Interrupt"; readonly fiberId?: number | null | undefined }

export const resultReply = (id: RequestId, result: unknown): string =>
  `{"jsonrpc":"2.0","id":${encodeId(id)},"result":${JSON.stringify(result) ?? "null"}}`

/** The same for a result that is a JSON text already. */
export const jsonReply = (id: RequestId, json: string): string =>
  `{"jsonrpc":"2.0","id":${encodeId(id)},"result":${json}}`

export const chunkReply = (id: RequestId, values: unknown): string => `${chunkHead(id)}${JSON.stringify(values)}}`

/** A chunk whose items are JSON texts already, with commas between. */
export const textChunkReply = (id: RequestId, items: string): string => `${chunkHead(id)}[${items}]}`

/** What stands before the items of a chunk. */
export const chunkHead = (id: RequestId): string => `{"jsonrpc":"2.0","chunk":true,"id":${encodeId(id)},"result":`

export const errorReply = (
  id: RequestId | null,
  code: RpcErrorCode,
  message: string,
  reasons: ReadonlyArray<EncodedReason>
): string => JSON.stringify({ jsonrpc: "2.0", id, error: { _tag: "Cause", code, message, data: reasons } })

/** An error that no method's contract has: a stock effect client gets it as a defect with this message. */
export const refusal = (id: RequestId | null, code: RpcErrorCode, message: string): string =>
  errorReply(id, code, message, [{ _tag: "Die", defect: { name: "RpcRefused", message } }])

/** A call that its client, or the end of the daemon, has cancelled. A fiber would have a number; not every call has one. */
export const cancelledReply = (id: RequestId, message: string): string =>
  errorReply(id, RpcErrorCode.cancelled, message, [{ _tag: "Interrupt", fiberId: null }])

export const pong = `{"jsonrpc":"2.0","method":"@effect/rpc/Pong"}`

const encodeId = (id: RequestId): RequestId => (typeof id === "number" ? id : JSON.stringify(id))

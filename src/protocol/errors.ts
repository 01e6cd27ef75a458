/**
 * Errors that a line of JSON-RPC can meet before any method sees it: codes of the JSON-RPC 2.0 specification,
 * and hob's own from -32000 downwards.
 */
export const RpcErrorCode = {
  /** The line is not JSON, not UTF-8, or nested too deeply. */
  parseError: -32700,
  /** JSON, but not a JSON-RPC 2.0 request. */
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  /** A bug in hob. */
  internalError: -32603,
  /** A typed error of the method; `data` holds it. */
  failed: -32000,
  /** The call was cancelled, by its caller or because the daemon is stopping. */
  cancelled: -32001,
  /** The line is longer than the limit; the connection is closed. */
  lineTooLong: -32002,
  /** More requests are in flight on this connection than allowed. */
  tooManyInFlight: -32003,
  /** The daemon has as many connections as it accepts; the connection is closed. */
  tooManyConnections: -32004,
  /** A request with this id is in flight on this connection. */
  duplicateId: -32005,
  /** The token with which the client came does not allow this method. */
  forbidden: -32006
} as const
export type RpcErrorCode = (typeof RpcErrorCode)[keyof typeof RpcErrorCode]

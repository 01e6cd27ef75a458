/** What every answer has, and how those are written that are no JSON. */
import type { ServerResponse } from "node:http"
import { RpcErrorCode } from "../../protocol/errors.ts"
import type { Reply } from "../../wire/http/messages.ts"
import { problemOf } from "../rest/problems.ts"
import type { CallFailure } from "./NativeCall.ts"

/** No browser keeps, guesses at, frames or tells others of an answer. */
export const ownHeaders: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY"
}

/** What a page of another origin needs beside, that may come. */
export const foreignHeaders = (origin: string | undefined): Readonly<Record<string, string>> =>
  origin === undefined
    ? {}
    : {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": "location, x-hob-offset",
        "cross-origin-resource-policy": "cross-origin",
        vary: "origin"
      }

/** The answer to what a browser asks before another page's request. */
export const preflight = (origin: string): Reply => ({
  status: 204,
  headers: {
    ...ownHeaders,
    ...foreignHeaders(origin),
    "access-control-allow-methods": "GET, POST, DELETE",
    "access-control-allow-headers": "authorization, content-type, last-event-id",
    "access-control-max-age": "600"
  }
})

const statuses: Readonly<Record<number, number>> = {
  [RpcErrorCode.invalidParams]: 400,
  [RpcErrorCode.forbidden]: 403,
  [RpcErrorCode.cancelled]: 503,
  [RpcErrorCode.internalError]: 500
}

/** A native method's failure as an answer. */
export const failureReply = ({ code, error, message }: CallFailure): Reply => {
  const problem =
    error?._tag === undefined
      ? { status: statuses[code] ?? 503, error: message }
      : problemOf({ ...error, _tag: error._tag, message })
  const { details, ...rest } = { details: undefined, ...problem }
  const { message: _message, ...fields } = (details ?? {}) as Record<string, unknown>
  return { status: problem.status, body: details === undefined ? rest : { ...rest, details: fields } }
}

/** A whole answer of any type. */
export const answerBytes = (
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array | string
): void => {
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, { ...headers, "content-length": String(Buffer.byteLength(body)) })
  response.end(body)
}

import { isUtf8 } from "node:buffer"
import { deeperThan } from "../../wire/lines.ts"

/** The deepest nesting of a body. */
const DEPTH = 64

/** A body as an object, or what is wrong with it. None at all is an empty object, as for photon. */
export const readBody = (body: Buffer): Readonly<Record<string, unknown>> | string => {
  if (body.length === 0) return {}
  if (!isUtf8(body)) return "Invalid JSON body: it is not UTF-8"
  const text = body.toString("utf8")
  if (text.length > 2 * DEPTH && deeperThan(text, DEPTH)) return `Invalid JSON body: it is nested deeper than ${DEPTH}`
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    return "Invalid JSON body"
  }
  return "Invalid JSON body"
}

/** What a method is called with: the body, and how it came. A member `_webhook` of the body's own is not passed on. */
export const paramsOf = (
  body: Readonly<Record<string, unknown>>,
  {
    delivery,
    headers,
    query,
    receivedMillis
  }: {
    readonly delivery: number
    readonly headers: Readonly<Record<string, string>>
    readonly query: string
    readonly receivedMillis: number
  }
): unknown => ({
  ...body,
  _webhook: {
    method: "POST",
    headers,
    // Of several with one name the last, as for photon.
    query: query === "" ? {} : Object.fromEntries(new URLSearchParams(query)),
    timestamp: receivedMillis,
    delivery
  }
})

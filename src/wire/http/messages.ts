import { header, type Headers, repeated } from "./headers.ts"

/** The first lines of a request. */
export interface Head {
  readonly method: string
  readonly target: string
  readonly headers: Headers
}

/** An answer. */
export interface Reply {
  readonly status: number
  /** JSON; undefined: none. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export const reject = (status: number, error: string, headers?: Readonly<Record<string, string>>): Reply => ({
  status,
  body: { error },
  ...(headers === undefined ? {} : { headers })
})

export const tooLarge = (bodyBytes: number): Reply => reject(413, `The body may have at most ${bodyBytes} bytes.`)

/** What two readers of one request must not understand differently. */
export const singleHeaders = [
  "host",
  "content-length",
  "content-type",
  "content-encoding",
  "transfer-encoding"
] as const

/** One of these names came more than once. */
export const doubled = (headers: Headers, names: ReadonlyArray<string>): Reply | undefined => {
  const twice = repeated(headers, names)
  return twice === undefined ? undefined : reject(400, `The header ${twice} came more than once.`)
}

/** A body that nobody takes: compressed, or said to be too long. */
export const unfitBody = (headers: Headers, bodyBytes: number): Reply | undefined => {
  const encoding = header(headers, "content-encoding")
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    return reject(415, "A body that is compressed is not accepted: send it without Content-Encoding.")
  }
  const length = header(headers, "content-length")
  return length !== undefined && Number(length) > bodyBytes ? tooLarge(bodyBytes) : undefined
}

/** No body comes, by what the head says. */
export const isBodyless = (headers: Headers): boolean => {
  const length = header(headers, "content-length")
  return (length === undefined || length === "0") && !headers.has("transfer-encoding")
}

export const noHost = reject(400, "The header Host is missing.")

export const notJson = reject(415, "The body must be JSON: choose application/json as its content type.")

/** Whether a content type is JSON in UTF-8. A page of another site can't send it without asking before. */
export const isJson = (type: string): boolean => {
  const [mime = "", ...parameters] = type.toLowerCase().split(";")
  const charset = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith("charset="))
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset)
  return isUtf8 && /^application\/(?:[a-z0-9!#$&^_.+-]+\+)?json$/.test(mime.trim())
}

/** Whether a name in a `Host`, with its port, is one that this machine alone has. */
export const isLoopbackName = (host: string): boolean => {
  const name = host.replace(/:\d+$/, "").toLowerCase()
  return name === "localhost" || name === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(name)
}

export const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || host.startsWith("127.")

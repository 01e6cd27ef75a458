/** What a method throws to be answered with an error of the protocol. */
export class RpcError extends Error {
  readonly code: number
  readonly data: unknown
  constructor(code: number, message: string, data?: unknown) {
    super(message)
    this.code = code
    this.data = data
  }
}

const errnos = { EFAULT: 14, EACCES: 13, EBUSY: 16, EINVAL: 22, ENOENT: 2, ENOTAUTHENTICATED: 207 } as const
export type ErrorName = keyof typeof errnos

const traceOf = (name: string, text: string) => ({
  class: name,
  formatted: `Traceback (most recent call last):\n  mock frame\n${name}: ${text}\n`,
  repr: `${name}('${text}')`
})

/** A method failed: -32001. */
export const callError = (text: string, errname: ErrorName = "EFAULT", extra: unknown = null): RpcError => {
  const reason = `[${errname}] ${text}`
  return new RpcError(-32001, "Method call error", {
    error: errnos[errname],
    errname,
    reason,
    trace: traceOf("CallError", reason),
    extra
  })
}

/** Parameters are wrong: -32602, with `[attribute, message, errno]` for each. */
export const validationErrors = (
  errors: ReadonlyArray<readonly [attribute: string | null, message: string]>
): RpcError => {
  const reason = errors.map(([attribute, message]) => `[EINVAL] ${attribute ?? "ALL"}: ${message}`).join("\n")
  return new RpcError(-32602, "Invalid params", {
    error: errnos.EINVAL,
    errname: "EINVAL",
    reason,
    trace: traceOf("ValidationErrors", reason),
    extra: errors.map(([attribute, message]) => [attribute, message, errnos.EINVAL])
  })
}

export const notAuthenticated = () => callError("Not authenticated", "ENOTAUTHENTICATED")

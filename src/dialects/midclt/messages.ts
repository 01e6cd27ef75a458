/**
 * The wire of midclt's daemon, in its own spelling. It is read by hand and not by a schema: params are passed on as they
 * were written, and what is wrong is answered in the words of Python, which clients show to people.
 */
import { isTruthy, itemsOf, parsePython, PythonError, str, strip, stringOf, type Value } from "./python.ts"

/** How long something may take: for ever, or so many milliseconds; `default` where nothing is said. */
export type Timeout = "default" | "never" | number

export type Request =
  | { readonly command: "ping"; readonly timeout: Timeout }
  | { readonly command: "stop" }
  | {
      readonly command: "call"
      readonly method: string
      /** The text of a JSON array. */
      readonly params: string
      readonly timeout: Timeout
      /** `return`: the job itself is wanted, which can't be sent. */
      readonly job: "no" | "wait" | "return"
      /** Nobody waits for what comes of it, or can. */
      readonly unheard: "no" | "background" | "unregistered"
    }

/** What a request is refused with: the class of an exception and its text. */
export interface Refusal {
  readonly refused: string
  readonly type: string
  /** It would have been the server that refused it. */
  readonly byServer?: boolean
}

const PING_MILLIS = 10_000
/** Beyond it a timer would go off at once: as good as never. */
export const MOST_MILLIS = 2 ** 31 - 1

/** The request of a line; undefined for a blank one, which is not answered. */
export const readRequest = (line: string): Request | Refusal | undefined => {
  const text = strip(line)
  if (text === "") return undefined
  try {
    return decode(parsePython(text))
  } catch (error) {
    if (error instanceof PythonError) return { refused: error.message, type: error.type }
    throw error
  }
}

const decode = (request: Value): Request | Refusal => {
  const members = membersOf(request)
  const command = members.get("command")
  if (command?.kind === "str") {
    switch (stringOf(command)) {
      case "ping":
        return { command: "ping", timeout: timeoutOf(members.get("timeout"), PING_MILLIS) }
      case "stop":
        return { command: "stop" }
      case "call":
        return decodeCall(members)
    }
  }
  throw new PythonError("ValueError", `Unknown command: ${command === undefined ? "None" : str(command)}`)
}

/** What `.get` is asked of has to be a dict. */
const membersOf = (value: Value): ReadonlyMap<string, Value> => {
  if (value.kind === "dict") return value.members
  throw new PythonError("AttributeError", `'${value.kind}' object has no attribute 'get'`)
}

/** The keyword arguments of the function that they are given to. */
const known = new Set(["timeout", "job", "register_call", "background", "callback", "_log_py_enotauthenticated"])

const decodeCall = (request: ReadonlyMap<string, Value>): Request | Refusal => {
  const method = request.get("method")
  if (method === undefined) throw new PythonError("KeyError", "'method'")
  const kwargs = request.get("kwargs")
  const options = kwargs === undefined ? new Map<string, Value>() : membersOf(kwargs)
  const params = paramsOf(request.get("params"))
  for (const name of options.keys()) {
    if (known.has(name)) continue
    const problem =
      name === "self" || name === "method"
        ? `got multiple values for argument '${name}'`
        : `got an unexpected keyword argument '${name}'`
    throw new PythonError("TypeError", `JSONRPCClient.call() ${problem}`)
  }
  if (method.kind !== "str" || method.text === '""') {
    return { refused: "'method' member must be of type string", type: "ClientException", byServer: true }
  }
  const job = options.get("job")
  const background = options.get("background")
  const register = options.get("register_call")
  return {
    command: "call",
    method: stringOf(method),
    params,
    timeout: timeoutOf(options.get("timeout"), "default"),
    job: job === undefined || !isTruthy(job) ? "no" : str(job) === "RETURN" ? "return" : "wait",
    unheard:
      background !== undefined && isTruthy(background)
        ? "background"
        : register?.kind === "bool" && register.text === "false"
          ? "unregistered"
          : "no"
  }
}

/** They are spread: what is no list gives what iterating over it gives. */
const paramsOf = (value: Value | undefined): string => {
  if (value === undefined) return "[]"
  if (value.kind === "list") return value.text
  const items = itemsOf(value)
  if (items === undefined) {
    throw new PythonError("TypeError", `Value after * must be an iterable, not ${value.kind}`)
  }
  return `[${items.map(({ text }) => text).join(", ")}]`
}

/** Seconds, as Python's locks take them. */
const timeoutOf = (value: Value | undefined, otherwise: Timeout): Timeout => {
  if (value === undefined) return otherwise
  switch (value.kind) {
    case "NoneType":
      return "never"
    case "bool":
      return value.text === "true" ? 1000 : 0
    case "int":
    case "float": {
      const millis = Math.ceil(Number(value.text) * 1000)
      return millis > MOST_MILLIS ? "never" : millis > 0 ? millis : 0
    }
    default:
      throw new PythonError("TypeError", `'>' not supported between instances of '${value.kind}' and 'int'`)
  }
}

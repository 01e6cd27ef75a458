import type { IncomingMessage, ServerResponse } from "node:http"
import type { Accounts } from "./Accounts.ts"
import { listed, type Machine, type Machines, shown } from "./Machines.ts"

export interface RestOptions {
  readonly accounts: Accounts
  readonly machines: Machines
  readonly now: () => number
  /** A machine was registered for the first time, or deleted. */
  readonly onNew: (machine: Machine) => void
  readonly onDeleted: (account: string, id: string) => void
}

type Body = Readonly<Record<string, unknown>>
type Answer = readonly [status: number, body: unknown]

const invalid = (field: string): Answer => [
  400,
  { error: "Error", message: `body/${field} Invalid input: expected string, received undefined`, statusCode: 400 }
]

/** The routes that need no token. */
const open = (route: string, url: URL, body: Body, { accounts }: RestOptions): Answer | undefined => {
  switch (route) {
    case "POST /v1/auth": {
      const token = accounts.exchange(body)
      return token === null ? [401, { error: "Invalid signature" }] : [200, { success: true, token }]
    }
    case "POST /v1/auth/request": {
      const state = accounts.request(body)
      return state === null ? [401, { error: "Invalid public key" }] : [200, state]
    }
    case "GET /v1/auth/request/status":
      return [200, accounts.status(url.searchParams.get("publicKey") ?? "")]
  }
  return undefined
}

const closed = (account: string, route: string, body: Body, options: RestOptions): Answer => {
  const { accounts, machines, onDeleted, onNew } = options
  if (route === "POST /v1/auth/response") {
    return accounts.answer(account, body) ? [200, { success: true }] : [404, { error: "Request not found" }]
  }
  if (route === "GET /v1/machines") return [200, machines.list(account).map(listed)]
  if (route === "POST /v1/machines") {
    const { daemonState, dataEncryptionKey, id, metadata } = body
    if (typeof id !== "string") return invalid("id")
    if (typeof metadata !== "string") return invalid("metadata")
    if (daemonState !== undefined && typeof daemonState !== "string") return invalid("daemonState")
    const key = typeof dataEncryptionKey === "string" ? dataEncryptionKey : null
    const registered = machines.register(account, {
      id,
      metadata,
      ...(daemonState === undefined ? {} : { daemonState }),
      dataEncryptionKey: key
    })
    if (registered === "clash") return [500, { error: "Internal Server Error" }]
    if (registered.isNew) onNew(registered.machine)
    return [200, { machine: shown(registered.machine) }]
  }
  const id = /^(?:GET|DELETE) \/v1\/machines\/([^/]+)$/.exec(route)?.[1]
  if (id !== undefined) {
    const machine = machines.list(account).find((each) => each.id === decodeURIComponent(id))
    if (machine === undefined) return [404, { error: "Machine not found" }]
    if (route.startsWith("GET")) return [200, { machine: listed(machine) }]
    machines.delete(account, machine.id)
    onDeleted(account, machine.id)
    return [200, { success: true }]
  }
  return [404, { error: "Not found", path: route.split(" ")[1] }]
}

const readBody = async (request: IncomingMessage): Promise<Body> => {
  let text = ""
  for await (const chunk of request) text += String(chunk)
  const value: unknown = text === "" ? {} : JSON.parse(text)
  return typeof value === "object" && value !== null ? (value as Body) : {}
}

/** Answers one request as the real server does. */
export const answer = async (
  request: IncomingMessage,
  response: ServerResponse,
  options: RestOptions
): Promise<void> => {
  const url = new URL(request.url ?? "/", "http://server")
  const route = `${request.method} ${url.pathname}`
  const [status, body] = await decide(request, url, route, options).catch((): Answer => [400, { error: "Bad Request" }])
  response.sendDate = false
  response.writeHead(status, { "content-type": "application/json", date: new Date(options.now()).toUTCString() })
  response.end(JSON.stringify(body))
}

const decide = async (request: IncomingMessage, url: URL, route: string, options: RestOptions): Promise<Answer> => {
  const body = await readBody(request)
  const answered = open(route, url, body, options)
  if (answered !== undefined) return answered
  const { authorization } = request.headers
  if (authorization?.startsWith("Bearer ") !== true) return [401, { error: "Missing authorization header" }]
  const account = options.accounts.accountOf(authorization.slice("Bearer ".length))
  if (account === undefined) return [401, { error: "Invalid token" }]
  return closed(account, route, body, options)
}

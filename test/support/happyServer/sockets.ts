import { randomBytes } from "node:crypto"
import type { Server, Socket } from "socket.io"
import type { Accounts } from "./Accounts.ts"
import type { Calls } from "./Calls.ts"
import { type Field, listed, type Machine, type Machines } from "./Machines.ts"

export interface SocketsOptions {
  readonly accounts: Accounts
  readonly machines: Machines
  readonly calls: Calls
  readonly now: () => number
  /** As the server of 2025: accepts everybody, then says `error`; what comes before its look at the token is lost. */
  readonly isOld: boolean
  readonly heard: (event: string, socket: Socket) => void
}

interface Client {
  readonly account: string
  readonly type: "user-scoped" | "session-scoped" | "machine-scoped"
  readonly machineId: string | undefined
}

/** Who this is, or why it is nobody. */
const identify = (auth: Readonly<Record<string, unknown>>, accounts: Accounts): Client | string => {
  const { clientType = "user-scoped", machineId, sessionId, token } = auth
  if (token === undefined || token === "") return "Missing authentication token"
  const account = accounts.accountOf(token)
  if (account === undefined) return "Invalid authentication token"
  if (clientType === "session-scoped" && !sessionId) return "Session ID required for session-scoped clients"
  if (clientType === "machine-scoped" && !machineId) return "Machine ID required for machine-scoped clients"
  return {
    account,
    type: clientType as Client["type"],
    machineId: clientType === "machine-scoped" ? String(machineId) : undefined
  }
}

const users = (account: string) => `users ${account}`
const machineRoom = (account: string, id: string) => `machine ${account} ${id}`

/** The live side: presence, versions, calls. */
export class Sockets {
  readonly #io: Server
  readonly #options: SocketsOptions

  constructor(io: Server, options: SocketsOptions) {
    this.#io = io
    this.#options = options
    const { accounts, isOld } = options
    if (!isOld) {
      io.use((socket, next) => {
        const client = identify(socket.handshake.auth, accounts)
        if (typeof client === "string") return next(new Error(client))
        socket.data.client = client
        next()
      })
    }
    io.on("connection", (socket) => {
      if (!isOld) return this.#accept(socket, socket.data.client as Client)
      // Its look at the token takes a moment, in which nobody listens.
      setTimeout(() => {
        const client = identify(socket.handshake.auth, accounts)
        if (typeof client !== "string") return this.#accept(socket, client)
        socket.emit("error", { message: client })
        socket.disconnect()
      }, 50)
    })
  }

  /** To the account's devices, and to the machine itself, the sender included. */
  announceUpdate(machine: Machine, changed: object): void {
    this.#update(machine.account, { t: "update-machine", machineId: machine.id, ...changed }, machine.id)
  }

  announceNew(machine: Machine): void {
    const { id, ...rest } = listed(machine)
    this.#update(machine.account, { t: "new-machine", machineId: id, ...rest })
    this.announceUpdate(machine, { metadata: { value: machine.metadata, version: machine.metadataVersion } })
  }

  announceDeleted(account: string, machineId: string): void {
    this.#update(account, { t: "delete-machine", machineId })
  }

  #update(account: string, body: object, machineId?: string): void {
    const { machines, now } = this.#options
    const id = randomBytes(6).toString("hex")
    const update = { id, seq: machines.nextSeq(account), body, createdAt: now() }
    const rooms = machineId === undefined ? [users(account)] : [users(account), machineRoom(account, machineId)]
    this.#io.to(rooms).emit("update", update)
  }

  #activity(account: string, id: string, active: boolean): void {
    const activity = { type: "machine-activity", id, active, activeAt: this.#options.now() }
    this.#io.to(users(account)).emit("ephemeral", activity)
  }

  #accept(socket: Socket, client: Client): void {
    const { calls, heard, machines } = this.#options
    const { account, machineId, type } = client
    socket.onAny((event: string) => heard(event, socket))
    if (type === "user-scoped") void socket.join(users(account))
    if (machineId !== undefined) {
      void socket.join(machineRoom(account, machineId))
      this.#activity(account, machineId, true)
    }
    heard("connect", socket)
    socket.on("disconnect", () => {
      calls.leave(socket)
      if (machineId !== undefined) this.#activity(account, machineId, false)
    })
    socket.on("machine-alive", (request: unknown) => {
      const machine = machines.alive(account, request)
      if (machine !== undefined) this.#activity(account, machine.id, true)
    })
    socket.on("machine-update-state", (request: unknown, ack?: unknown) =>
      this.#write(account, "daemonState", request, ack)
    )
    socket.on("machine-update-metadata", (request: unknown, ack?: unknown) =>
      this.#write(account, "metadata", request, ack)
    )
    socket.on("rpc-register", (request: unknown) => {
      const method = (request as { readonly method?: unknown } | null)?.method
      if (typeof method !== "string" || method === "") {
        return void socket.emit("rpc-error", { type: "register", error: "Invalid method name" })
      }
      calls.register(account, method, socket)
      socket.emit("rpc-registered", { method })
    })
    socket.on("rpc-unregister", (request: unknown) => {
      const method = String((request as { readonly method?: unknown } | null)?.method)
      calls.unregister(account, method, socket)
      socket.emit("rpc-unregistered", { method })
    })
    socket.on("rpc-call", (request: unknown, ack?: unknown) => {
      void calls.call(account, socket, request).then((reply) => typeof ack === "function" && ack(reply))
    })
    socket.on("ping", (ack?: unknown) => typeof ack === "function" && ack({}))
    socket.on("app-state", () => undefined)
  }

  #write(account: string, field: Field, request: unknown, ack: unknown): void {
    const { machines } = this.#options
    const result = machines.update(account, field, request)
    if (typeof ack === "function") ack(result)
    if (result.result !== "success") return
    const { machineId } = request as { readonly machineId: string }
    const machine = machines.get(account, machineId)!
    this.announceUpdate(machine, { [field]: { value: machine[field], version: result.version } })
  }
}

/**
 * A stand-in for the remote server: REST and socket.io on one port, with the real one's awkward sides. Its times can be
 * shortened, its clock shifted, and it can be told to refuse, to be slow and to be gone.
 */
import { createServer, type Server as HttpServer, type ServerResponse } from "node:http"
import type { AddressInfo, Socket as TcpSocket } from "node:net"
import { Server, type Socket } from "socket.io"
import { Accounts } from "./Accounts.ts"
import { Calls, type CallTimes } from "./Calls.ts"
import { Machines } from "./Machines.ts"
import { answer } from "./rest.ts"
import { Sockets } from "./sockets.ts"

export interface HappyServerOptions extends Partial<CallTimes> {
  readonly port?: number
  readonly isOld?: boolean
  readonly pingInterval?: number
  readonly pingTimeout?: number
  /** What it knows outlives it: a server that comes back. */
  readonly state?: ServerState
}

/** What a real server has in its database. */
export interface ServerState {
  readonly accounts: Accounts
  readonly machines: Machines
  /** How far its clock is from ours. */
  skewMillis: number
}

export const makeState = (): ServerState => {
  const state: ServerState = {
    accounts: new Accounts(),
    machines: new Machines(() => Date.now() + state.skewMillis),
    skewMillis: 0
  }
  return state
}

type Hook = (route: string, response: ServerResponse) => boolean | Promise<boolean>

export class HappyServer {
  readonly url: string
  readonly state: ServerState
  /** How often each REST route was asked and each event was heard. */
  readonly counts = new Map<string, number>()
  readonly requests: Array<string> = []
  /** True from a hook: the request has been answered, or never is. */
  hook: Hook | undefined
  readonly #http: HttpServer
  readonly #io: Server
  readonly #tcp: Set<TcpSocket>

  private constructor(http: HttpServer, io: Server, tcp: Set<TcpSocket>, state: ServerState) {
    this.#http = http
    this.#io = io
    this.#tcp = tcp
    this.state = state
    this.url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  }

  static async start(options: HappyServerOptions = {}): Promise<HappyServer> {
    const state = options.state ?? makeState()
    const { accounts, machines } = state
    const now = () => Date.now() + state.skewMillis
    const http = createServer()
    const tcp = new Set<TcpSocket>()
    http.on("connection", (socket) => {
      tcp.add(socket)
      socket.on("close", () => tcp.delete(socket))
    })
    const { pingInterval = 15_000, pingTimeout = 45_000, port = 0 } = options
    await new Promise<void>((listening) => http.listen(port, "127.0.0.1", listening))
    // Routes first: socket.io takes its own path from whoever listens already.
    let server: HappyServer | undefined
    http.on("request", (request, response) => {
      if (request.url?.startsWith("/v1/updates/") === true) return
      const route = `${request.method} ${request.url?.split("?")[0]}`
      server!.requests.push(`${route} ${request.headers["x-happy-client"] ?? ""}`.trim())
      server!.#count(route)
      void Promise.resolve(server!.hook?.(route, response) ?? false).then((taken) =>
        taken
          ? undefined
          : answer(request, response, {
              accounts,
              machines,
              now,
              onNew: (machine) => sockets.announceNew(machine),
              onDeleted: (account, id) => sockets.announceDeleted(account, id)
            })
      )
    })
    const io = new Server(http, {
      path: "/v1/updates",
      pingInterval,
      pingTimeout,
      transports: ["websocket", "polling"]
    })
    const calls = new Calls({
      graceMillis: options.graceMillis ?? 15_000,
      timeoutMillis: options.timeoutMillis ?? 30_000,
      missedMillis: options.missedMillis ?? 4000
    })
    const heard = (event: string, _socket: Socket) => server!.#count(event)
    const sockets = new Sockets(io, { accounts, machines, calls, now, isOld: options.isOld ?? false, heard })
    return (server = new HappyServer(http, io, tcp, state))
  }

  count(what: string): number {
    return this.counts.get(what) ?? 0
  }

  /** The sockets that are connected now, the oldest first. */
  get sockets(): ReadonlyArray<Socket> {
    return [...this.#io.sockets.sockets.values()]
  }

  /** From now on nothing that comes on the connections of now is read: they are half open. What is given undoes it. */
  freeze(): () => void {
    const frozen = [...this.#tcp]
    for (const socket of frozen) socket.pause()
    return () => {
      for (const socket of frozen) socket.resume()
    }
  }

  /** Ends every connection without a word, and takes no more. */
  async stop(): Promise<void> {
    for (const socket of this.#tcp) socket.destroy()
    this.#io.disconnectSockets(true)
    await new Promise<void>((closed) => {
      void this.#io.close(() => closed())
      for (const socket of this.#tcp) socket.destroy()
    })
    if (this.#http.listening) this.#http.close()
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }
}

/** The stand-in at its addresses. */
import { mkdtempSync, rmSync } from "node:fs"
import { createServer as createHttpServer, type Server } from "node:http"
import { createServer as createHttpsServer } from "node:https"
import type { AddressInfo, Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { WebSocketServer } from "ws"
import { type Certificates, makeCertificates } from "./certificates.ts"
import { Connection } from "./Connection.ts"
import { Middleware } from "./Middleware.ts"
import { defaults, type MiddlewareOptions } from "./options.ts"

export interface StartOptions extends Partial<MiddlewareOptions> {
  /** The port of the plain address, to come back where it was; any that is free where it is missing. */
  readonly port?: number
  /** Speaks TLS too, with a certificate for these hosts. */
  readonly tls?: ReadonlyArray<string>
}

export interface StartedMiddleware {
  readonly middleware: Middleware
  readonly port: number
  readonly uri: string
  readonly unixUri: string
  /** Null without `tls`. */
  readonly tlsUri: string | null
  /** The authority to trust, as PEM. */
  readonly ca: string | null
  /** Cuts everybody off and gives its addresses back. */
  readonly stop: () => Promise<void>
}

const PATH = "/api/current"
const MAX_FRAME_BYTES = 4 * 1024 * 1024

export const startMiddleware = async ({ port = 0, tls, ...given }: StartOptions = {}): Promise<StartedMiddleware> => {
  const middleware = new Middleware({ ...defaults, ...given })
  const directory = mkdtempSync(join(tmpdir(), "middleware-"))
  const socketPath = join(directory, "s.sock")
  const servers: Array<Server> = []
  const sockets = new Set<Socket>()

  const listen = async (server: Server, where: { path: string } | { port: number; host: string }, kind: Kind) => {
    const upgrades = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES })
    server.on("connection", (socket: Socket) => {
      sockets.add(socket)
      socket.on("close", () => sockets.delete(socket))
    })
    server.on("upgrade", (request, socket, head) => {
      const status = new URL(request.url ?? "/", "http://localhost").pathname === PATH ? middleware.refuseWith : 404
      if (status !== null) {
        middleware.counts.refusedConnections++
        return void socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
      }
      upgrades.handleUpgrade(request, socket, head, (webSocket) => {
        const address = kind.isUnix ? null : (request.socket.remoteAddress ?? "")
        const session = kind.isUnix && middleware.options.trustsUnixSocket ? { user: "root", mechanism: "UNIX" } : null
        const endPoint = kind.certificates?.endPoint
        const connection = new Connection(webSocket, middleware, {
          address,
          session,
          ...(endPoint === undefined ? {} : { endPoint })
        })
        middleware.counts.connections++
        middleware.connections.add(connection)
        webSocket.on("close", () => middleware.connections.delete(connection))
      })
    })
    servers.push(server)
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(where, resolve))
    return (server.address() as AddressInfo).port
  }

  const certificates = tls === undefined ? null : makeCertificates(tls)
  const host = "127.0.0.1"
  const plainPort = await listen(createHttpServer(), { port, host }, { isUnix: false })
  await listen(createHttpServer(), { path: socketPath }, { isUnix: true })
  const tlsPort =
    certificates === null
      ? null
      : await listen(createHttpsServer(certificates) as Server, { port: 0, host }, { isUnix: false, certificates })

  return {
    middleware,
    port: plainPort,
    uri: `ws://${host}:${plainPort}${PATH}`,
    unixUri: `ws+unix://${socketPath}`,
    tlsUri: tlsPort === null ? null : `wss://${host}:${tlsPort}${PATH}`,
    ca: certificates?.ca ?? null,
    stop: async () => {
      const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)))
      middleware.dropConnections()
      for (const socket of sockets) socket.destroy()
      await Promise.all(closed)
      rmSync(directory, { recursive: true, force: true })
    }
  }
}

interface Kind {
  readonly isUnix: boolean
  readonly certificates?: Certificates
}

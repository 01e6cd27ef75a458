/** Somebody else's JSON-RPC client (json-rpc-2.0) over `ws`: what the stand-in is tried with before ours is tried with the stand-in. */
import { JSONRPCClient, JSONRPCErrorException, type JSONRPCResponse } from "json-rpc-2.0"
import type { ConnectionOptions } from "node:tls"
import { type ClientOptions, WebSocket } from "ws"

/** What the server said of its own accord. */
export interface Notification {
  readonly method: string
  readonly params: any
}

export interface Client {
  readonly socket: WebSocket
  readonly rpc: JSONRPCClient
  /** Everything that came, as it came. */
  readonly frames: Array<string>
  readonly notifications: Array<Notification>
  readonly call: (method: string, ...params: ReadonlyArray<unknown>) => Promise<any>
  /** Waits for a notification that is so; those of the past count too. */
  readonly notified: (is: (notification: Notification) => boolean) => Promise<Notification>
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
}

export const openClient = async (uri: string, options: ClientOptions & ConnectionOptions = {}): Promise<Client> => {
  const address = uri.startsWith("ws+unix:") ? `${uri}:/api/current` : uri
  const socket = new WebSocket(address, options)
  const frames: Array<string> = []
  const notifications: Array<Notification> = []
  const waiting = new Set<() => void>()
  const rpc = new JSONRPCClient((request) => socket.send(JSON.stringify(request)))
  socket.on("message", (data: Buffer) => {
    const text = data.toString()
    frames.push(text)
    const message = JSON.parse(text) as Notification & JSONRPCResponse
    if (message.method === undefined) return rpc.receive(message)
    notifications.push(message)
    for (const look of waiting) look()
  })
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on("close", (code, reason) => {
      rpc.rejectAllPendingRequests("closed")
      resolve({ code, reason: reason.toString() })
    })
  )
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject))
  return {
    socket,
    rpc,
    frames,
    notifications,
    call: async (method, ...params) => rpc.request(method, params),
    notified: (is) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = notifications.find(is)
          if (found === undefined) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
      }),
    closed
  }
}

/** What a call was refused with: `code`, and the `data` of it. */
export const failure = async (call: Promise<unknown>): Promise<{ code: number; message: string; data: any }> => {
  try {
    await call
  } catch (error) {
    if (error instanceof JSONRPCErrorException) return { code: error.code, message: error.message, data: error.data }
    throw error
  }
  throw new Error("it was answered")
}

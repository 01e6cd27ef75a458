/** Systems that carry messages, each through the kind of client that its users have. */
import { createClient } from "redis"
import { connect as connectToNats } from "@nats-io/transport-node"
import { connect } from "../../../src/wire/unixSocket.ts"
import { Lines } from "../lines.ts"

/** One connection of a publisher. */
export interface Publisher {
  /** Calls back when the server has acknowledged it. */
  readonly publish: (channel: string, message: string, acknowledged: () => void) => void
  /** Nobody waits for it; answers what to wait for while too much is under way. */
  readonly send: (channel: string, message: string) => Promise<unknown> | undefined
  /** Everything that was sent has reached the server. */
  readonly flush: () => Promise<unknown>
}

export interface Peer {
  readonly publisher: (address: string) => Promise<Publisher>
  /** One more connection that is subscribed to a channel. */
  readonly subscriber: (address: string, channel: string, heard: (message: string) => void) => Promise<void>
}

export const peerNames = ["photon", "native", "redis", "nats"] as const
export type PeerName = (typeof peerNames)[number]

/** A publisher whose every line is answered by one, in order. */
const answered = async (address: string, line: (channel: string, message: string) => string): Promise<Publisher> => {
  const waiting: Array<() => void> = []
  let next = 0
  const lines = new Lines(await connect(address), () => {
    const acknowledged = waiting[next]!
    waiting[next++] = nothing
    if (next === 4096) {
      waiting.splice(0, next)
      next = 0
    }
    acknowledged()
  })
  const publish: Publisher["publish"] = (channel, message, acknowledged) => {
    waiting.push(acknowledged)
    lines.write(line(channel, message))
  }
  return {
    publish,
    send: (channel, message) => {
      publish(channel, message, nothing)
      return lines.drained
    },
    flush: () => new Promise<void>((resolve) => publish("bench:flush", "0", resolve))
  }
}

const nothing = (): void => {}

const photon: Peer = {
  publisher: (address) => {
    let id = 0
    return answered(
      address,
      (channel, message) => `{"type":"publish","id":"p${id++}","channel":"${channel}","message":${message}}\n`
    )
  },
  subscriber: async (address, channel, heard) => {
    const socket = await connect(address)
    await new Promise<void>((resolve) => {
      const lines = new Lines(socket, (line) => {
        const said = JSON.parse(line) as { readonly type: string; readonly message: unknown }
        if (said.type === "channel_message") heard(said.message as string)
        else resolve()
      })
      lines.write(`{"type":"subscribe","id":"s","channel":"${channel}"}\n`)
    })
  }
}

const native: Peer = {
  publisher: (address) => {
    let id = 0
    return answered(
      address,
      (channel, message) =>
        `{"jsonrpc":"2.0","id":${++id},"method":"channels.publish","params":{"channel":"${channel}","message":${message}}}\n`
    )
  },
  subscriber: async (address, channel, heard) => {
    const socket = await connect(address)
    await new Promise<void>((resolve) => {
      const lines = new Lines(socket, (line) => {
        const { result } = JSON.parse(line) as { readonly result: ReadonlyArray<{ type: string; message: string }> }
        for (const item of result) {
          if (item.type === "event") heard(item.message)
          else resolve()
        }
      })
      const params = { patterns: [channel] }
      lines.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "channels.subscribe", params })}\n`)
    })
  }
}

const redis: Peer = {
  publisher: async (address) => {
    const client = await createClient({ socket: { path: address, tls: false } }).connect()
    let underWay = 0
    return {
      publish: (channel, message, acknowledged) => void client.publish(channel, message).then(acknowledged),
      send: (channel, message) => {
        const sent = client.publish(channel, message)
        return ++underWay % 1024 === 0 ? sent : undefined
      },
      flush: () => client.ping()
    }
  },
  subscriber: async (address, channel, heard) => {
    const client = await createClient({ socket: { path: address, tls: false } }).connect()
    await client.subscribe(channel, (message) => heard(JSON.parse(message) as string))
  }
}

const nats: Peer = {
  publisher: async (address) => {
    const connection = await connectToNats({ servers: address })
    let sent = 0
    return {
      // The core of NATS acknowledges nothing: a flush is what its users have.
      publish: (channel, message, acknowledged) => {
        connection.publish(channel, message)
        void connection.flush().then(acknowledged)
      },
      send: (channel, message) => {
        connection.publish(channel, message)
        return ++sent % 4096 === 0 ? connection.flush() : undefined
      },
      flush: () => connection.flush()
    }
  },
  subscriber: async (address, channel, heard) => {
    const connection = await connectToNats({ servers: address })
    connection.subscribe(channel, { callback: (_, message) => heard(message.json() as string) })
    await connection.flush()
  }
}

export const peers: Readonly<Record<PeerName, Peer>> = { photon, native, redis, nats }

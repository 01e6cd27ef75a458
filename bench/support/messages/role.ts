/**
 * The publisher, or all the subscribers, of one system, as a process of its own:
 *
 *     node role.ts publisher|subscriber PEER ADDRESS
 *
 * It is told over IPC what to do, and says there what came of it.
 */
import { type PeerName, peers } from "./peers.ts"

/** A message of about 60 bytes, with when it was sent. */
const message = (at: bigint): string => `{"event":"task-moved","taskId":"1234567890","sent":"${at}"}`

export type Order =
  | { readonly do: "subscribe"; readonly connections: number; readonly channel: string; readonly latency: boolean }
  /** Expects so many messages altogether. */
  | { readonly do: "count"; readonly expected: number }
  | { readonly do: "acknowledged"; readonly count: number; readonly inFlight: number }
  | { readonly do: "batched"; readonly count: number }
  | { readonly do: "paced"; readonly perSecond: number; readonly count: number }

const [role, name, address] = process.argv.slice(2) as [string, PeerName, string]
const peer = peers[name]
const channel = "bench.a"

const say = (what: unknown): void => void process.send?.(what)

if (role === "subscriber") {
  let received = 0
  let expected = Infinity
  let measures = false
  let latencies: Array<number> = []
  const finish = () => {
    const sorted = latencies.toSorted((a, b) => a - b)
    say({ at: Number(process.hrtime.bigint()), p99: sorted[Math.floor(sorted.length * 0.99)] ?? 0 })
    received = 0
    latencies = []
    expected = Infinity
  }
  const heard = (said: unknown) => {
    received++
    if (measures) latencies.push(Number(process.hrtime.bigint() - BigInt((said as { sent: string }).sent)) / 1e6)
    if (received === expected) finish()
  }
  process.on("message", async (order: Order) => {
    if (order.do === "subscribe") {
      measures = order.latency
      for (let at = 0; at < order.connections; at++) await peer.subscriber(address, order.channel, heard)
      say("ready")
    } else if (order.do === "count") {
      expected = order.expected
      say("ready")
      if (received === expected) finish()
    }
  })
} else {
  const publisher = await peer.publisher(address)
  process.on("message", async (order: Order) => {
    const began = Number(process.hrtime.bigint())
    if (order.do === "acknowledged") {
      await new Promise<void>((resolve) => {
        let sent = 0
        let acknowledged = 0
        const one = () => {
          sent++
          publisher.publish(channel, message(process.hrtime.bigint()), () => {
            if (++acknowledged === order.count) resolve()
            else if (sent < order.count) one()
          })
        }
        for (let at = 0; at < order.inFlight; at++) one()
      })
    } else if (order.do === "batched") {
      for (let at = 0; at < order.count; at++) {
        const room = publisher.send(channel, message(0n))
        if (room !== undefined) await room
      }
      await publisher.flush()
    } else if (order.do === "paced") {
      const start = performance.now()
      for (let at = 0; at < order.count;) {
        const due = Math.min(order.count, Math.floor(((performance.now() - start) / 1000) * order.perSecond))
        for (; at < due; at++) void publisher.send(channel, message(process.hrtime.bigint()))
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
      await publisher.flush()
    }
    say({ began })
  })
}
say("started")

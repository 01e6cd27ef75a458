/**
 * Messages from one publisher to 1, 10 and 100 subscribers, beside Redis and NATS through their own Node clients:
 *
 *     node bench/messages.ts [ROUNDS] [MESSAGES] [ROW]
 *
 * The server in one process, the publisher in one, all subscribers in one with a connection each; the same message of
 * about 60 bytes, read as JSON by whoever gets it. Redis and hob over a Unix socket, NATS over TCP, for it has no other.
 * Acknowledged: 64 under way at once. Beside each rate stands the processor time of a published message, the server's and
 * that of all three processes: it holds on a busy machine too. ROW is how the name ends of what is to be measured alone.
 * Needs redis-server and nats-server, and a build.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { startHob } from "./support/hob.ts"
import { type PeerName, peerNames } from "./support/messages/peers.ts"
import { RoleProcess } from "./support/messages/RoleProcess.ts"
import type { Order } from "./support/messages/role.ts"
import { usage } from "./support/processes.ts"
import { median, spread } from "./support/statistics.ts"

const rounds = Number(process.argv[2] ?? 5)
const messages = Number(process.argv[3] ?? 50_000)
const only = process.argv[4] ?? ""
const hob = startHob()
const { directory } = hob
const natsPort = 24_222
const addresses: Record<PeerName, string> = {
  photon: hob.photon,
  native: hob.native,
  redis: join(directory, "redis.sock"),
  nats: `127.0.0.1:${natsPort}`
}
const servers: Array<ChildProcess> = []
const pids: Record<PeerName, number> = { photon: hob.pid, native: hob.pid, redis: 0, nats: 0 }

const until = async (check: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await check())) await new Promise((resolve) => setTimeout(resolve, 20))
}
const listens = (): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(natsPort, "127.0.0.1", () => resolve(true))
    socket.on("error", () => resolve(false))
  })

const startAll = async (): Promise<void> => {
  servers.push(
    spawn("redis-server", ["--port", "0", "--unixsocket", addresses.redis, "--save", "", "--dir", directory], {
      stdio: "ignore"
    }),
    spawn("nats-server", ["-a", "127.0.0.1", "-p", String(natsPort)], { stdio: "ignore" })
  )
  pids.redis = servers[0]!.pid!
  pids.nats = servers[1]!.pid!
  await until(() => existsSync(addresses.redis) && existsSync(addresses.photon))
  await until(listens)
}

const stopAll = (): void => {
  for (const server of servers) server.kill()
  hob.stop()
}

interface Measured {
  /** Deliveries each second, from the first publish to the last one that arrived. */
  readonly rate: number
  readonly p99: number
  /** Processor time for each message that was published, in microseconds: of the server, and of all three. */
  readonly server: number
  readonly all: number
}

const measure = async (
  peer: PeerName,
  subscribers: number,
  order: Order & { readonly count: number }
): Promise<Measured> => {
  const subscriber = new RoleProcess("subscriber", peer, addresses[peer])
  const publisher = new RoleProcess("publisher", peer, addresses[peer])
  await Promise.all([subscriber.said(), publisher.said()])
  const latency = order.do === "paced"
  subscriber.order({ do: "subscribe", connections: subscribers, channel: "bench.a", latency })
  await subscriber.said()
  const run = async (one: Order & { readonly count: number }): Promise<Measured> => {
    const expected = one.count * subscribers
    subscriber.order({ do: "count", expected })
    await subscriber.said()
    const processes = [pids[peer], publisher.pid, subscriber.pid]
    const before = processes.map((pid) => usage(pid).cpuSeconds)
    publisher.order(one)
    const { began } = await publisher.said<{ began: number }>()
    const { at, p99 } = await subscriber.said<{ at: number; p99: number }>()
    const spent = processes.map((pid, which) => ((usage(pid).cpuSeconds - before[which]!) * 1e6) / one.count)
    return {
      rate: expected / ((at - began) / 1e9),
      p99,
      server: spent[0]!,
      all: spent.reduce((sum, each) => sum + each, 0)
    }
  }
  // The first run is for the compilers.
  await run({ ...order, count: Math.ceil(order.count / 5) })
  const measured = await run(order)
  subscriber.end()
  publisher.end()
  return measured
}

interface Row {
  readonly what: string
  readonly subscribers: number
  readonly order: Order & { readonly count: number }
  readonly peers: ReadonlyArray<PeerName>
}

const count = (subscribers: number) => Math.max(1000, Math.ceil(messages / Math.sqrt(subscribers)))
const acknowledged = (subscribers: number): Row => ({
  what: `acknowledged, 1 → ${subscribers}`,
  subscribers,
  order: { do: "acknowledged", count: count(subscribers), inFlight: 64 },
  // The core of NATS acknowledges nothing.
  peers: ["photon", "native", "redis"]
})
const batched = (subscribers: number): Row => ({
  what: `not waited for, 1 → ${subscribers}`,
  subscribers,
  order: { do: "batched", count: count(subscribers) },
  peers: peerNames
})

const print = (
  row: Row,
  measured: Readonly<Partial<Record<PeerName, ReadonlyArray<Measured>>>>,
  of: "rate" | "p99"
): void => {
  console.log(`\n${row.what}${of === "p99" ? ", p99 from publish to receive, ms" : ", deliveries a second"}`)
  for (const peer of row.peers) {
    const all = measured[peer]!
    const values = all.map((one) => one[of])
    const ratios = row.peers
      .filter((other) => other !== peer && (other === "redis" || other === "nats"))
      .map((other) => `${spread(values.map((value, at) => value / measured[other]![at]![of]))} of ${other}`)
    const micros = (which: "server" | "all") => median(all.map((one) => one[which])).toFixed(1)
    console.log(
      [
        `  ${peer.padEnd(7)} ${median(values)
          .toFixed(of === "p99" ? 2 : 0)
          .padStart(9)}`,
        `${micros("server").padStart(6)} µs the server, ${micros("all").padStart(6)} all`,
        ...(peer === "photon" || peer === "native" ? ratios : [])
      ].join("   ")
    )
  }
}

const compare = async (row: Row, of: "rate" | "p99"): Promise<void> => {
  if (!row.what.endsWith(only)) return
  const measured: Partial<Record<PeerName, Array<Measured>>> = {}
  for (let round = 0; round < rounds; round++) {
    for (const peer of row.peers) (measured[peer] ??= []).push(await measure(peer, row.subscribers, row.order))
  }
  print(row, measured, of)
}

await startAll()
try {
  console.log(`median of ${rounds} rounds (lowest to highest), Node ${process.version}`)
  for (const subscribers of [10, 1, 100]) await compare(acknowledged(subscribers), "rate")
  for (const subscribers of [1, 10, 100]) await compare(batched(subscribers), "rate")
  const tenth = (await measure("photon", 1, batched(1).order)).rate / 10
  const paced: Row = {
    what: `one after another, 1 → 1, ${tenth.toFixed(0)} a second`,
    subscribers: 1,
    order: { do: "paced", perSecond: tenth, count: Math.ceil(tenth * 2) },
    peers: peerNames
  }
  await compare(paced, "p99")
} finally {
  stopAll()
}

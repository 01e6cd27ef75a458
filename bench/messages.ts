/**
 * Messages from one publisher to 1, 10 and 100 subscribers, beside Redis and NATS through their own Node clients:
 *
 *     node bench/messages.ts [ROUNDS] [MESSAGES]
 *
 * The server in one process, the publisher in one, all subscribers in one with a connection each; the same message of
 * about 60 bytes, read as JSON by whoever gets it. Redis and hob over a Unix socket, NATS over TCP, for it has no other.
 * Acknowledged: 64 under way at once. Needs redis-server and nats-server, and a build.
 */
import { type ChildProcess, execFileSync, fork, spawn } from "node:child_process"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type PeerName, peerNames } from "./support/messages/peers.ts"
import type { Order } from "./support/messages/role.ts"
import { median, spread } from "./support/statistics.ts"

const rounds = Number(process.argv[2] ?? 5)
const messages = Number(process.argv[3] ?? 50_000)
const root = join(import.meta.dirname, "..")
const directory = mkdtempSync(join(tmpdir(), "hob-bench-"))
const home = join(directory, "h")
const env = { ...process.env, HOME: directory, HOB_HOME: home }
const hob = (...args: ReadonlyArray<string>): string =>
  execFileSync(join(root, "bin/hob"), args, { env, encoding: "utf8" })

const natsPort = 24_222
const addresses: Record<PeerName, string> = {
  photon: join(directory, ".photon/daemons/bench.sock"),
  native: "",
  redis: join(directory, "redis.sock"),
  nats: `127.0.0.1:${natsPort}`
}
const servers: Array<ChildProcess> = []

const until = async (check: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await check())) await new Promise((resolve) => setTimeout(resolve, 20))
}
const listens = (): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(natsPort, "127.0.0.1", () => resolve(true))
    socket.on("error", () => resolve(false))
  })

const startAll = async (): Promise<void> => {
  hob("start")
  addresses.native = (JSON.parse(hob("status", "--json")) as { socket: string }).socket
  hob("dialect", "enable", "photon", "bench")
  servers.push(
    spawn("redis-server", ["--port", "0", "--unixsocket", addresses.redis, "--save", "", "--dir", directory], {
      stdio: "ignore"
    }),
    spawn("nats-server", ["-a", "127.0.0.1", "-p", String(natsPort)], { stdio: "ignore" })
  )
  await until(() => existsSync(addresses.redis) && existsSync(addresses.photon))
  await until(listens)
}

const stopAll = (): void => {
  for (const server of servers) server.kill()
  hob("stop", "--all")
  rmSync(directory, { recursive: true, force: true })
}

/** A process of one role, and one word from it for each order. */
class Role {
  readonly #child: ChildProcess
  #heard: Array<unknown> = []
  #wake = (): void => {}

  constructor(role: "publisher" | "subscriber", peer: PeerName) {
    this.#child = fork(join(import.meta.dirname, "support/messages/role.ts"), [role, peer, addresses[peer]])
    this.#child.on("message", (said) => {
      this.#heard.push(said)
      this.#wake()
    })
  }

  order(order: Order): void {
    this.#child.send(order)
  }

  async said<A>(): Promise<A> {
    while (this.#heard.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve))
    return this.#heard.shift() as A
  }

  end(): void {
    this.#child.kill("SIGKILL")
  }
}

interface Measured {
  /** Deliveries each second, from the first publish to the last one that arrived. */
  readonly rate: number
  readonly p99: number
}

const measure = async (
  peer: PeerName,
  subscribers: number,
  order: Order & { readonly count: number }
): Promise<Measured> => {
  const subscriber = new Role("subscriber", peer)
  const publisher = new Role("publisher", peer)
  await Promise.all([subscriber.said(), publisher.said()])
  const latency = order.do === "paced"
  subscriber.order({ do: "subscribe", connections: subscribers, channel: "bench.a", latency })
  await subscriber.said()
  const run = async (one: Order & { readonly count: number }): Promise<Measured> => {
    const expected = one.count * subscribers
    subscriber.order({ do: "count", expected })
    await subscriber.said()
    publisher.order(one)
    const { began } = await publisher.said<{ began: number }>()
    const { at, p99 } = await subscriber.said<{ at: number; p99: number }>()
    return { rate: expected / ((at - began) / 1e9), p99 }
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
  of: keyof Measured
): void => {
  console.log(`\n${row.what}${of === "p99" ? ", p99 from publish to receive, ms" : ", deliveries a second"}`)
  for (const peer of row.peers) {
    const values = measured[peer]!.map((one) => one[of])
    const ratios = row.peers
      .filter((other) => other !== peer && (other === "redis" || other === "nats"))
      .map((other) => `${spread(values.map((value, at) => value / measured[other]![at]![of]))} of ${other}`)
    console.log(
      `  ${peer.padEnd(7)} ${median(values)
        .toFixed(of === "p99" ? 2 : 0)
        .padStart(9)}   ${peer === "photon" || peer === "native" ? ratios.join("   ") : ""}`
    )
  }
}

const compare = async (row: Row, of: keyof Measured): Promise<void> => {
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

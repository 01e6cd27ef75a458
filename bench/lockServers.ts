/**
 * Acquire and release through the socket, 64 in flight on one connection: as a share of Redis (SET NX PX and a script
 * that compares and deletes, through its own Node client, nothing kept on disk), natively and in the photon dialect, with
 * what is acknowledged safe from the death of every process, and from that of the machine; and with 100,000 locks held,
 * as a share of none.
 *
 *     node bench/lockServers.ts [rounds] [pairs per run]
 *
 * They take turns within each round: servers and clients are processes of their own. Needs redis-server, and a build.
 */
import { type ChildProcess, execFileSync, fork, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { LockOrder, LockPeer } from "./support/lockClient.ts"
import { median, spread } from "./support/statistics.ts"

const IN_FLIGHT = 64
const HELD = 100_000
const rounds = Number(process.argv[2] ?? 5)
const pairs = Number(process.argv[3] ?? 30_000)
const root = join(import.meta.dirname, "..")
const directory = mkdtempSync(join(tmpdir(), "hob-bench-"))

interface Server {
  readonly pid: number
  readonly native: string
  readonly photon: string
  readonly stop: () => void
}

/** A daemon in a home of its own. */
const startHob = (name: string, ...settings: ReadonlyArray<string>): Server => {
  const env = { ...process.env, HOME: join(directory, name), HOB_HOME: join(directory, name, "h") }
  const flags = settings.flatMap((setting) => ["-c", setting])
  const hob = (...args: ReadonlyArray<string>): string =>
    execFileSync(join(root, "bin/hob"), args, { env, encoding: "utf8" })
  mkdirSync(env.HOME)
  hob(...flags, "start")
  hob("dialect", "enable", "photon", "bench")
  const { pid, socket } = JSON.parse(hob("status", "--json")) as { pid: number; socket: string }
  const photon = join(env.HOME, ".photon/daemons/bench.sock")
  return { pid, native: socket, photon, stop: () => void hob("stop", "--all") }
}

const redis: ChildProcess = spawn(
  "redis-server",
  ["--port", "0", "--unixsocket", join(directory, "redis.sock"), "--save", "", "--dir", directory],
  { stdio: "ignore" }
)

/** Processor time of a process in clock ticks of 10 ms. */
const ticks = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return Number(fields[11]) + Number(fields[12])
}

interface Measured {
  /** Pairs a second. */
  readonly rate: number
  /** Processor time of the server for a pair, in microseconds. */
  readonly cost: number
}

const run = async (peer: LockPeer, address: string, pid: number, order: LockOrder): Promise<Measured> => {
  const client = fork(join(import.meta.dirname, "support/lockClient.ts"), [peer, address])
  await once(client, "message")
  const one = async (wanted: LockOrder): Promise<number> => {
    client.send(wanted)
    return (await once(client, "message"))[0] as number
  }
  // The first run is for the compilers.
  if (order.keep !== true) await one({ ...order, pairs: Math.ceil(order.pairs / 5) })
  const before = ticks(pid)
  const nanos = await one(order)
  const cost = ((ticks(pid) - before) * 10_000) / order.pairs
  client.kill("SIGKILL")
  return { rate: order.pairs / (nanos / 1e9), cost }
}

const hob = startHob("crash")
const safe = startHob("power", "storage.durability=power-loss")
const full = startHob("full", `locks.maxCount=${2 * HELD}`)
try {
  while (!existsSync(join(directory, "redis.sock"))) await new Promise((again) => setTimeout(again, 20))
  await run("native", full.native, full.pid, { pairs: HELD, inFlight: 256, keep: true })
  const lanes: ReadonlyArray<readonly [what: string, peer: LockPeer, address: string, pid: number]> = [
    ["redis", "redis", join(directory, "redis.sock"), redis.pid!],
    ["photon", "photon", hob.photon, hob.pid],
    ["native", "native", hob.native, hob.pid],
    ["photon, power-loss", "photon", safe.photon, safe.pid],
    ["native, power-loss", "native", safe.native, safe.pid],
    [`native, ${HELD} held`, "native", full.native, full.pid]
  ]
  const measured = new Map<string, Array<Measured>>(lanes.map(([what]) => [what, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [what, peer, address, pid] of lanes) {
      measured.get(what)!.push(await run(peer, address, pid, { pairs, inFlight: IN_FLIGHT }))
    }
  }
  console.log(`median of ${rounds} rounds (lowest to highest), Node ${process.version}`)
  console.log("pairs a second; microseconds of the server's processor time for a pair")
  for (const [what, runs] of measured) {
    const base = what.endsWith("held") ? "native" : "redis"
    const ratios = runs.map(({ rate }, round) => rate / measured.get(base)![round]!.rate)
    console.log(
      `  ${what.padEnd(20)} ${median(runs.map(({ rate }) => rate))
        .toFixed(0)
        .padStart(8)} ${median(runs.map(({ cost }) => cost))
        .toFixed(1)
        .padStart(6)}   ${what === "redis" ? "" : `${spread(ratios)} of ${base}`}`
    )
  }
} finally {
  redis.kill()
  for (const server of [hob, safe, full]) server.stop()
  rmSync(directory, { recursive: true, force: true })
}

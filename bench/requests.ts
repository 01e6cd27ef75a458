/**
 * Requests per second on the native socket and that of a photon, as a share of a bare `node:net` server that parses each
 * line and answers it.
 *
 *     node bench/requests.ts [rounds] [seconds per run]
 *
 * One connection, 256 requests in flight. Server and client are processes of their own; the client is bare: it writes
 * prepared lines and counts newlines, so that the server is what is measured. The servers take turns within each round.
 * Beside the share of the rate stands that of the requests for each second of the server's processor time, which holds on a
 * busy machine too. Linux. Those of the photon, and `channels.publish`, are asked of a hob as it is built: nobody listens to what is published.
 */
import { Effect, Layer } from "effect"
import { NodeSocketServer } from "@effect/platform-node"
import { Rpc, RpcGroup, RpcSerialization, RpcServer } from "effect/rpc"
import { fork } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import * as net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Concerns } from "../src/actors/Concerns.ts"
import { DirectMethods } from "../src/actors/DirectMethods.ts"
import { Connections, layer as nativeSocket } from "../src/connection/layer.ts"
import { Ping } from "../src/protocol/daemon.ts"
import { startHob } from "./support/hob.ts"
import { usage } from "./support/processes.ts"
import { spread } from "./support/statistics.ts"

const IN_FLIGHT = 256
const self = import.meta.filename

const echoServer = (path: string): void => {
  net
    .createServer((socket) => {
      let rest = ""
      socket.setEncoding("utf8")
      socket.on("data", (chunk: string) => {
        const lines = (rest + chunk).split("\n")
        rest = lines.pop()!
        let out = ""
        for (const line of lines) {
          const { id, type } = JSON.parse(line) as { readonly id: number; readonly type?: string }
          const answer = type === undefined ? { jsonrpc: "2.0", id, result: { pong: true } } : { type: "pong", id }
          out += `${JSON.stringify(answer)}\n`
        }
        if (out !== "") socket.write(out)
      })
      socket.on("error", () => {})
    })
    .listen(path, () => process.send?.("ready"))
}

const Pings = RpcGroup.make(Ping, Rpc.make("bench.ping", { success: Ping.successSchema }))
const pong = Effect.succeed({ pong: true } as const)
const pings = Pings.toLayer({ "daemon.ping": () => pong, "bench.ping": () => pong })

/** The door as the daemon opens it, with its `daemon.ping`, and the same answer from a method that is not immediate. */
const doorServer = (path: string): void => {
  const ready = Layer.effectDiscard(Effect.sync(() => process.send?.("ready")))
  const door = ready.pipe(
    Layer.provide(nativeSocket(Pings, { path })),
    Layer.provide(pings),
    Layer.provide(Layer.mergeAll(Connections.layer, Concerns.layer, DirectMethods.layer))
  )
  Effect.runFork(Layer.launch(door))
}

/** effect's own server and protocol with the same methods, for comparison. */
const stockServer = (path: string): void => {
  const ready = Layer.effectDiscard(Effect.sync(() => process.send?.("ready")))
  const server = Layer.merge(ready, RpcServer.layer(Pings)).pipe(
    Layer.provide(pings),
    Layer.provide(RpcServer.layerProtocolSocketServer),
    Layer.provide([NodeSocketServer.layer({ path }), RpcSerialization.layerNdJsonRpc()])
  )
  Effect.runFork(Layer.launch(server))
}

const message = '{"event":"task-moved","taskId":"1234567890","sent":"12345678"}'

/** One line each, by what it asks. */
const requests = {
  ping: (id: number) => `{"jsonrpc":"2.0","id":${id},"method":"daemon.ping","params":{}}`,
  fiber: (id: number) => `{"jsonrpc":"2.0","id":${id},"method":"bench.ping","params":{}}`,
  publish: (id: number) =>
    `{"jsonrpc":"2.0","id":${id},"method":"channels.publish","params":{"channel":"bench.a","message":${message}}}`,
  photonPing: (id: number) => `{"type":"ping","id":"${id}"}`,
  photonPublish: (id: number) => `{"type":"publish","id":"${id}","channel":"bench.a","message":${message}}`
} as const

/** Counts answers for so many milliseconds, after as long again to warm up has passed. */
const client = (path: string, kind: keyof typeof requests, millis: number): void => {
  const socket = net.connect(path)
  const request = requests[kind]
  let id = 0
  const ask = (count: number) => {
    let text = ""
    for (let i = 0; i < count; i++) text += `${request(++id)}\n`
    socket.write(text)
  }
  let answers = 0
  let measured: number | undefined
  socket.on("data", (chunk: Buffer) => {
    let lines = 0
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines++
    answers += lines
    if (measured === undefined) ask(lines)
    else if (answers === id) socket.end()
  })
  socket.on("close", () => process.send?.({ rate: measured, answers }, () => process.disconnect?.()))
  socket.on("connect", () => {
    ask(IN_FLIGHT)
    setTimeout(() => {
      const before = answers
      const began = performance.now()
      setTimeout(() => {
        measured = (answers - before) / ((performance.now() - began) / 1000)
      }, millis)
    }, millis / 2)
  })
}

const roles: Record<string, (args: ReadonlyArray<string>) => void> = {
  echo: ([path]) => echoServer(path!),
  door: ([path]) => doorServer(path!),
  stock: ([path]) => stockServer(path!),
  client: ([path, kind, millis]) => client(path!, kind as keyof typeof requests, Number(millis))
}

const start = (...args: ReadonlyArray<string>) => {
  const child = fork(self, args)
  return { child, message: new Promise<unknown>((resolve) => child.once("message", resolve)) }
}

const compare = async (rounds: number, seconds: number): Promise<void> => {
  const directory = mkdtempSync(join(tmpdir(), "hob-bench-"))
  const paths = {
    echo: join(directory, "e.sock"),
    door: join(directory, "run", "d.sock"),
    stock: join(directory, "s.sock")
  }
  const echo = start("echo", paths.echo)
  const door = start("door", paths.door)
  const stock = start("stock", paths.stock)
  const hob = startHob()
  await Promise.all([echo.message, door.message, stock.message])
  interface Case {
    readonly name: string
    readonly pid: number
    readonly path: string
    readonly kind: keyof typeof requests
    /** The case that it is a share of. */
    readonly of: number
  }
  const bare = { pid: echo.child.pid!, path: paths.echo }
  const doors = { pid: door.child.pid!, path: paths.door }
  const photon = { pid: hob.pid, path: hob.photon }
  const cases: ReadonlyArray<Case> = [
    { name: "bare node:net echo", ...bare, kind: "ping", of: 0 },
    { name: "hob, daemon.ping (immediate)", ...doors, kind: "ping", of: 0 },
    { name: "hob, a method through RpcServer", ...doors, kind: "fiber", of: 0 },
    { name: "effect/rpc as it comes", pid: stock.child.pid!, path: paths.stock, kind: "fiber", of: 0 },
    { name: "hob, channels.publish", pid: hob.pid, path: hob.native, kind: "publish", of: 0 },
    { name: "bare echo of photon's lines", ...bare, kind: "photonPing", of: 5 },
    { name: "photon dialect, ping", ...photon, kind: "photonPing", of: 5 },
    { name: "photon dialect, publish", ...photon, kind: "photonPublish", of: 5 }
  ]
  const rates: Array<Array<number>> = cases.map(() => [])
  const perSecond: Array<Array<number>> = cases.map(() => [])
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [index, { kind, path, pid }] of cases.entries()) {
        const before = usage(pid).cpuSeconds
        const said = await start("client", path, kind, String(seconds * 1000)).message
        const { answers, rate } = said as { readonly answers: number; readonly rate: number }
        rates[index]!.push(rate)
        perSecond[index]!.push(answers / (usage(pid).cpuSeconds - before))
      }
    }
  } finally {
    echo.child.kill()
    door.child.kill()
    stock.child.kill()
    hob.stop()
    rmSync(directory, { recursive: true, force: true })
  }
  console.log(
    `${IN_FLIGHT} in flight, one connection, median of ${rounds} rounds (lowest to highest), Node ${process.version}`
  )
  for (const [index, { name, of }] of cases.entries()) {
    const rate = rates[index]!
    const share = rate.map((value, round) => value / rates[of]![round]!)
    const spent = perSecond[index]!.map((value, round) => value / perSecond[of]![round]!)
    console.log(
      `${name.padEnd(34)} ${spread(rate, 0).padEnd(30)} requests/s   share ${spread(share)}   by processor time ${spread(spent)}`
    )
  }
}

const [role, ...args] = process.argv.slice(2)
const run = roles[role ?? ""]
if (run === undefined) await compare(Number(role ?? 7), Number(args[0] ?? 2))
else run(args)

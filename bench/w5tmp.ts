/**
 * Webhook requests a second: signature checked, on record, run, and the outcome on record before the answer; as a share of
 * a bare `node:http` server that checks the same HMAC and records nothing.
 *
 *     node bench/webhooks.ts [rounds] [requests per run]
 *
 * 64 connections, one request in flight on each, every delivery a new one. Servers are processes of their own and take
 * turns within each round; hob is the whole daemon. "nothing": the method returns at once in this process; "worker": it is
 * a function of a module, in a process of its own. Ratios are of the server's processor time, and of wall time beside it.
 */
import { Effect, Layer } from "effect"
import { type ChildProcess, fork } from "node:child_process"
import { createHmac, timingSafeEqual } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Announcer } from "../src/actors/Announcer.ts"
import { Concerns } from "../src/actors/Concerns.ts"
import { DirectMethods } from "../src/actors/DirectMethods.ts"
import * as Channels from "../src/channels/layer.ts"
import { call } from "../src/client/wire/bare.ts"
import { HobConfig } from "../src/config/HobConfig.ts"
import { makePaths } from "../src/config/paths.ts"
import * as Daemon from "../src/daemon/Daemon.ts"
import { Methods } from "../src/methods/Methods.ts"
import { Database } from "../src/storage/Database.ts"
import * as Webhooks from "../src/webhooks/layer.ts"
import { spread } from "./support/statistics.ts"

const SECRET = "It's a Secret to Everybody"
const CONNECTIONS = 64
const body = JSON.stringify({
  ref: "refs/heads/main",
  commits: Array.from({ length: 8 }, (_, n) => ({ id: `${n}`.repeat(40), message: "a change" }))
})
const signature = `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`
const self = import.meta.filename

const bare = (): void => {
  const server = createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const whole = Buffer.concat(chunks)
      const expected = createHmac("sha256", SECRET).update(whole).digest()
      const given = Buffer.from(String(request.headers["x-hub-signature-256"]).slice("sha256=".length), "hex")
      const isRight = given.length === expected.length && timingSafeEqual(given, expected)
      const text = JSON.stringify(isRight ? { success: true, data: JSON.parse(whole.toString()).ref.length } : {})
      response.writeHead(isRight ? 200 : 401, { "content-type": "application/json", "content-length": text.length })
      response.end(text)
    })
  })
  server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }))
}

const flags = ["webhooks.enabled=true", "webhooks.port=0", "webhooks.perMinuteCount=0"]

const nothing = (home: string): void => {
  const methods = Layer.mock(Methods)({
    invoke: () => Effect.succeed(15),
    find: () => Effect.succeedNone
  })
  const paths = makePaths({ HOB_HOME: home })
  const stack = Webhooks.layer({ paths, env: {} }).pipe(
    Layer.provideMerge(methods),
    Layer.provideMerge(Channels.layer),
    Layer.provideMerge(Layer.mergeAll(Announcer.layer, Concerns.layer, DirectMethods.layer)),
    Layer.provideMerge(Database.layerFile({ path: join(home, "hob.db"), durability: "process-crash" })),
    Layer.provideMerge(HobConfig.layerTest({ webhooks: { enabled: true, port: 0, perMinuteCount: 0 } }))
  )
  const ready = Effect.gen(function* () {
    const { Listening } = yield* Effect.promise(() => import("../src/webhooks/Listening.ts"))
    const { Webhooks } = yield* Effect.promise(() => import("../src/webhooks/Webhooks.ts"))
    const { keysOf } = yield* Effect.promise(() => import("../src/webhooks/routes.ts"))
    const listening = yield* Listening
    const { routes } = yield* Webhooks
    const keys = keysOf("github", [SECRET])
    if (typeof keys === "string") throw new Error(keys)
    const route = { scheme: "github", secrets: [SECRET], keys, retries: 0, guarantee: "at-most-once" } as const
    routes.put({
      ...route,
      namespace: "default" as never,
      method: "push" as never,
      timeoutMillis: undefined,
      allowedMillis: 0
    })
    let url: string | null = null
    while (url === null) {
      yield* Effect.sleep("10 millis")
      ;({ url } = yield* listening.status)
    }
    process.send?.({ port: Number(new URL(url).port) })
    yield* Effect.never
  })
  Effect.runFork(Effect.scoped(Effect.provide(ready, stack)))
}

const worker = (home: string): void => {
  const paths = makePaths({ HOB_HOME: home })
  const file = join(home, "..", "push.ts")
  writeFileSync(file, "export const push = ({ ref }: { ref: string }) => ref.length")
  const ready = Effect.promise(async () => {
    await call(paths.socket, "methods.add", { file })
    await call(paths.socket, "webhooks.allow", { method: "push", scheme: "github", secrets: [SECRET] })
    const { listener } = (await call(paths.socket, "webhooks.list", {})) as { listener: { url: string } }
    process.send?.({ port: Number(new URL(listener.url).port) })
  })
  const daemon = Daemon.layer({ paths, env: {}, flags })
  Effect.runFork(Effect.scoped(Effect.andThen(Layer.build(daemon), Effect.andThen(ready, Effect.never))))
}

interface Server {
  readonly child: ChildProcess
  readonly port: number
  readonly cpu: () => Promise<number>
}

const start = (role: string, home: string): Promise<Server> =>
  new Promise((done) => {
    const child = fork(self, [role, home], { env: { ...process.env, HOB_HOME: home } })
    child.once("message", ({ port }: { readonly port: number }) =>
      done({
        child,
        port,
        cpu: () =>
          new Promise((told) => {
            child.once("message", ({ cpu }: { readonly cpu: number }) => told(cpu))
            child.send("cpu")
          })
      })
    )
  })

let sent = 0
const text = (): string =>
  `POST /webhook/push HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nUser-Agent: GitHub-Hookshot/abc\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: 72d3162e-cc78-11e3-${sent++}\r\nX-Hub-Signature-256: ${signature}\r\nContent-Length: ${body.length}\r\n\r\n${body}`

/** All of them, over so many connections; how long it took, in seconds. */
const run = (port: number, requests: number): Promise<number> =>
  new Promise((done, fail) => {
    let left = requests
    let answered = 0
    const began = performance.now()
    for (let lane = 0; lane < CONNECTIONS; lane++) {
      const socket = connect(port, "127.0.0.1")
      const next = (): void => void (left-- > 0 ? socket.write(text()) : socket.end())
      let seen = ""
      socket.on("connect", next)
      socket.on("data", (chunk) => {
        seen += chunk.toString("latin1")
        const end = seen.indexOf("\r\n\r\n")
        const length = end === -1 ? null : /content-length: (\d+)/i.exec(seen)
        if (length === null || seen.length < end + 4 + Number(length[1])) return
        if (!seen.startsWith("HTTP/1.1 200")) return fail(new Error(seen))
        seen = ""
        if (++answered === requests) done((performance.now() - began) / 1000)
        next()
      })
      socket.on("error", fail)
    }
  })

const main = async (): Promise<void> => {
  const rounds = Number(process.argv[2] ?? 5)
  const requests = Number(process.argv[3] ?? 20_000)
  const directory = mkdtempSync(join(tmpdir(), "hob-bench-"))
  const roles = ["bare", "nothing"] as const
  const servers = new Map<string, Server>()
  for (const role of roles) {
    const home = join(directory, role, "home")
    const { mkdirSync } = await import("node:fs")
    mkdirSync(home, { recursive: true, mode: 0o700 })
    servers.set(role, await start(role, home))
  }
  const shares: Record<string, Array<number>> = {
    "nothing cpu": [],
    "nothing wall": [],
    "worker cpu": [],
    "worker wall": []
  }
  try {
    for (const { port } of servers.values()) await run(port, 2000)
    for (let round = 0; round < rounds; round++) {
      const rates: Record<string, { readonly cpu: number; readonly wall: number }> = {}
      for (const [role, { cpu, port }] of servers) {
        const before = await cpu()
        const seconds = await run(port, requests)
        rates[role] = { cpu: requests / (((await cpu()) - before) / 1e6), wall: requests / seconds }
      }
      console.log(
        roles
          .map((role) => `${role} ${Math.round(rates[role]!.cpu)}/cpu s, ${Math.round(rates[role]!.wall)}/s`)
          .join("; ")
      )
      for (const role of ["nothing"]) {
        for (const kind of ["cpu", "wall"] as const) {
          shares[`${role} ${kind}`]!.push(rates[role]![kind] / rates["bare"]![kind])
        }
      }
    }
    for (const [what, values] of Object.entries(shares)) console.log(`${what}, of bare: ${spread(values)}`)
  } finally {
    const { socket } = makePaths({ HOB_HOME: join(directory, "worker", "home") })
    await call(socket, "daemon.stop", { sessions: true }).catch(() => undefined)
    for (const { child } of servers.values()) child.kill("SIGTERM")
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
  }
}

process.on("message", (message) => {
  if (message === "cpu") process.send?.({ cpu: process.cpuUsage().user + process.cpuUsage().system })
})
const [, , role, home = ""] = process.argv
if (role === "bare") bare()
else if (role === "nothing") nothing(home)
else if (role === "worker") worker(home)
else await main()

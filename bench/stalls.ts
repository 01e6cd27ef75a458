/**
 * How long many requests at once hold the daemon's loop: the longest turn of it while they are answered, by processor
 * time, so that what else the machine is doing does not count; by the clock beside it. Of each kind there is a thousand,
 * or as many as the second argument says, sent in one piece by another process.
 *
 *     node bench/stalls.ts [rounds] [requests]
 *
 * The first round, of a daemon that has just started, is told beside the others.
 */
import { Context, Effect, Layer } from "effect"
import { spawn } from "node:child_process"
import { createHmac } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { Agent, request } from "node:http"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { call } from "../src/client/wire/bare.ts"
import { makePaths } from "../src/config/paths.ts"
import * as Daemon from "../src/daemon/Daemon.ts"
import { Schedule } from "../src/schedule/Schedule.ts"
import { longestStall, type Stalls } from "./support/loopStalls.ts"
import { spread } from "./support/statistics.ts"

const STORED = 10_000
const MODULES = 20
const SECRET = "It's a Secret to Everybody"
const CONNECTIONS = 64

const bad = ["0 0 31 2 *", "30 2 30 2 */2", "0 0 31 4,6,9,11 *", "0 0 L * *", "*/0 * * * *"]
const zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]

/** What is asked for: method and parameters, of the `at`th. */
const requests: Readonly<Record<string, (at: number) => readonly [string, unknown]>> = {
  pings: () => ["daemon.ping", {}],
  "jobs refused": (at) => [
    "schedule.add",
    { id: `bad ${at}`, cron: bad[at % bad.length], timeZone: "Europe/Berlin", method: "work" }
  ],
  "jobs refused, each another text": (at) => [
    "schedule.add",
    { id: `bad ${at}`, cron: `${at % 60} ${at % 24} 31 2 *`, timeZone: "Europe/Berlin", method: "work" }
  ],
  "jobs of zones that are none": (at) => [
    "schedule.add",
    { id: `bad ${at}`, cron: "0 0 * * *", timeZone: `Europe/Berlim${at}`, method: "work" }
  ],
  "good jobs": (at) => [
    "schedule.add",
    {
      id: `job ${at}`,
      cron: `${at % 60} ${at % 24} ${(at % 28) + 1} * *`,
      timeZone: zones[at % zones.length],
      method: "work"
    }
  ],
  "jobs removed": (at) => ["schedule.remove", { id: `job ${at}` }],
  "locks acquired": (at) => ["locks.acquire", { name: `lock ${at}`, holder: "bench", ttlMillis: 60_000 }],
  "events published": (at) => ["channels.publish", { channel: "bench", message: { at } }],
  "methods called": () => ["methods.call", { method: "work" }],
  "sessions asked for that are not there": (at) => ["sessions.show", { session: `none-${at}` }]
}

/** Sends them in one piece, and ends when all are answered. */
const pipeline = (path: string, what: string, count: number): void => {
  const make = requests[what]!
  const lines = Array.from({ length: count }, (_, at) => {
    const [method, params] = make(at)
    return `${JSON.stringify({ jsonrpc: "2.0", id: at, method, params })}\n`
  })
  const socket = connect(path, () => socket.write(lines.join("")))
  let answers = 0
  let rest = ""
  socket.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\n")
    rest = parts.pop()!
    for (const line of parts) {
      const { chunk, id } = JSON.parse(line) as { readonly id: number; readonly chunk?: boolean }
      if (chunk !== true) answers++
      else socket.write(`${JSON.stringify({ jsonrpc: "2.0", method: "@effect/rpc/Ack", params: { requestId: id } })}\n`)
    }
    if (answers === count) process.exit(0)
  })
}

const flood = async (port: number, count: number): Promise<void> => {
  const body = JSON.stringify({ ref: "refs/heads/main" })
  const signature = `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const post = (at: number) =>
    new Promise<void>((resolve, reject) => {
      const headers = {
        "content-type": "application/json",
        "x-hub-signature-256": signature,
        "x-github-delivery": `${process.pid}-${at}`
      }
      const sent = request({ port, agent, method: "POST", path: "/webhook/work", headers }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`answered with ${response.statusCode}`))
        response.resume().on("end", resolve)
      })
      sent.on("error", reject).end(body)
    })
  await Promise.all(Array.from({ length: count }, (_, at) => post(at)))
  process.exit(0)
}

const child = (...args: ReadonlyArray<string>): Promise<void> =>
  new Promise((resolve, reject) => {
    const its = spawn(process.execPath, [import.meta.filename, ...args], { stdio: "inherit" })
    its.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`${args.join(" ")} ended with ${code}`))))
  })

const main = (rounds: number, count: number) =>
  Effect.gen(function* () {
    const directory = mkdtempSync(join(tmpdir(), "hob-bench-"))
    yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(directory, { recursive: true, force: true })))
    const file = join(directory, "work.ts")
    writeFileSync(file, "export const work = ({ ref = '' }: { ref?: string } = {}) => ref.length\n")
    const paths = makePaths({ HOB_HOME: join(directory, "home") })
    const flags = ["webhooks.enabled=true", "webhooks.port=0", "webhooks.perMinuteCount=0"]
    const context = yield* Layer.build(Daemon.layer({ paths, env: {}, flags }))
    const schedule = Context.get(context, Schedule)
    const ask = (method: string, params: unknown) => call(paths.socket, method, params)
    yield* Effect.promise(() => ask("methods.add", { file }))
    yield* Effect.promise(() => ask("webhooks.allow", { method: "work", scheme: "github", secrets: [SECRET] }))
    const { listener } = (yield* Effect.promise(() => ask("webhooks.list", {}))) as {
      readonly listener: { readonly url: string }
    }

    const cold = new Map<string, Stalls>()
    const all = new Map<string, Array<Stalls>>()
    const measure = (what: string, run: () => Promise<void>) =>
      Effect.promise(async () => {
        const stalls = await longestStall(run)
        if (cold.has(what)) all.set(what, [...(all.get(what) ?? []), stalls])
        else cold.set(what, stalls)
      })

    const due = Effect.gen(function* () {
      const slot = Math.ceil(Date.now() / 1000 + 12) * 1000
      const at = new Date(slot)
      const cron = `${at.getUTCSeconds()} ${at.getUTCMinutes()} ${at.getUTCHours()} * * *`
      const add = (job: number) =>
        schedule.add({ id: `due ${job}` as never, cron, timeZone: "UTC", method: "work" as never })
      const each = Array.from({ length: count }, (_, job) => job)
      yield* Effect.forEach(each, add, { concurrency: 500, discard: true })
      if (Date.now() >= slot) return yield* Effect.die(new Error("the machine is too busy: the second has passed"))
      yield* Effect.sleep(slot - Date.now() - 500)
      const ended = Effect.gen(function* () {
        for (;;) {
          const jobs = yield* schedule.list({})
          const left = jobs.filter(({ id, lastRun }) => id.startsWith("due ") && lastRun === null).length
          if (left === 0) return
          yield* Effect.sleep(250)
        }
      })
      yield* measure(`${count} jobs due in one second`, () => Effect.runPromise(ended))
      yield* Effect.forEach(each, (job) => schedule.remove({ id: `due ${job}` as never }), {
        concurrency: 500,
        discard: true
      })
    })

    const stored = Effect.gen(function* () {
      const each = Array.from({ length: STORED }, (_, job) => `stored ${job}`)
      const add = (id: string) =>
        schedule.add({ id: id as never, namespace: "stored" as never, cron: "0 0 1 1 *", command: ["true"] as never })
      yield* Effect.forEach(each, add, { concurrency: 500, discard: true })
    })

    yield* stored
    for (let at = 0; at < MODULES; at++) {
      const module = join(directory, `module${at}.ts`)
      writeFileSync(module, `export const work${at} = () => ${at}\n`)
      yield* Effect.promise(() => ask("methods.add", { namespace: "modules", file: module }))
    }
    for (let round = 0; round <= rounds; round++) {
      for (const what of Object.keys(requests)) {
        yield* measure(`${count} ${what}`, () => child("pipeline", paths.socket, what, String(count)))
      }
      yield* measure(`${count} webhook requests`, () => child("flood", new URL(listener.url).port, String(count)))
      yield* due
      yield* measure(`schedule.list of ${STORED} jobs`, async () => {
        await ask("schedule.list", { namespace: "stored", limit: STORED })
      })
      yield* measure("schedule.history of 10000 runs", async () => {
        await ask("schedule.history", { limit: 10_000 })
      })
      yield* measure("sessions.list", async () => {
        await ask("sessions.list", {})
      })
      yield* measure(`methods.reload of ${MODULES} modules`, async () => {
        await ask("methods.reload", { namespace: "modules" })
      })
      console.log(`round ${round}`)
    }
    for (const [what, first] of cold) {
      const later = all.get(what) ?? [first]
      const of = (pick: (stalls: Stalls) => number) => spread(later.map(pick), 1)
      console.log(
        `${what}: ${of(({ cpu }) => cpu)} ms of processor time, first ${first.cpu.toFixed(1)}; by the clock ${of(({ wall }) => wall)}; in all ${of(({ total }) => total)}`
      )
    }
  })

const [mode = "5", second, third, fourth] = process.argv.slice(2)
if (mode === "pipeline") pipeline(second!, third!, Number(fourth))
else if (mode === "flood") await flood(Number(second), Number(third))
else {
  await Effect.runPromise(Effect.scoped(main(Number(mode), Number(second ?? 1000))))
  process.exit(0)
}

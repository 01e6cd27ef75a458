/**
 * Calls of a method that gives back what it is given, 64 in flight: through a module's process, by an embedded daemon; as
 * a share of a bare `worker_threads` echo. By processor time, of both sides together, and by the clock.
 *
 *     node bench/methods.ts [rounds] [calls per run]
 *
 * They take turns within each round. Also with a time limit for each call, and through the native socket, from a client
 * in the same process.
 */
import { Context, Effect, Layer } from "effect"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Worker } from "node:worker_threads"
import { open } from "../src/client/wire/bare.ts"
import { makePaths } from "../src/config/paths.ts"
import * as Daemon from "../src/daemon/Daemon.ts"
import { Methods } from "../src/methods/Methods.ts"
import type { MethodName } from "../src/protocol/methodNames.ts"
import { defaultNamespace } from "../src/protocol/namespaces.ts"
import { spread } from "./support/statistics.ts"

const IN_FLIGHT = 64
const rounds = Number(process.argv[2] ?? 7)
const calls = Number(process.argv[3] ?? 50_000)
const TICK_MICROS = 10_000

const params = { task: "a task of some length", column: "done", position: 12 }
const directory = mkdtempSync(join(tmpdir(), "hob-bench-"))
const module = join(directory, "echo.ts")
writeFileSync(module, "export const echo = async (params: unknown) => params\n")

/** The same calls over postMessage, with promises. */
const bare = () => {
  const worker = new Worker(
    `const { parentPort } = require("node:worker_threads")
     const echo = async (params) => params
     parentPort.on("message", ([id, params]) => echo(params).then((value) => parentPort.postMessage([id, value])))`,
    { eval: true }
  )
  const waiting = new Map<number, (value: unknown) => void>()
  let id = 0
  worker.on("message", ([id, value]: [number, unknown]) => {
    waiting.get(id)!(value)
    waiting.delete(id)
  })
  return {
    call: (params: unknown) =>
      new Promise((resolve) => {
        waiting.set(++id, resolve)
        // oxlint-disable-next-line unicorn/require-post-message-target-origin
        worker.postMessage([id, params])
      }),
    end: () => worker.terminate()
  }
}

/** What a process has used of the processors, in microseconds. */
const usedBy = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return (Number(fields[11]) + Number(fields[12])) * TICK_MICROS
}

/** Microseconds of a call. */
interface Cost {
  readonly processor: number
  readonly clock: number
}

const main = Effect.gen(function* () {
  const paths = makePaths({ HOB_HOME: join(directory, "home") })
  const context = yield* Layer.build(Daemon.layer({ paths, env: {} }))
  const methods = Context.get(context, Methods)
  const client = yield* Effect.promise(() => open(paths.socket))
  const { module: info } = yield* methods.add(defaultNamespace, module)
  const method = "echo" as MethodName
  const thread = bare()

  const cost = <E>(run: Effect.Effect<unknown, E>): Effect.Effect<Cost, E> =>
    Effect.gen(function* () {
      const [own, its, began] = [process.cpuUsage(), usedBy(info.pid!), performance.now()]
      yield* run
      const clock = (performance.now() - began) * 1000
      const { system, user } = process.cpuUsage(own)
      return { processor: (user + system + usedBy(info.pid!) - its) / calls, clock: clock / calls }
    })
  const promises = (call: () => Promise<unknown>) =>
    Effect.promise(() => {
      let left = calls
      const lane = async (): Promise<void> => {
        while (left-- > 0) await call()
      }
      return Promise.all(Array.from({ length: IN_FLIGHT }, lane))
    })
  const effects = <E>(call: Effect.Effect<unknown, E>) =>
    Effect.suspend(() => {
      let left = calls
      const lane = Effect.gen(function* () {
        while (left-- > 0) yield* call
      })
      return Effect.all(
        Array.from({ length: IN_FLIGHT }, () => lane),
        { concurrency: "unbounded", discard: true }
      )
    })
  const call = { namespace: defaultNamespace, method, params }
  const ways = {
    thread: promises(() => thread.call(params)),
    method: effects(methods.invoke({ ...call, caller: { kind: "person" } })),
    limited: effects(methods.invoke({ ...call, caller: { kind: "job" } })),
    socket: promises(() => client.call("methods.call", { method, params }))
  }
  const costs = { thread: [], method: [], limited: [], socket: [] } as Record<keyof typeof ways, Array<Cost>>
  for (let round = 0; round <= rounds; round++) {
    for (const [name, run] of Object.entries(ways) as ReadonlyArray<[keyof typeof ways, typeof ways.method]>) {
      const each = yield* cost(run)
      // The first warms up.
      if (round > 0) costs[name].push(each)
    }
  }
  const shares = (name: keyof typeof ways, what: keyof Cost) =>
    spread(costs[name].map((each, round) => costs.thread[round]![what] / each[what]))
  for (const [name, text] of [
    ["method", "through the module's process"],
    ["limited", "the same, with a time limit for each call"],
    ["socket", "by the native socket, its client counted"]
  ] as const) {
    console.log(
      `${text}, of the bare thread: ${shares(name, "processor")} by processor time, ${shares(name, "clock")} by the clock`
    )
  }
  const micros = (what: keyof Cost) =>
    Object.entries(costs).map(
      ([name, each]) =>
        `${name} ${spread(
          each.map((cost) => cost[what]),
          1
        )}`
    )
  console.log(`microseconds of processor time a call: ${micros("processor").join(", ")}`)
  console.log(`microseconds by the clock: ${micros("clock").join(", ")}`)
  client.close()
  yield* Effect.promise(() => thread.end())
})

await Effect.runPromise(Effect.scoped(main)).finally(() => rmSync(directory, { recursive: true, force: true }))
process.exit(0)

/**
 * Calls of a method that gives back what it is given, 64 in flight: through a module's process, by an embedded daemon; as
 * a share of a bare `worker_threads` echo.
 *
 *     node bench/methods.ts [rounds] [calls per run]
 *
 * They take turns within each round. Also through the native socket, from a client in the same process.
 */
import { Context, Effect, Layer, Stream } from "effect"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Worker } from "node:worker_threads"
import { HobClient } from "../src/client/HobClient.ts"
import { makePaths } from "../src/config/paths.ts"
import * as Daemon from "../src/daemon/Daemon.ts"
import { Methods } from "../src/methods/Methods.ts"
import type { MethodName } from "../src/protocol/methodNames.ts"
import { defaultNamespace } from "../src/protocol/namespaces.ts"
import { spread } from "./support/statistics.ts"

const IN_FLIGHT = 64
const rounds = Number(process.argv[2] ?? 7)
const calls = Number(process.argv[3] ?? 50_000)

const params = { task: "a task of some length", column: "done", position: 12 }
const directory = mkdtempSync(join(tmpdir(), "hob-bench-"))
const module = join(directory, "echo.ts")
writeFileSync(module, "export const echo = async (params: unknown) => params\n")

/** The same promise-shaped calls, over postMessage. */
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
        worker.postMessage([id, params])
      }),
    end: () => worker.terminate()
  }
}

/** Calls a second. */
const rate = async (call: () => Promise<unknown>): Promise<number> => {
  let left = calls
  const lane = async (): Promise<void> => {
    while (left-- > 0) await call()
  }
  const began = performance.now()
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  return (calls / (performance.now() - began)) * 1000
}

const rateOf = (call: Effect.Effect<unknown, unknown>): Effect.Effect<number, unknown> =>
  Effect.gen(function* () {
    let left = calls
    const lane = Effect.gen(function* () {
      while (left-- > 0) yield* call
    })
    const began = performance.now()
    yield* Effect.all(
      Array.from({ length: IN_FLIGHT }, () => lane),
      { concurrency: "unbounded", discard: true }
    )
    return (calls / (performance.now() - began)) * 1000
  })

const main = Effect.gen(function* () {
  const paths = makePaths({ HOB_HOME: join(directory, "home") })
  const context = yield* Layer.build(Daemon.layer({ paths, env: {} }))
  const methods = Context.get(context, Methods)
  const client = Context.get(yield* Layer.build(HobClient.layer({ paths, start: false })), HobClient)
  yield* methods.add(defaultNamespace, module)
  const method = "echo" as MethodName
  const thread = bare()
  const embedded = methods.invoke({ namespace: defaultNamespace, method, params, caller: { kind: "job" }, timeoutMillis: undefined })
  const person = methods.invoke({ namespace: defaultNamespace, method, params, caller: { kind: "person" } })
  const socket = Stream.runDrain(client["methods.call"]({ method, params }))
  const shares: Record<"person" | "job" | "socket", Array<number>> = { person: [], job: [], socket: [] }
  for (let round = 0; round <= rounds; round++) {
    const least = yield* Effect.promise(() => rate(() => thread.call(params)))
    const byPerson = yield* rateOf(person)
    const byJob = yield* rateOf(embedded)
    const bySocket = yield* rateOf(socket)
    const numbers = [least, byPerson, byJob, bySocket].map((number) => Math.round(number).toLocaleString("en"))
    // The first warms up.
    if (round === 0) continue
    shares.person.push(byPerson / least)
    shares.job.push(byJob / least)
    shares.socket.push(bySocket / least)
    console.log(`calls a second: thread ${numbers[0]}, hob ${numbers[1]}, with a time limit ${numbers[2]}, by the socket ${numbers[3]}`)
  }
  console.log(`through the module's process, of the bare thread: ${spread(shares.person)}`)
  console.log(`with a time limit for each: ${spread(shares.job)}`)
  console.log(`by the native socket, client and daemon in one process: ${spread(shares.socket)}`)
  yield* Effect.promise(() => thread.end())
})

await Effect.runPromise(Effect.scoped(main)).finally(() => rmSync(directory, { recursive: true, force: true }))
process.exit(0)

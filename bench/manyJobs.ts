/**
 * What a thousand jobs at once do to a daemon. A thousand that can't be scheduled are refused: for how long its loop is held
 * meanwhile, by processor time and by the clock, beside as many pings. And a thousand that are due in the same second, of a method that hangs: how long
 * after the second the last of them is in its method, and whether each is timed out, and its next slot skipped and
 * counted.
 *
 *     node bench/manyJobs.ts [rounds] [jobs]
 *
 * The daemon is in this process; who adds the jobs is another one.
 */
import { Context, Effect, Layer } from "effect"
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type BareClient, open } from "../src/client/wire/bare.ts"
import { makePaths } from "../src/config/paths.ts"
import * as Daemon from "../src/daemon/Daemon.ts"
import { Methods } from "../src/methods/Methods.ts"
import type { MethodName } from "../src/protocol/methodNames.ts"
import { defaultNamespace } from "../src/protocol/namespaces.ts"
import type { JobId } from "../src/protocol/schedule.ts"
import { Schedule } from "../src/schedule/Schedule.ts"
import { longestStall } from "./support/loopStalls.ts"
import { spread } from "./support/statistics.ts"

const IN_FLIGHT = 64
const TIMEOUT_MILLIS = 3000
const [mode = "5", second, third] = process.argv.slice(2)

const method = "hang" as MethodName
const bad = ["0 0 31 2 *", "30 2 30 2 */2", "*/1,".repeat(20_000), "0 0 31 4,6,9,11 *", "0 0 L * *"]

/** The bad jobs in turn, each with a zone whose clocks change. */
const addBad = (client: BareClient, at: number): Promise<unknown> =>
  client.call("schedule.add", { id: `bad ${at}`, cron: bad[at % bad.length]!, timeZone: "Europe/Berlin", method }).then(
    () => Promise.reject(new Error(`${bad[at % bad.length]!} was accepted`)),
    (error: { readonly data?: { readonly _tag?: string } }) => {
      if (error.data?._tag !== "InvalidCron") throw error
    }
  )

const client = async (socket: string, what: string, count: number): Promise<void> => {
  const its = await open(socket)
  let at = 0
  const lane = async (): Promise<void> => {
    while (at < count) {
      const mine = at++
      await (what === "ping" ? its.call("daemon.ping", {}) : addBad(its, mine))
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  process.exit(0)
}

const child = (...args: ReadonlyArray<string>): Promise<void> =>
  new Promise((resolve, reject) => {
    const its = spawn(process.execPath, [import.meta.filename, ...args], { stdio: "inherit" })
    its.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`the client ended with ${code}`))))
  })

const main = (rounds: number, jobs: number) =>
  Effect.gen(function* () {
    const directory = mkdtempSync(join(tmpdir(), "hob-bench-"))
    yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(directory, { recursive: true, force: true })))
    const module = join(directory, "hang.ts")
    writeFileSync(
      module,
      `let begun: Array<number> = []
       export const hang = (_: unknown, { signal }: { signal: AbortSignal }) => {
         begun.push(Date.now())
         return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
       }
       export const taken = () => begun.splice(0)\n`
    )
    const paths = makePaths({ HOB_HOME: join(directory, "home") })
    const context = yield* Layer.build(Daemon.layer({ paths, env: {} }))
    const methods = Context.get(context, Methods)
    const schedule = Context.get(context, Schedule)
    yield* methods.add(defaultNamespace, module)

    /** In milliseconds, one of each round. */
    const refusing: Array<number> = []
    const refusingByClock: Array<number> = []
    const pinging: Array<number> = []
    const pingingByClock: Array<number> = []
    const last: Array<number> = []
    const recorded: Array<number> = []
    for (let round = 0; round <= rounds; round++) {
      const pings = yield* Effect.promise(() => longestStall(() => child("client", paths.socket, "ping", String(jobs))))
      const refusals = yield* Effect.promise(() =>
        longestStall(() => child("client", paths.socket, "bad", String(jobs)))
      )
      // A fifth of a minute is enough to add them on a busy machine too.
      const slot = Math.ceil(Date.now() / 1000 + 12) * 1000
      const at = new Date(slot)
      const cron = `${at.getUTCSeconds()},${(at.getUTCSeconds() + 1) % 60} ${at.getUTCMinutes()} ${at.getUTCHours()} * * *`
      const each = Array.from({ length: jobs }, (_, job) => ({ id: `job ${job}` as JobId }))
      yield* Effect.forEach(
        each,
        ({ id }) => schedule.add({ id, cron, timeZone: "UTC", method, timeoutMillis: TIMEOUT_MILLIS }),
        { concurrency: 500, discard: true }
      )
      if (Date.now() >= slot) return yield* Effect.die(new Error("the machine is too busy: the second has passed"))
      yield* Effect.sleep(slot - Date.now() + TIMEOUT_MILLIS)
      const runs = () => schedule.history({ limit: 10_000 })
      while ((yield* runs()).some(({ state }) => state === "running" || state === "queued")) yield* Effect.sleep(100)
      const begun = (yield* methods.invoke({
        namespace: defaultNamespace,
        method: "taken" as MethodName,
        caller: { kind: "person" }
      })) as ReadonlyArray<number>
      const all = (yield* runs()).filter((run) => run.slot !== null && Date.parse(run.slot) >= slot)
      const count = (state: string) => all.filter((run) => run.state === state).length
      // The first warms up. Where the seconds straddle a minute, the second slot is not of this minute.
      if (round > 0) {
        pinging.push(pings.cpu)
        pingingByClock.push(pings.wall)
        refusing.push(refusals.cpu)
        refusingByClock.push(refusals.wall)
        last.push(Math.max(...begun) - slot)
        recorded.push(Math.max(...all.map(({ startedAt }) => Date.parse(startedAt ?? "1970")), 0) - slot)
        console.log(
          `round ${round}: ${begun.length} begun, the last ${last.at(-1)} ms after the second; timed out ${count("timed-out")}, skipped ${count("skipped")}; loop held for ${refusals.cpu.toFixed(1)} ms of processor time, with pings ${pings.cpu.toFixed(1)} ms`
        )
      }
      yield* Effect.forEach(each, (which) => schedule.remove(which), { concurrency: 500, discard: true })
    }
    console.log(
      `${jobs} jobs refused: the loop was held for ${spread(refusing, 1)} ms of processor time at most; target < 20; by the clock ${spread(refusingByClock, 1)}`
    )
    console.log(`  as many pings: ${spread(pinging, 1)} ms; by the clock ${spread(pingingByClock, 1)}`)
    console.log(`${jobs} jobs due in one second: the last in its method after ${spread(last, 0)} ms; target < 1000`)
    console.log(`  the last start on record: ${spread(recorded, 0)} ms`)
  })

if (mode === "client") await client(second!, third!, Number(process.argv[5]))
else {
  await Effect.runPromise(Effect.scoped(main(Number(mode), Number(second ?? 1000))))
  process.exit(0)
}

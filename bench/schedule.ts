/**
 * From a slot to the written decision to start its job, 10,000 jobs over one minute: as a share of croner's time, which
 * writes nothing and calls an empty function, in a bare process of its own. And what stored jobs cost at the start, and
 * in memory: 100,000 of them, and 100.
 *
 *     node bench/schedule.ts [rounds] [jobs] [stored jobs]
 *
 * Both run in the same minute, so that what else the machine is doing befalls both; a round takes a minute and a half.
 */
import { Cron } from "croner"
import { Context, Effect, Layer, Option } from "effect"
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Announcer } from "../src/actors/Announcer.ts"
import { Concerns } from "../src/actors/Concerns.ts"
import { HobConfig } from "../src/config/HobConfig.ts"
import { Methods } from "../src/methods/Methods.ts"
import type { MethodName } from "../src/protocol/methodNames.ts"
import { defaultNamespace } from "../src/protocol/namespaces.ts"
import type { JobId, JobNumber } from "../src/protocol/schedule.ts"
import * as rows from "../src/schedule/rows.ts"
import { layer, Schedule } from "../src/schedule/Schedule.ts"
import { Sessions } from "../src/sessions/Sessions.ts"
import { Database } from "../src/storage/Database.ts"
import { median, spread } from "./support/statistics.ts"

const FEW = 100
const [mode = "5", first, second] = process.argv.slice(2)
const method = "work" as MethodName

/** To a fraction of a millisecond. */
const wall = () => performance.timeOrigin + performance.now()

/** What is being set up within it is in time for its minute, on a busy machine too. */
const SETUP_MILLIS = 90_000

/** Once, in a minute that begins soon: the jobs are spread over its seconds. */
const plan = (jobs: number) => {
  const minute = Math.ceil((Date.now() + SETUP_MILLIS) / 60_000) * 60_000
  const at = new Date(minute)
  return Array.from({ length: jobs }, (_, job) => {
    const second = job % 60
    const expression = `${second} ${at.getUTCMinutes()} ${at.getUTCHours()} * * *`
    return { id: `job ${job}`, expression, slot: minute + second * 1000 }
  })
}

const percentile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!

interface Late {
  readonly p50: number
  readonly p99: number
  readonly cpuMillis: number
}

/** Collects how late each job is; tells when all have been. */
const collector = (jobs: number, done: (late: Late) => void) => {
  const late: Array<number> = []
  let began = process.cpuUsage()
  return {
    begin: (firstSlot: number) => {
      if (Date.now() > firstSlot)
        throw new Error("the machine is too busy: the minute came before its jobs were set up")
      began = process.cpuUsage()
    },
    hear: (slot: number) => {
      late.push(wall() - slot)
      if (late.length < jobs) return
      const { system, user } = process.cpuUsage(began)
      setTimeout(
        () => done({ p50: percentile(late, 0.5), p99: percentile(late, 0.99), cpuMillis: (system + user) / 1000 }),
        500
      )
    }
  }
}

const answer = (value: unknown): void => {
  process.stdout.write(JSON.stringify(value), () => process.exit(0))
}

const withCroner = (jobs: number): void => {
  const { begin, hear } = collector(jobs, answer)
  const planned = plan(jobs)
  const crons = planned.map(
    ({ expression, slot }) => new Cron(expression, { timezone: "UTC", maxRuns: 1 }, () => hear(slot))
  )
  if (crons.some((cron) => cron.nextRun() === null)) throw new Error("a minute has passed already")
  begin(planned[0]!.slot)
}

const services = (path: string, invoke: Methods["Service"]["invoke"]) =>
  layer.pipe(
    Layer.provideMerge(Layer.mergeAll(Announcer.layer, Concerns.layer)),
    Layer.provideMerge(
      Layer.succeed(Methods, { invoke, find: () => Effect.succeed(Option.none()) } as unknown as Methods["Service"])
    ),
    Layer.provideMerge(Layer.succeed(Sessions, {} as Sessions["Service"])),
    Layer.provideMerge(Layer.orDie(Database.layerFile({ path, durability: "process-crash" }))),
    Layer.provideMerge(HobConfig.layerTest({ schedule: { maxRunningCount: 100_000, maxCount: 1_000_000 } }))
  )

const withHob = (jobs: number, path: string): Promise<void> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const { begin, hear } = collector(jobs, answer)
        const planned = plan(jobs)
        const slots = new Map(planned.map(({ id, slot }) => [id, slot]))
        // What is called has been committed before.
        const invoke: Methods["Service"]["invoke"] = ({ caller }) => Effect.sync(() => hear(slots.get(caller.id!)!))
        const schedule = Context.get(yield* Layer.build(services(path, invoke)), Schedule)
        yield* Effect.forEach(
          planned,
          ({ expression, id }) =>
            schedule.add({ id: id as JobId, cron: expression, timeZone: "UTC", method, undeclared: true }),
          { concurrency: 500, discard: true }
        )
        begin(planned[0]!.slot)
        return yield* Effect.never
      })
    )
  )

/** Puts jobs into a store as if they had been added, every minute of the day having its share. */
const fill = (jobs: number, path: string): Promise<void> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const { write } = yield* Database
      yield* write((sql) => {
        for (let number = 1; number <= jobs; number++) {
          const definition = {
            number: number as JobNumber,
            namespace: defaultNamespace,
            id: `job ${number}` as JobId,
            cron: `${number % 60} ${Math.floor(number / 60) % 24} * * *`,
            timeZone: number % 2 === 0 ? "Europe/Berlin" : null,
            work: { method, params: { number } },
            missed: "once",
            overlap: "skip",
            guarantee: "at-most-once",
            timeoutMillis: null,
            retries: 0,
            jitterMillis: 0,
            createdAt: new Date().toISOString(),
            createdBy: null
          } as const
          const progress = { decided: [], since: Date.now() }
          rows.insertJob(sql, definition, { progress, paused: false, runCount: 0, lastRun: null })
        }
      })
    }).pipe(Effect.provide(Database.layerFile({ path, durability: "process-crash" })))
  )

const start = (path: string): Promise<void> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const database = yield* Layer.build(Layer.orDie(Database.layerFile({ path, durability: "process-crash" })))
        globalThis.gc?.()
        const before = process.memoryUsage()
        const began = process.cpuUsage()
        const jobs = layer.pipe(
          Layer.provide(Layer.mergeAll(Announcer.layer, Concerns.layer)),
          Layer.provide(Layer.succeed(Methods, {} as Methods["Service"])),
          Layer.provide(Layer.succeed(Sessions, {} as Sessions["Service"])),
          Layer.provide(Layer.succeed(Database, Context.get(database, Database))),
          Layer.provide(HobConfig.layerTest({}))
        )
        const context = yield* Layer.build(jobs)
        const { system, user } = process.cpuUsage(began)
        globalThis.gc?.()
        const heapBytes = process.memoryUsage().heapUsed - before.heapUsed
        answer({ cpuMillis: (system + user) / 1000, heapBytes, waits: yield* Context.get(context, Schedule).waits })
        return yield* Effect.never
      })
    )
  )

const child = <A>(...args: ReadonlyArray<string>): Promise<A> =>
  new Promise((resolve, reject) => {
    const process_ = spawn(process.execPath, ["--expose-gc", import.meta.filename, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, TZ: "UTC" }
    })
    let text = ""
    process_.stdout.on("data", (chunk) => (text += chunk))
    process_.once("exit", () =>
      text === "" ? reject(new Error("it ended without an answer")) : resolve(JSON.parse(text) as A)
    )
  })

const main = async (): Promise<void> => {
  const rounds = Number(mode)
  const jobs = Number(first ?? 10_000)
  const stored = Number(second ?? 100_000)
  const directory = mkdtempSync(join(tmpdir(), "hob-bench-"))
  try {
    await fill(stored, join(directory, "many.db"))
    await fill(FEW, join(directory, "few.db"))
    const ours: Array<Late> = []
    const theirs: Array<Late> = []
    const perJob: Array<{ readonly many: number; readonly few: number; readonly bytes: number; readonly cpu: number }> =
      []
    for (let round = 0; round < rounds; round++) {
      const minute = await Promise.all([
        child<Late>("croner", String(jobs)),
        child<Late>("hob", String(jobs), join(directory, `${round}.db`))
      ])
      theirs.push(minute[0])
      ours.push(minute[1])
      const many = await child<{ cpuMillis: number; heapBytes: number }>("start", join(directory, "many.db"))
      const few = await child<{ cpuMillis: number; heapBytes: number }>("start", join(directory, "few.db"))
      perJob.push({
        many: many.cpuMillis,
        few: few.cpuMillis,
        bytes: (many.heapBytes - few.heapBytes) / (stored - FEW),
        cpu: ((many.cpuMillis - few.cpuMillis) / (stored - FEW)) * 1000
      })
      console.log(
        `round ${round + 1}: p99 ${ours.at(-1)!.p99.toFixed(1)} ms, croner ${theirs.at(-1)!.p99.toFixed(1)} ms; ` +
          `start with ${stored}: ${many.cpuMillis.toFixed(0)} ms of processor time, with ${FEW}: ${few.cpuMillis.toFixed(0)}`
      )
    }
    const each = (pick: (late: Late) => number) => ours.map((late, round) => pick(late) / pick(theirs[round]!))
    console.log(`slot to written decision, ${jobs} jobs over a minute, of croner's time to an empty function`)
    console.log(
      `  p99  ${spread(each(({ p99 }) => p99))}   ${median(ours.map(({ p99 }) => p99)).toFixed(2)} ms, croner ${median(theirs.map(({ p99 }) => p99)).toFixed(2)} ms; target ≤ 2`
    )
    console.log(
      `  p50  ${spread(each(({ p50 }) => p50))}   ${median(ours.map(({ p50 }) => p50)).toFixed(2)} ms, croner ${median(theirs.map(({ p50 }) => p50)).toFixed(2)} ms`
    )
    console.log(
      `  processor time  ${spread(each(({ cpuMillis }) => cpuMillis))}   ${median(ours.map(({ cpuMillis }) => cpuMillis)).toFixed(0)} ms`
    )
    console.log(
      `start with ${stored} stored jobs: ${spread(
        perJob.map(({ cpu }) => cpu),
        1
      )} µs of processor time each`
    )
    console.log(
      `memory: ${spread(
        perJob.map(({ bytes }) => bytes),
        0
      )} bytes each`
    )
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

if (mode === "croner") withCroner(Number(first))
else if (mode === "hob") await withHob(Number(first), second!)
else if (mode === "start") await start(first!)
else await main()

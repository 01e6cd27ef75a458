import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { daemon, until, written } from "./support.ts"

/** `HOB_METHODS_RUNS=100 vitest run test/methods/random` for as many as you like. */
const RUNS = Number(process.env["HOB_METHODS_RUNS"] ?? 2)
const STEPS = 60

/** Numbers that are the same again for the same seed. */
const random = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const source = (version: number) => `export const version = () => ${version}
  export const echo = async ({ n, wait }) => { if (wait > 0) await new Promise((go) => setTimeout(go, wait)); return n }
  export const listens = (_, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
  export const deaf = () => new Promise(() => {})
  export const throws = async ({ n }) => { throw new Error(String(n)) }
  export const exit = () => process.exit(1)
  export const loop = () => { for (;;); }`

/** Processes of modules of this directory that run. */
const processesOf = (directory: string): number =>
  readdirSync("/proc").filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, "latin1").includes(`${directory}/`)
    } catch {
      return false
    }
  }).length

describe("whatever is called, given up, killed and changed meanwhile", () => {
  it.live(
    "each call has one end, which is its own, and nothing is left in hand or running",
    () =>
      Effect.gen(function* () {
        for (let run = 0; run < RUNS; run++) {
          const seed = Number(process.env["HOB_METHODS_SEED"] ?? run + 1)
          const next = random(seed)
          yield* Effect.gen(function* () {
            const hob = yield* daemon({ HOB_METHODS_GRACE_MILLIS: "150" })
            let version = 1
            const { directory, paths, write } = yield* written({ "a.ts": source(version) })
            const file = paths["a.ts"]!
            yield* hob.add(file)
            const ends: Array<Effect.Effect<void>> = []
            const ended = new Map<number, number>()
            const expect = (n: number, name: string, params: object, timeoutMillis?: number) =>
              hob.call(name, params, timeoutMillis === undefined ? {} : { timeoutMillis }).pipe(
                Effect.match({
                  onSuccess: (value) => {
                    ended.set(n, (ended.get(n) ?? 0) + 1)
                    assert.strictEqual(name, "echo", `seed ${seed}: ${name} gave ${String(value)}`)
                    assert.strictEqual(value, n, `seed ${seed}`)
                  },
                  onFailure: (error) => {
                    ended.set(n, (ended.get(n) ?? 0) + 1)
                    if (error._tag === "MethodFailed" && name === "throws") assert.strictEqual(error.message, String(n))
                    else if (error._tag === "MethodTimedOut") assert.isDefined(timeoutMillis)
                    else assert.strictEqual(error._tag, "WorkerEnded", `seed ${seed}: ${name}: ${error.message}`)
                  }
                })
              )
            for (let step = 0; step < STEPS; step++) {
              const n = step
              switch (next(12)) {
                case 0:
                  write("a.ts", source(++version))
                  break
                case 1:
                  yield* Effect.ignore(hob.methods.reload("default" as never, file)).pipe(Effect.forkChild)
                  break
                case 2:
                  ends.push(Fiber.join(yield* Effect.forkChild(expect(n, "exit", {}))))
                  break
                case 3:
                  ends.push(Fiber.join(yield* Effect.forkChild(expect(n, "loop", {}, 50))))
                  break
                case 4:
                case 5: {
                  const calling = yield* Effect.forkChild(expect(n, ["listens", "deaf"][next(2)]!, {}))
                  yield* Effect.sleep(next(30))
                  yield* Fiber.interrupt(calling)
                  break
                }
                case 6:
                  ends.push(Fiber.join(yield* Effect.forkChild(expect(n, "throws", { n }))))
                  break
                case 7:
                  yield* Effect.sleep(next(100))
                  break
                default:
                  ends.push(Fiber.join(yield* Effect.forkChild(expect(n, "echo", { n, wait: next(40) }))))
              }
            }
            yield* Effect.all(ends, { concurrency: "unbounded", discard: true })
            for (const [n, times] of ended) assert.strictEqual(times, 1, `seed ${seed}: call ${n}`)
            yield* until(
              `seed ${seed}: nothing is in hand`,
              Effect.map(hob.methods.inFlight, (inFlight) => inFlight === 0)
            )
            yield* until(
              `seed ${seed}: the newest code answers`,
              Effect.map(
                Effect.orElseSucceed(hob.call("version"), () => 0),
                (answer) => answer === version
              )
            )
            yield* until(
              `seed ${seed}: one process is left`,
              Effect.sync(() => processesOf(directory) === 1)
            )
            yield* hob.stop
            assert.strictEqual(processesOf(directory), 0, `seed ${seed}`)
          }).pipe(Effect.scoped)
        }
      }),
    { timeout: 120_000 * RUNS }
  )

  it.live("ten thousand calls at once are all answered, each with its own", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({ "a.ts": source(1) })
      yield* hob.add(paths["a.ts"]!)
      const results = yield* Effect.forEach(
        Array.from({ length: 10_000 }, (_, n) => n),
        (n) => hob.call("echo", { n, wait: n % 3 === 0 ? 5 : 0 }, { caller: { kind: "job" } }),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        results,
        Array.from({ length: 10_000 }, (_, n) => n)
      )
    })
  )
})

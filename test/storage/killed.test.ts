import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { join } from "node:path"
import type { Durability } from "../../src/storage/sqlite.ts"
import { bundle, readNotes, temporaryDirectory } from "./support.ts"

/** `HOB_STORE_KILLS=204 vitest run test/storage/killed` for as many as you like. */
const KILLS = Number(process.env["HOB_STORE_KILLS"] ?? 60)
const LANES = 2

interface Round {
  readonly acknowledged: ReadonlyArray<number>
  readonly openedAfterMillis: number
}

/** A writer that is killed once it has said `lines` lines, or `millis` after it has opened the store, whichever is first. */
const writeUntilKilled = (program: string, args: ReadonlyArray<string>, lines: number, millis: number) =>
  Effect.callback<Round>((resume) => {
    const began = performance.now()
    const child = spawn(process.execPath, [program, ...args], {
      // Compiled once: there are hundreds of starts.
      env: { ...process.env, NODE_COMPILE_CACHE: join(program, "..", "cache") },
      stdio: ["ignore", "pipe", "inherit"]
    })
    const chunks: Array<string> = []
    let seen = 0
    let openedAfterMillis = Infinity
    child.stdout.setEncoding("latin1").on("data", (chunk: string) => {
      if (seen === 0) {
        openedAfterMillis = performance.now() - began
        setTimeout(() => child.kill("SIGKILL"), millis)
      }
      chunks.push(chunk)
      seen += chunk.split("\n").length - 1
      if (seen >= lines) child.kill("SIGKILL")
    })
    child.once("close", () => {
      // What was said before the kill counts, a number that was cut off does not.
      const said = chunks.join("").split("\n").slice(0, -1)
      resume(Effect.succeed({ acknowledged: said.filter((line) => line !== "open").map(Number), openedAfterMillis }))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })

const missing = (wanted: ReadonlyArray<number>, found: ReadonlyArray<number>): ReadonlyArray<number> => {
  const there = new Set(found)
  return wanted.filter((id) => !there.has(id))
}

describe("what was acknowledged", () => {
  it.live(
    `survives kill -9 at any moment (${KILLS} kills)`,
    () =>
      Effect.gen(function* () {
        const home = yield* temporaryDirectory()
        const program = yield* Effect.promise(() => bundle("storeWriter.ts", home))
        let total = 0
        const slowest: Array<number> = []

        const lane = Effect.fnUntraced(function* (lane: number) {
          const path = join(home, `${lane}.db`)
          const durability: Durability = lane % 2 === 0 ? "process-crash" : "power-loss"
          let next = 1
          const all = new Set<number>()
          // Many are killed by the clock: how many it takes until that many are acknowledged depends on the machine.
          for (let kill = 0; kill < KILLS / LANES || all.size < KILLS / LANES; kill++) {
            const lines = 1 + Math.floor(Math.random() * 120)
            const round = yield* writeUntilKilled(program, [path, durability, String(next)], lines, Math.random() * 60)
            slowest.push(round.openedAfterMillis)
            for (const id of round.acknowledged) all.add(id)
            // What earlier rounds wrote is read again at the end.
            const { damage, ids, wrong } = yield* readNotes(path, next)
            assert.deepStrictEqual({ damage, wrong }, { damage: [], wrong: [] }, `kill ${kill}`)
            assert.deepStrictEqual(missing(round.acknowledged, ids), [], `lost after kill ${kill} of lane ${lane}`)
            next = Math.max(next, ...ids.slice(-1)) + 1
          }
          const { ids, wrong } = yield* readNotes(path)
          assert.deepStrictEqual({ wrong, lost: missing([...all], ids) }, { wrong: [], lost: [] })
          total += all.size
        })

        yield* Effect.forEach(
          Array.from({ length: LANES }, (_, index) => index),
          lane,
          { concurrency: LANES }
        )
        // Forty of each kill on a machine that has nothing else to do.
        assert.isAtLeast(total, KILLS)
        console.log(`${KILLS} kills, ${total} acknowledged, slowest start ${Math.max(...slowest).toFixed(0)} ms`)
      }).pipe(Effect.scoped),
    900_000
  )
})

import { Effect } from "effect"
import { spawn } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { Database } from "../../src/storage/Database.ts"
import { bundle } from "../storage/support.ts"

/** How often the daemon is killed; two hundred times, say, for a whole run. */
const KILLS = Number(process.env["HOB_SCHEDULE_KILLS"] ?? 5)

interface Row {
  readonly run: number
  readonly id: string
  readonly slot: string
  readonly cause: string
  readonly state: string
  readonly slots: number
}

describe("jobs of a daemon that is killed around their slots", () => {
  let directory: string
  let child: string
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "hob-jobs-"))
    child = await bundle("../schedule/children/scheduler.ts", directory)
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  it(
    `${KILLS} times: run each slot once at most, and what was cut off again where that is wanted`,
    { timeout: 60_000 + KILLS * 20_000 },
    async () => {
      const store = join(directory, "hob.db")
      const calls = join(directory, "calls")
      for (let kill = 0; kill < KILLS; kill++) {
        const scheduler = spawn(process.execPath, [child, store, calls], { stdio: ["ignore", "pipe", "inherit"] })
        const ended = new Promise((resolve) => scheduler.once("exit", resolve))
        const up = new Promise((resolve) => scheduler.stdout.once("data", () => resolve("up")))
        assert.strictEqual(await Promise.race([up, ended]), "up")
        // Around the next slot, or the one after it: before, while it is written down, and while it runs.
        const untilSlot = 1000 - (Date.now() % 1000)
        const late = kill % 3 === 0 ? Math.random() * 1200 : Math.random() * 20 - 5
        await new Promise((resolve) => setTimeout(resolve, untilSlot + late))
        scheduler.kill("SIGKILL")
        await ended
      }
      const rows = await Effect.runPromise(
        Effect.gen(function* () {
          const { read } = yield* Database
          return yield* read((sql) => sql.all("SELECT run, id, slot, cause, state, slots FROM job_runs ORDER BY run"))
        }).pipe(Effect.provide(Database.layerFile({ path: store, durability: "process-crash" })))
      )
      const runs = rows as unknown as ReadonlyArray<Row>
      const lines = existsSync(calls) ? readFileSync(calls, "utf8").split("\n") : []
      let begun = 0
      for (const id of ["once", "again", "slow"]) {
        const own = runs.filter((row) => row.id === id)
        const decided = own.filter(({ cause, state }) => cause !== "again" && state !== "skipped" && state !== "missed")
        begun += decided.length
        assert.strictEqual(new Set(decided.map(({ slot }) => slot)).size, decided.length, `${id}: a slot was run twice`)
        assert.isTrue(own.every(({ slot }) => slot.endsWith(".000Z")))
        // Nothing was called that was not written down before.
        const called = lines.filter((line) => line === id).length
        assert.isAtMost(called, own.filter(({ state }) => !["queued", "skipped", "missed"].includes(state)).length, id)
        // What has ended well was called.
        assert.isAtLeast(called, own.filter(({ state }) => state === "succeeded").length, id)
        const again = own.filter(({ cause }) => cause === "again")
        const cutOff = own.filter(({ state }) => state === "interrupted")
        if (id === "again") {
          assert.strictEqual(again.length, cutOff.length, "what was cut off is run again")
          for (const { slot } of again) assert.isTrue(cutOff.some((row) => row.slot === slot))
        } else assert.deepStrictEqual(again, [])
      }
      assert.isAbove(begun, KILLS)
      const count = (state: string) => runs.filter((row) => row.state === state).length
      console.log(
        `${KILLS} kills: ${begun} slots begun, ${count("interrupted")} cut off, ${count("missed")} entries of missed slots`
      )
    }
  )
})

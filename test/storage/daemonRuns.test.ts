import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as daemonRuns from "../../src/storage/daemonRuns.ts"
import { Database } from "../../src/storage/Database.ts"

const start = (pid: number) => daemonRuns.recordStart({ pid, version: "1.2.3", startedAt: "2026-01-01T00:00:00.000Z" })

layer(Database.layerMemory)("the daemon's runs", (it) => {
  it.effect("tell how the daemon before this one ended", () =>
    Effect.gen(function* () {
      const first = yield* start(1)
      assert.isNull(yield* daemonRuns.previous(first))
      yield* daemonRuns.recordStop(first, "2026-01-02T00:00:00.000Z")
      const second = yield* start(2)
      assert.deepStrictEqual(yield* daemonRuns.previous(second), {
        id: first,
        pid: 1,
        version: "1.2.3",
        started_at: "2026-01-01T00:00:00.000Z",
        ended_at: "2026-01-02T00:00:00.000Z",
        how: "stopped"
      })
      // The second one was killed.
      const third = yield* start(3)
      const before = yield* daemonRuns.previous(third)
      assert.deepInclude(before, { pid: 2, ended_at: null, how: null })
    })
  )

  it.effect("are forgotten beyond the last hundred", () =>
    Effect.gen(function* () {
      for (let pid = 1; pid <= 150; pid++) yield* start(pid)
      const { read } = yield* Database
      const rows = yield* read((sql) => sql.all("SELECT pid FROM daemon_runs ORDER BY id"))
      assert.deepStrictEqual(
        rows.map(({ pid }) => pid),
        Array.from({ length: 100 }, (_, index) => 51 + index)
      )
    })
  )
})

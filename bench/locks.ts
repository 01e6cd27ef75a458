/**
 * Acquire and release through the lock table, 64 in flight, in one process: as a share of the bare transactions it must
 * make (a row appended and a row deleted, 64 of each in one), and with 99,000 locks held as a share of none.
 *
 *     node bench/locks.ts [rounds] [pairs per run]
 *
 * They take turns within each round. Nobody connects: what the socket costs is measured by `requests.ts`.
 */
import { Context, Effect, Layer } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Announcer } from "../src/actors/Announcer.ts"
import { Concerns } from "../src/actors/Concerns.ts"
import { Connections } from "../src/actors/Connections.ts"
import { HobConfig } from "../src/config/HobConfig.ts"
import { bootId } from "../src/config/processIdentity.ts"
import { layer, LockTable } from "../src/locks/LockTable.ts"
import type { LockHolder, LockName } from "../src/protocol/locks.ts"
import { Database } from "../src/storage/Database.ts"
import { migrate } from "../src/storage/migrate.ts"
import { migrations } from "../src/storage/migrations.ts"
import { Connection } from "../src/storage/sqlite.ts"
import { spread } from "./support/statistics.ts"

const IN_FLIGHT = 64
const HELD = 99_000
const rounds = Number(process.argv[2] ?? 5)
const pairs = Number(process.argv[3] ?? 40_000)

type Locks = LockTable["Service"]
const failed = (error: unknown): never => {
  throw error
}

/** Pairs for each second of processor time: it is one process, and others may be busy beside it. */
const rate = (began: NodeJS.CpuUsage): number => {
  const { system, user } = process.cpuUsage(began)
  return (pairs / (user + system)) * 1e6
}

const bare = (path: string): number => {
  const connection = new Connection(path, "process-crash")
  migrate(connection, migrations)
  const boot = bootId()
  const insert =
    "INSERT INTO locks (token, namespace, name, holder, ttl_millis, deadline_millis, boot_id, acquired_at, secret_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
  const now = new Date().toISOString()
  const began = process.cpuUsage()
  for (let token = 1; token <= pairs; token += IN_FLIGHT) {
    connection.run("BEGIN IMMEDIATE")
    for (let lane = 0; lane < IN_FLIGHT; lane++) {
      connection.run(insert, token + lane, "default", `lock ${lane}`, `h${lane}`, 30_000, 123_456_789, boot, now, null)
    }
    connection.run("COMMIT")
    connection.run("BEGIN IMMEDIATE")
    for (let lane = 0; lane < IN_FLIGHT; lane++) connection.run("DELETE FROM locks WHERE token = ?", token + lane)
    connection.run("COMMIT")
    if (connection.logBytes() > 4 * 1024 * 1024) connection.checkpoint()
  }
  const result = rate(began)
  connection.close()
  return result
}

const through = (locks: Locks): Effect.Effect<number> =>
  Effect.callback((resume) => {
    const began = process.cpuUsage()
    let left = pairs
    let ended = 0
    const step = (name: LockName, holder: LockHolder): void => {
      if (left-- <= 0) {
        if (++ended === IN_FLIGHT) resume(Effect.succeed(rate(began)))
        return
      }
      locks.acquire({ name, holder }, undefined, {
        succeed: ({ token }) =>
          locks.release({ name, holder, token }, { succeed: () => step(name, holder), fail: failed }),
        fail: failed
      })
    }
    for (let lane = 0; lane < IN_FLIGHT; lane++) step(`lock ${lane}` as LockName, `h${lane}` as LockHolder)
  })

const hold = (locks: Locks, from: number, to: number): Effect.Effect<void> =>
  Effect.callback((resume) => {
    let left = to - from
    for (let index = from; index < to; index++) {
      locks.acquire({ name: `held ${index}` as LockName, holder: "h" as LockHolder, ttlMillis: 3_600_000 }, undefined, {
        succeed: () => void (--left === 0 && resume(Effect.void)),
        fail: failed
      })
    }
  })

const open = (path: string) =>
  layer().pipe(
    Layer.provide(Layer.mergeAll(Connections.layer, Announcer.layer, Concerns.layer)),
    Layer.provide(Database.layerFile({ path, durability: "process-crash" })),
    Layer.provide(HobConfig.layerTest({})),
    Layer.fresh,
    Layer.build,
    Effect.map((context) => Context.get(context, LockTable))
  )

const directory = mkdtempSync(join(tmpdir(), "hob-bench-"))
const main = Effect.gen(function* () {
  const empty = yield* open(join(directory, "empty.db"))
  const full = yield* open(join(directory, "full.db"))
  for (let from = 0; from < HELD; from += 9000) yield* hold(full, from, from + 9000)
  const shares: Record<"ofBare" | "ofNone", Array<number>> = { ofBare: [], ofNone: [] }
  for (let round = 0; round < rounds; round++) {
    const least = bare(join(directory, `bare${round}.db`))
    const none = yield* through(empty)
    const many = yield* through(full)
    shares.ofBare.push(none / least)
    shares.ofNone.push(many / none)
    const numbers = [least, none, many].map((number) => Math.round(number).toLocaleString("en"))
    console.log(
      `pairs a second of processor time: bare ${numbers[0]}, hob ${numbers[1]}, with ${HELD} held ${numbers[2]}`
    )
  }
  console.log(`acquire and release, of the bare transactions: ${spread(shares.ofBare)}`)
  console.log(`with ${HELD} locks held, of none: ${spread(shares.ofNone)}`)
})

await Effect.runPromise(Effect.scoped(main)).finally(() => rmSync(directory, { recursive: true, force: true }))

import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import * as rows from "../../src/locks/rows.ts"
import { migrations } from "../../src/storage/migrations.ts"
import { openStore } from "../../src/storage/openStore.ts"
import { bundle } from "../support/bundle.ts"
import { temporaryDirectory } from "../storage/support.ts"

/** `HOB_STORE_KILLS=204 vitest run test/locks/killed` for as many as you like. */
const KILLS = Number(process.env["HOB_STORE_KILLS"] ?? 12)

/** Leases by their tokens, with the length of the lock's name. */
type Leases = ReadonlyMap<number, number>

interface Round {
  /** After the last batch that was said to be committed. */
  readonly acknowledged: Leases
  /** With the one that was being written; undefined if none was. */
  readonly tried: Leases | undefined
  readonly batches: number
}

const numbers = (text: string) => (text === "" ? [] : text.split(","))

const after = (before: Leases, line: string): Leases => {
  const [, over = "", given = ""] = line.split(" ")
  const leases = new Map(before)
  for (const token of numbers(over)) leases.delete(Number(token))
  for (const lease of numbers(given)) leases.set(...(lease.split(":").map(Number) as [number, number]))
  return leases
}

/** What a writer has said that is killed after so many batches, if it has not died before. */
const writeUntilKilled = async (args: ReadonlyArray<string>, before: Leases, batches: number): Promise<Round> => {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, NODE_COMPILE_CACHE: join(args[0]!, "..", "cache") },
    stdio: ["ignore", "pipe", "inherit"]
  })
  let said = ""
  child.stdout.setEncoding("latin1").on("data", (chunk: string) => {
    said += chunk
    if (said.split("\nhas\n").length > batches) child.kill("SIGKILL")
  })
  await once(child, "close")
  let acknowledged = before
  let tried: Leases | undefined
  let seen = 0
  for (const line of said.split("\n").slice(0, -1)) {
    if (line.startsWith("tries ")) tried = after(acknowledged, line)
    if (line !== "has") continue
    acknowledged = tried!
    tried = undefined
    seen++
  }
  return { acknowledged, tried, batches: seen }
}

const stored = (path: string) => {
  const { connection, damage } = openStore(path, { durability: "process-crash", steps: migrations })
  const leases = new Map(rows.load(connection).rows.map(({ name, token }) => [Number(token), name.length]))
  connection.close()
  return { leases, damage }
}

describe("the journal of locks", () => {
  it.live(
    `has every acknowledged batch, whole, after kill -9 (${KILLS} kills), also of rounds before`,
    () =>
      Effect.gen(function* () {
        const home = yield* temporaryDirectory()
        const program = yield* Effect.promise(() =>
          bundle(join(import.meta.dirname, "children/journalWriter.ts"), home)
        )
        const path = join(home, "locks.db")
        let known: Leases = new Map()
        let total = 0
        for (let kill = 0; kill < KILLS; kill++) {
          // Rounds of few batches, so that the journal is folded and written over again and again.
          const most = String(1 + (kill % 7))
          const few = Math.floor(Math.random() * 8)
          // One that has just begun dies at a batch of its own choice; the other one is killed at any moment.
          const args = kill % 2 === 0 ? [program, path, most, String(few)] : [program, path, most]
          const round = yield* Effect.promise(() => writeUntilKilled(args, known, 10 * few))
          const { damage, leases } = stored(path)
          assert.deepStrictEqual(damage, [], `kill ${kill}`)
          const inOrder = (wanted: Leases) => [...wanted].sort(([one], [other]) => one - other)
          const { acknowledged, tried } = round
          const isTried =
            tried !== undefined && leases.size === tried.size && [...tried.keys()].every((t) => leases.has(t))
          assert.deepStrictEqual(inOrder(leases), inOrder(isTried ? tried : acknowledged), `kill ${kill}`)
          known = leases
          total += round.batches
        }
        assert.isAtLeast(total, KILLS / 2)
      }).pipe(Effect.scoped),
    180_000
  )
})

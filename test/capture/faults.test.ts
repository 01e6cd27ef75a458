import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Logger } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { tmpdir } from "node:os"
import { afterAll, beforeAll } from "vitest"
import type { CaptureEntry } from "../../src/protocol/captureEntries.ts"
import type { Durability } from "../../src/storage/sqlite.ts"
import { bundle } from "../storage/support.ts"
import { run, runWithFault, traceOf, violations } from "../storage/traced.ts"
import { needs } from "../support/needs.ts"
import { messageOf, numberOf } from "./numbered.ts"
import { open } from "./support.ts"

/** Positions at which a write or a flush fails: `HOB_CAPTURE_FAULTS=50 vitest run test/capture/faults.test.ts`. */
const FAULTS = Number(process.env["HOB_CAPTURE_FAULTS"] ?? 3)
/** Bytes of the store that are changed, one at a time: `HOB_CAPTURE_FLIPS=1000` for as many as that. */
const FLIPS = Number(process.env["HOB_CAPTURE_FLIPS"] ?? 60)

const home = fs.mkdtempSync(join(tmpdir(), "hob-faults-"))
let program = ""
let homes = 0

beforeAll(async () => {
  program = await bundle("../capture/captureWriter.ts", home)
})
afterAll(() => fs.rmSync(home, { recursive: true, force: true }))

const storeOf = (at: string): string => join(at, "home", "hob.db")

/** One capture, of which nothing is written yet. */
const newHome = async (): Promise<string> => {
  const at = join(home, String(++homes))
  fs.mkdirSync(at)
  await run(process.execPath, [program, at, "process-crash", "1", "1"])
  return at
}

const writer = (at: string, inject: string, durability: Durability, count: number) =>
  runWithFault(storeOf(at), inject, [program, at, durability, "2", String(count)])

/** Every entry of every capture, each as it was written; and what the store found damaged. */
const readCaptured = (at: string) =>
  Effect.gen(function* () {
    const { captures, database, stop } = yield* open(at)
    const found: Array<CaptureEntry> = []
    const odd: Array<string> = []
    for (const { codeChanges, id, messages } of yield* captures.list({ all: true })) {
      let count = 0
      for (let after: number | null = 0; after !== null;) {
        const part: { readonly entries: ReadonlyArray<CaptureEntry>; readonly next: number | null } =
          yield* captures.show({ capture: id, after })
        found.push(...part.entries)
        count += part.entries.length
        after = part.next
      }
      if (count !== messages + codeChanges) odd.push(`${id}: ${count} of ${messages + codeChanges}`)
    }
    const { damage } = yield* database.status
    yield* stop
    const numbers = found.map((entry) => numberOf(entry))
    const wrong = found.filter((_, index) => numbers[index] === undefined)
    return { ids: numbers.filter((number) => number !== undefined), wrong, odd, damage }
  }).pipe(Effect.scoped, Effect.provide(Logger.layer([])))

const checkRead = async (at: string, acknowledged: ReadonlyArray<number>, isExact: boolean) => {
  const { damage, ids, odd, wrong } = await Effect.runPromise(readCaptured(at))
  assert.deepStrictEqual({ damage, wrong, odd }, { damage: [], wrong: [], odd: [] })
  assert.strictEqual(new Set(ids).size, ids.length)
  const wanted = [1, ...acknowledged].toSorted((a, b) => a - b)
  if (isExact)
    assert.deepStrictEqual(
      ids.toSorted((a, b) => a - b),
      wanted
    )
  else assert.includeMembers(ids, wanted)
}

describe("what is captured while the disk is full", () => {
  needs("strace")(
    "is refused as that, and not there; what is there can be read; later ones are taken again",
    async () => {
      for (let first = 1; first <= FAULTS; first++) {
        const at = await newHome()
        const said = await writer(at, `pwrite64:error=ENOSPC:when=${first}+50`, "process-crash", 150)
        assert.isAbove(said.failed.length, 0, `position ${first}`)
        assert.deepStrictEqual(
          said.failed.filter(({ read, tag }) => tag !== "StorageFull" || read !== "read"),
          []
        )
        assert.isTrue(said.acknowledged.some((id) => id > said.failed[0]!.id))
        assert.include(["ok", "full"], said.state)
        await checkRead(at, said.acknowledged, true)
      }
    },
    600_000
  )
})

describe("what is captured while the disk fails", () => {
  for (const call of ["fsync", "pwrite64"]) {
    needs("strace")(
      `(${call}) is not acknowledged; nothing is from then on, and what is there can be read`,
      async () => {
        for (let position = 1; position <= Math.min(FAULTS, 20); position++) {
          const at = await newHome()
          const said = await writer(at, `${call}:error=EIO:when=${position}`, "power-loss", 150)
          const { failed, state } = said
          if (state !== "read-only") assert.fail(`${call} ${position}: ${said.lines.slice(-3).join(", ")}`)
          assert.isAbove(failed.length, 0)
          assert.deepStrictEqual(
            failed.filter(({ read, tag }) => tag !== "StorageFailed" || read !== "read"),
            []
          )
          assert.isTrue(said.acknowledged.every((id) => id < failed[0]!.id))
          await checkRead(at, said.acknowledged, false)
        }
      },
      600_000
    )
  }
})

describe("what is captured is flushed to the disk before it is acknowledged", () => {
  const count = FAULTS >= 20 ? 1000 : 200
  needs("strace")(
    `each of ${count}, where storage.durability is "power-loss"`,
    async () => {
      const at = await newHome()
      const trace = join(home, "trace")
      const said = await run("strace", [
        ...traceOf(trace),
        process.execPath,
        program,
        at,
        "power-loss",
        "2",
        String(count)
      ])
      assert.lengthOf(said.acknowledged, count)
      assert.deepStrictEqual(violations(fs.readFileSync(trace, "utf8")), { acknowledged: count, early: [] })
    },
    300_000
  )
})

const CAPTURES = 8
const ENTRIES = 160

/** A store of {@link CAPTURES} captures, closed in order; and one whose process died while half was in its log. */
const makeOriginals = Effect.gen(function* () {
  const at = join(home, "originals")
  const { add, captures, paths, stop } = yield* open(at)
  const made = yield* Effect.forEach(Array.from({ length: CAPTURES }), () => captures.create({ tool: "t" }))
  for (let number = 1; number <= ENTRIES; number++) yield* add(made[number % CAPTURES]!.id, messageOf(number))
  const [closed, killed] = [join(home, "closed"), join(home, "killed")]
  for (const path of [closed, killed]) fs.mkdirSync(join(path, "home"), { recursive: true })
  for (const end of ["", "-wal"]) fs.copyFileSync(paths.database + end, storeOf(killed) + end)
  yield* stop
  fs.copyFileSync(paths.database, storeOf(closed))
  return { closed, killed }
})

describe("of captures in a store one byte of which is changed, or that is cut off", () => {
  it.live(
    `none is silently wrong, or another one's (${FLIPS} times)`,
    () =>
      Effect.gen(function* () {
        const { closed, killed } = yield* makeOriginals
        const kinds = [
          [closed, ""],
          [killed, ""],
          [killed, "-wal"]
        ] as const
        let [reported, loaded] = [0, 0]
        for (let index = 0; index < FLIPS; index++) {
          const [original, end] = kinds[index % kinds.length]!
          const at = join(home, `flip-${index}`)
          fs.cpSync(original, at, { recursive: true })
          const content = fs.readFileSync(storeOf(at) + end)
          const position = Math.floor(Math.random() * content.length)
          const isCut = end === "" && Math.random() < 0.1
          const change = 1 + Math.floor(Math.random() * 255)
          if (isCut) fs.truncateSync(storeOf(at), position)
          else {
            content[position]! ^= change
            fs.writeFileSync(storeOf(at) + end, content)
          }
          const what = `${original}${end} ${isCut ? "cut at" : "byte"} ${position} ^ ${change}`
          const outcome = yield* Effect.exit(readCaptured(at))
          if (Exit.isFailure(outcome)) assert.fail(`${what}: ${String(outcome.cause)}`)
          const { damage, ids, odd, wrong } = outcome.value
          assert.deepStrictEqual(wrong, [], what)
          assert.strictEqual(new Set(ids).size, ids.length, what)
          if (damage.length === 0) assert.deepStrictEqual({ count: ids.length, odd }, { count: ENTRIES, odd: [] }, what)
          else reported++
          loaded += ids.length
          // It can be written to as any other.
          if (index % 10 === 0) {
            const { add, captures, stop } = yield* open(at)
            const { id } = yield* captures.create({ tool: "t" })
            yield* add(id, messageOf(1))
            assert.strictEqual((yield* captures.show({ capture: id })).entries.length, 1, what)
            yield* stop
          }
          fs.rmSync(at, { recursive: true })
        }
        console.log(`${reported} of ${FLIPS} reported, ${((100 * loaded) / FLIPS / ENTRIES).toFixed(1)} % loaded`)
        // Half of them are, of many; of few it may be rather fewer, by six times what chance makes of it.
        assert.isAbove(reported, FLIPS / 2 - 3 * Math.sqrt(FLIPS))
      }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))),
    600_000
  )
})

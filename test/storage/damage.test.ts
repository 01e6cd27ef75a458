import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { Database } from "../../src/storage/Database.ts"
import { noteOf, steps } from "./notes.ts"
import { readNotes, temporaryDirectory } from "./support.ts"

/** `HOB_STORE_FLIPS=1000 vitest run test/storage/damage` for as many as you like. */
const FLIPS = Number(process.env["HOB_STORE_FLIPS"] ?? 1000)
const NOTES = 400
const LOG = "-wal"

/** A store of {@link NOTES} notes, closed in order; and one whose process died while half of them were in its log. */
const makeOriginals = Effect.fnUntraced(function* (home: string) {
  const closed = join(home, "closed.db")
  const killed = join(home, "killed.db")
  yield* Effect.gen(function* () {
    const { write } = yield* Database
    const add = (from: number, to: number) =>
      write((sql) => {
        for (let id = from; id <= to; id++) {
          sql.run("INSERT INTO notes (id, body, attachment) VALUES (?, ?, ?)", ...noteOf(id))
        }
      })
    yield* add(1, NOTES / 2)
    for (let id = NOTES / 2 + 1; id <= NOTES; id++) yield* add(id, id)
    for (const suffix of ["", LOG]) fs.copyFileSync(join(home, "live.db") + suffix, killed + suffix)
  }).pipe(Effect.provide(Database.layerFile({ path: join(home, "live.db"), durability: "process-crash", steps })))
  fs.copyFileSync(join(home, "live.db"), closed)
  return { closed, killed }
})

interface Outcome {
  readonly what: string
  /** Rows that are there, of {@link NOTES}. */
  readonly rows: number
  readonly reported: boolean
}

/** Opens a store with one byte changed, or cut off, and holds what is loaded against what is reported. */
const openDamaged = Effect.fnUntraced(function* (original: string, file: string, home: string, index: number) {
  const path = join(home, `damaged-${index}.db`)
  for (const suffix of ["", LOG]) {
    if (fs.existsSync(original + suffix)) fs.copyFileSync(original + suffix, path + suffix)
  }
  const content = fs.readFileSync(path + file)
  const position = Math.floor(Math.random() * content.length)
  // A log that is cut off looks like one that was never longer.
  const cut = file === "" && Math.random() < 0.1
  const change = 1 + Math.floor(Math.random() * 255)
  if (cut) fs.truncateSync(path, position)
  else {
    content[position]! ^= change
    fs.writeFileSync(path + file, content)
  }
  const what = `${original}${file} ${cut ? "cut at" : "byte"} ${position}${cut ? "" : ` ^ ${change}`}`
  const { damage, ids, wrong } = yield* readNotes(path)
  assert.deepStrictEqual(wrong, [], what)
  assert.strictEqual(new Set(ids).size, ids.length, what)
  if (damage.length === 0) assert.strictEqual(ids.length, NOTES, `${what}: silently wrong`)
  for (const { detail, kind } of damage) assert.include(detail, kind === "row" ? "a row of" : path, what)
  // What was reported once is in order from then on.
  if (index % 5 === 0) assert.deepStrictEqual(yield* readNotes(path), { ids, wrong: [], damage: [] }, what)
  for (const entry of fs.readdirSync(home)) {
    if (entry.startsWith(`damaged-${index}.db`)) fs.rmSync(join(home, entry))
  }
  return { what, rows: ids.length, reported: damage.length > 0 }
})

/** Reports go to the log too. */
const quiet = Effect.provide(Logger.layer([]))

/** Memory where there is some: the tests below make thousands of files and wait for each to be flushed. */
const memory = fs.existsSync("/dev/shm") ? "/dev/shm" : undefined

const flip = (path: string, find: string, to: string) => {
  const content = fs.readFileSync(path)
  const position = content.indexOf(find)
  assert.isAtLeast(position, 0, find)
  content.write(to, position)
  fs.writeFileSync(path, content)
}

/** A store closed in order, or one whose process died, after something was done to it. */
const opened = Effect.fnUntraced(function* (which: "closed" | "killed", spoil: (path: string) => void) {
  const home = yield* temporaryDirectory(memory)
  const originals = yield* makeOriginals(home)
  const path = originals[which]
  spoil(path)
  const found = yield* readNotes(path)
  const kept = fs.readdirSync(home).filter((name) => name.includes(".damaged-"))
  return { ...found, path, kept, kinds: found.damage.map(({ kind }) => kind), detail: found.damage[0]?.detail ?? "" }
}, quiet)

const everyNote = Array.from({ length: NOTES }, (_, index) => index + 1)

describe("a damaged store", () => {
  it.live("loses the one row whose checksum is wrong, keeps what is left of it, and says so", () =>
    Effect.gen(function* () {
      const { detail, ids, kinds, path } = yield* opened("closed", (path) => flip(path, "note 77 ", "note 78 "))
      // Text of an indexed column stands in the index too; there the file as a whole is at odds with itself.
      assert.include(["row", "file"], kinds[0])
      assert.deepStrictEqual(
        ids,
        everyNote.filter((id) => id !== 77)
      )
      assert.match(
        detail,
        kinds[0] === "row" ? /a row of notes failed its checksum .*"id":77/ : /399 rows were brought over/
      )
      assert.isTrue(fs.existsSync(path))
    }).pipe(Effect.scoped)
  )

  it.live("of which a blob was changed loses that row alone", () =>
    Effect.gen(function* () {
      const blob = Buffer.alloc(20, 35)
      const { detail, ids, kept, kinds } = yield* opened("closed", (path) => flip(path, blob.toString("latin1"), "x"))
      assert.deepStrictEqual({ kinds, kept }, { kinds: ["row"], kept: [] })
      assert.match(detail, /^a row of notes failed its checksum and was moved to damaged_rows: \{"id":35,/)
      assert.deepStrictEqual(
        ids,
        everyNote.filter((id) => id !== 35)
      )
    }).pipe(Effect.scoped)
  )

  const spoilt: Record<string, readonly [(path: string) => void, problem: RegExp, rows: number]> = {
    "with a broken first line": [(path) => flip(path, "SQLite", "sqlite"), /\(is not an SQLite file\)/, NOTES],
    "whose header denies its log": [
      (path) => flip(path, "3\0\x10\0\x02", "3\0\x10\0\x01"),
      /\(has a damaged header\)/,
      NOTES
    ],
    "with a changed schema": [(path) => flip(path, "body TEXT NOT NULL", "bodx TEXT NOT NULL"), /\(.+\)/, 0],
    "with another type in its schema": [
      (path) => flip(path, "body TEXT", "body ANY "),
      /\(has a damaged schema\)/,
      NOTES
    ],
    "with a changed name of a step": [
      (path) => flip(path, "notes2", "nothi2"),
      /\(has a damaged record of its version\)/,
      NOTES
    ],
    "that is empty": [(path) => fs.truncateSync(path, 0), /\(is cut off\)/, 0],
    "that is something else": [(path) => fs.writeFileSync(path, "x".repeat(10_000)), /\(is not an SQLite file\)/, 0]
  }
  for (const [name, [spoil, problem, rows]] of Object.entries(spoilt)) {
    it.live(`${name} is moved aside, and what its checksums vouch for is brought over`, () =>
      Effect.gen(function* () {
        const { detail, ids, kept, kinds, path } = yield* opened("closed", spoil)
        assert.deepStrictEqual(kinds, ["file"])
        assert.match(detail, problem)
        assert.include(detail, `${path} was damaged`)
        assert.include(detail, `${rows} rows were brought over`)
        assert.lengthOf(ids, rows)
        assert.lengthOf(kept, 1)
        assert.include(detail, kept[0]!)
      }).pipe(Effect.scoped)
    )
  }

  it.live("whose log is changed in its middle keeps a copy of it and says that changes may be gone", () =>
    Effect.gen(function* () {
      const { detail, ids, kept, kinds } = yield* opened("killed", (path) => flip(path + LOG, "note 300 ", "note 301 "))
      assert.deepStrictEqual(kinds, ["log"])
      assert.match(detail, /-wal is damaged at byte \d+: the newest changes may be gone; it is kept as /)
      assert.deepStrictEqual(ids, everyNote.slice(0, ids.length))
      assert.isAtMost(ids.length, 299)
      assert.lengthOf(kept, 1)
    }).pipe(Effect.scoped)
  )

  it.live("whose log has a torn end, as a process leaves it that dies while it writes, is not damaged", () =>
    Effect.gen(function* () {
      for (const cut of [1, 100, 4000, 4096, 4119]) {
        const found = yield* opened("killed", (path) => fs.truncateSync(path + LOG, fs.statSync(path + LOG).size - cut))
        assert.deepStrictEqual(found.damage, [])
        assert.deepStrictEqual(found.ids, everyNote.slice(0, found.ids.length))
        assert.isAtLeast(found.ids.length, NOTES - 1)
      }
    }).pipe(Effect.scoped)
  )

  it.live("of which only the log is left is begun anew, and the log is kept", () =>
    Effect.gen(function* () {
      const { detail, ids, kept, kinds } = yield* opened("killed", (path) => fs.rmSync(path))
      assert.deepStrictEqual({ kinds, ids }, { kinds: ["log"], ids: [] })
      assert.include(detail, kept[0]!)
    }).pipe(Effect.scoped)
  )

  it.live(
    `is never silently wrong: ${FLIPS} random flips and cuts are without effect, or reported and the rest loaded`,
    () =>
      Effect.gen(function* () {
        const home = yield* temporaryDirectory(memory)
        const { closed, killed } = yield* makeOriginals(home)
        const kinds = [
          [closed, ""],
          [killed, ""],
          [killed, LOG]
        ] as const
        const outcomes: Array<Outcome> = []
        for (let index = 0; index < FLIPS; index++) {
          const [original, file] = kinds[index % kinds.length]!
          outcomes.push(yield* openDamaged(original, file, home, index))
        }
        const reported = outcomes.filter((outcome) => outcome.reported)
        const loaded = outcomes.reduce((sum, { rows }) => sum + rows, 0) / (FLIPS * NOTES)
        console.log(`${reported.length} of ${FLIPS} reported, ${(loaded * 100).toFixed(1)} % of all rows loaded`)
        assert.isAbove(reported.length, FLIPS * 0.5)
        assert.isAbove(loaded, 0.8)
      }).pipe(Effect.scoped, quiet),
    900_000
  )
})

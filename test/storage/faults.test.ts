import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Durability } from "../../src/storage/sqlite.ts"
import { needs } from "../support/needs.ts"
import { bundle, readNotes } from "./support.ts"
import { mounts, ownMounts, run, runWithFault, traceOf, violations } from "./traced.ts"

const home = fs.mkdtempSync(join(tmpdir(), "hob-faults-"))
let program = ""
let stores = 0
/** Each of these starts a few dozen programs, most of them under strace. */
const LONG = 600_000

beforeAll(async () => {
  program = await bundle("storeWriter.ts", home)
})
afterAll(() => fs.rmSync(home, { recursive: true, force: true }))

const newStore = async (): Promise<string> => {
  const path = join(home, `${++stores}.db`)
  await run(process.execPath, [program, path, "process-crash", "1", "0"])
  return path
}

const writer = (path: string, inject: string, durability: Durability, first: number, count: number) =>
  runWithFault(path, inject, [program, path, durability, String(first), String(count)])

const notesOf = (path: string) => Effect.runPromise(readNotes(path))

const among = (ids: ReadonlyArray<number>, wanted: ReadonlyArray<number>) => wanted.filter((id) => ids.includes(id))

describe("a full disk", () => {
  needs("strace")(
    "at any write: refused as full and not made; reads go on; it works again by itself",
    async () => {
      for (let first = 1; first <= 25; first++) {
        const path = await newStore()
        // Each of the writes first, first + 25, first + 50, … to the store's files finds no space: each is tried once.
        const said = await writer(path, `pwrite64:error=ENOSPC:when=${first}+25`, "process-crash", 1, 150)
        assert.isAbove(said.failed.length, 0)
        assert.deepStrictEqual(
          said.failed.filter(({ read, tag }) => tag !== "StorageFull" || read !== "read"),
          []
        )
        assert.isTrue(said.acknowledged.some((id) => id > said.failed[0]!.id))
        assert.include(["ok", "full"], said.state)
        const { damage, ids, wrong } = await notesOf(path)
        assert.deepStrictEqual({ damage, wrong }, { damage: [], wrong: [] })
        assert.deepStrictEqual(
          ids,
          [...said.acknowledged].sort((a, b) => a - b)
        )
      }
    },
    LONG
  )

  needs("strace")("while the store is made: it says so, and the next start makes it", async () => {
    for (const inject of ["pwrite64:error=ENOSPC:when=1", "pwrite64:error=ENOSPC:when=6"]) {
      const path = join(home, `${++stores}.db`)
      const args = ["-f", "-qq", "-o", "/dev/null", "-e", `inject=${inject}`]
      const said = await run("strace", [...args, process.execPath, program, path, "process-crash", "1", "1"])
      assert.deepStrictEqual(said.lines, [`unusable ${path} can't be made ready: the disk is full. Make room first.`])
      assert.isFalse(fs.existsSync(path))
      assert.deepStrictEqual(
        (await run(process.execPath, [program, path, "process-crash", "1", "1"])).acknowledged,
        [1]
      )
    }
  })

  mounts("of 256 KiB: everything before it was full is there, and space that returns is used", async () => {
    const path = join(home, "full", "hob.db")
    fs.mkdirSync(join(home, "full"))
    const said = await run("unshare", [
      ...ownMounts,
      "sh",
      "-c",
      // The writer, until the disk is full; a new one on the full disk; and one that finds the filler gone.
      `set -e
      mount -t tmpfs -o size=256k none "$1"
      head -c 64k /dev/zero > "$1/filler"
      "$2" "$3" "$1/hob.db" process-crash 1 500
      head -c 1M /dev/zero > "$1/more" 2>/dev/null || true
      "$2" "$3" "$1/hob.db" process-crash 901 5
      rm "$1/filler" "$1/more"
      "$2" "$3" "$1/hob.db" process-crash 1001 5
      cp "$1/hob.db" "$1.saved"`,
      "sh",
      join(home, "full"),
      process.execPath,
      program
    ])
    assert.strictEqual(said.lines.filter((line) => line === "state full").length, 2)
    assert.deepStrictEqual(
      said.failed.filter(({ read, tag }) => tag !== "StorageFull" || read !== "read"),
      []
    )
    assert.includeMembers([...said.acknowledged], [1, 1001, 1005])
    // A daemon starts on a disk that is full already.
    assert.includeMembers(
      said.failed.map(({ id }) => id),
      [901, 905]
    )
    assert.strictEqual(said.state, "ok")
    fs.rmSync(path, { force: true })
    const { ids, wrong } = await notesOf(`${join(home, "full")}.saved`)
    assert.deepStrictEqual({ ids, wrong }, { ids: said.acknowledged, wrong: [] })
  })
})

describe("a disk that fails", () => {
  for (const call of ["fsync", "pwrite64"]) {
    needs("strace")(
      `at any ${call}: not acknowledged, read-only from then on, and reads go on`,
      async () => {
        for (let position = 1; position <= 20; position++) {
          const path = await newStore()
          const said = await writer(path, `${call}:error=EIO:when=${position}`, "power-loss", 1, 150)
          const { failed, state } = said
          if (state !== "read-only") assert.fail(`${call} ${position}: ${said.lines.slice(-3).join(", ")}`)
          assert.isAbove(failed.length, 0)
          assert.deepStrictEqual(
            failed.filter(({ read, tag }) => tag !== "StorageFailed" || read !== "read"),
            []
          )
          // Nothing is acknowledged behind the first failure.
          assert.isTrue(said.acknowledged.every((id) => id < failed[0]!.id))
          const { damage, ids, wrong } = await notesOf(path)
          assert.deepStrictEqual({ damage, wrong }, { damage: [], wrong: [] })
          assert.deepStrictEqual(among(ids, said.acknowledged), said.acknowledged)
        }
      },
      LONG
    )
  }

  // The first flush is that of the log's header; the log and then the file are flushed when the one is copied into the other.
  for (const [position, what] of [
    [2, "log"],
    [3, "file"]
  ] as const) {
    const name = `when the log is copied into the file and the ${what} can't be flushed: read-only, nothing acknowledged is lost`
    needs("strace")(name, async () => {
      const path = await newStore()
      // Nothing is flushed for a write here: it is the copying that meets the fault, and tells nobody but the store.
      const said = await writer(path, `fsync:error=EIO:when=${position}`, "process-crash", 1, 4000)
      assert.strictEqual(said.state, "read-only")
      assert.isAbove(said.acknowledged.length, 100)
      assert.deepStrictEqual([...new Set(said.failed.map(({ read, tag }) => `${tag} ${read}`))], ["StorageFailed read"])
      const { damage, ids, wrong } = await notesOf(path)
      assert.deepStrictEqual({ damage, wrong }, { damage: [], wrong: [] })
      assert.deepStrictEqual(
        ids,
        [...said.acknowledged].sort((a, b) => a - b)
      )
    })
  }

  needs("strace")("while the store is opened: it says so, and the store stays as it is", async () => {
    const path = await newStore()
    await run(process.execPath, [program, path, "process-crash", "1", "100"])
    const before = fs.readFileSync(path)
    const said = await writer(path, "pread64:error=EIO:when=3", "process-crash", 200, 1)
    assert.match(said.lines[0]!, /^unusable .*can't be opened \(disk I\/O error\)\. Make sure that/)
    assert.isTrue(before.equals(fs.readFileSync(path)))
  })
})

const traced = async (durability: Durability, count: number) => {
  const path = await newStore()
  const trace = join(home, "trace")
  const said = await run("strace", [...traceOf(trace), process.execPath, program, path, durability, "1", String(count)])
  assert.lengthOf(said.acknowledged, count)
  const text = fs.readFileSync(trace, "utf8")
  return { ...violations(text), flushes: text.split(/\bf(?:data)?sync\(/).length - 1 }
}

describe("durability", () => {
  needs("strace")('"power-loss": each of 1,000 writes was flushed to the disk before it was acknowledged', async () => {
    const { acknowledged, early } = await traced("power-loss", 1000)
    assert.deepStrictEqual({ acknowledged, early }, { acknowledged: 1000, early: [] })
  })

  needs("strace")('"process-crash" flushes nothing for a write, and the check above sees that', async () => {
    const { acknowledged, early, flushes } = await traced("process-crash", 100)
    assert.strictEqual(acknowledged, 100)
    assert.lengthOf(early, 100)
    assert.isAtMost(flushes, 4)
  })
})

it("what a writer says is taken apart as it should be", () => {
  assert.deepStrictEqual(
    violations(
      '1 pwrite64(3</x/a.db-wal>, "note 7 ", 7, 0) = 7\n1 fsync(3</x/a.db-wal>) = 0\n1 write(1</p>, "7\\n", 2) = 2'
    ),
    { acknowledged: 1, early: [] }
  )
  assert.deepStrictEqual(
    violations(
      '1 pwrite64(3</x/a.db-wal>, "note 7 ", 7, 0) = 7\n1 fsync(3</x/a.db-wal>) = -1 EIO\n1 write(1<p>, "7\\n", 2) = 2'
    ).early,
    [7]
  )
})

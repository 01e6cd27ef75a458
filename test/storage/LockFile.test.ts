import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isLocked, type LockFileUnusable } from "../../src/config/exclusiveLock.ts"
import { identityOf } from "../../src/config/processIdentity.ts"
import * as LockFile from "../../src/storage/LockFile.ts"

const withPaths = <A>(use: (paths: { lock: string; lockInfo: string; socket: string }) => A): A => {
  const home = fs.mkdtempSync(join(tmpdir(), "hob-lock-"))
  const paths = { lock: join(home, "hob.lock"), lockInfo: join(home, "daemon.json"), socket: join(home, "hob.sock") }
  const clean = () => fs.rmSync(home, { recursive: true, force: true })
  const result = use(paths)
  if (result instanceof Promise) return result.finally(clean) as A
  if (Effect.isEffect(result)) return Effect.ensuring(result as Effect.Effect<unknown>, Effect.sync(clean)) as A
  clean()
  return result
}

/** A contender as a process of its own; `say` sends it a byte, `hear` waits for its next line. */
const contender = (paths: { lock: string; lockInfo: string }) => {
  const child: ChildProcess = spawn(
    process.execPath,
    [join(import.meta.dirname, "lockContender.ts"), paths.lock, paths.lockInfo],
    { stdio: ["pipe", "pipe", "inherit"] }
  )
  const lines: Array<string> = []
  let rest = ""
  let wake: (() => void) | undefined
  child.stdout!.setEncoding("utf8").on("data", (chunk: string) => {
    const parts = (rest + chunk).split("\n")
    rest = parts.pop()!
    lines.push(...parts)
    wake?.()
  })
  const hear = async (): Promise<string> => {
    while (lines.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    return lines.shift()!
  }
  const kill = async () => {
    const ended = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined
    child.kill("SIGKILL")
    await ended
  }
  return { pid: child.pid!, say: () => void child.stdin!.write("."), hear, kill }
}

describe("the lock of a home", () => {
  it(
    "has exactly one holder, whatever the number of processes that race for it",
    () =>
      withPaths(async (paths) => {
        const all = Array.from({ length: 20 }, () => contender(paths))
        try {
          for (const one of all) assert.strictEqual(await one.hear(), "there")
          for (let round = 0; round < 60; round++) {
            for (const one of all) one.say()
            const said = await Promise.all(all.map((one) => one.hear()))
            const winners = all.filter((_, index) => said[index] === "held")
            assert.lengthOf(winners, 1, `round ${round}: ${said.join(", ")}`)
            winners[0]!.say()
            // Released before it waits for the next round: its file of record is gone.
            while (fs.existsSync(paths.lockInfo)) await new Promise((resolve) => setImmediate(resolve))
          }
        } finally {
          await Promise.all(all.map((one) => one.kill()))
        }
      }),
    600_000
  )

  it(
    "is free once its holder was killed, and whoever comes next replaces its record",
    () =>
      withPaths(async (paths) => {
        for (let round = 0; round < 5; round++) {
          const [holder, other] = [contender(paths), contender(paths)]
          try {
            holder.say()
            assert.strictEqual(await holder.hear(), "there")
            assert.strictEqual(await holder.hear(), "held")
            other.say()
            assert.strictEqual(await other.hear(), "there")
            assert.strictEqual(await other.hear(), `busy ${holder.pid}`)
            assert.isTrue(isLocked(paths.lock))
            await holder.kill()
            assert.isFalse(isLocked(paths.lock))
            other.say()
            assert.strictEqual(await other.hear(), "held")
            assert.strictEqual(JSON.parse(fs.readFileSync(paths.lockInfo, "utf8")).pid, other.pid)
          } finally {
            await Promise.all([holder.kill(), other.kill()])
          }
        }
      }),
    600_000
  )

  it.effect("is busy for its own process too, and names itself as the holder", () =>
    withPaths((paths) =>
      Effect.gen(function* () {
        const held = yield* Latch.make()
        const fiber = yield* Effect.forkChild(
          Effect.scoped(LockFile.acquire(paths).pipe(Effect.andThen(held.open), Effect.andThen(Effect.never)))
        )
        yield* held.await
        const busy = yield* Effect.flip(Effect.scoped(LockFile.acquire(paths)))
        assert.strictEqual(busy._tag, "LockBusy")
        assert.deepInclude(busy._tag === "LockBusy" ? busy.holder : null, { ...identityOf(process.pid)! })
        yield* Fiber.interrupt(fiber)
        yield* Effect.scoped(LockFile.acquire(paths))
        assert.deepStrictEqual(fs.readdirSync(join(paths.lock, "..")), ["hob.lock"])
      })
    )
  )

  const leftovers: Record<string, (paths: { lock: string; lockInfo: string }) => void> = {
    "an empty file": ({ lock }) => fs.writeFileSync(lock, "", { mode: 0o644 }),
    "a pid": ({ lock }) => fs.writeFileSync(lock, "12345\n"),
    "a large file of something else": ({ lock }) => fs.writeFileSync(lock, Buffer.alloc(100_000, "x")),
    "a damaged database": ({ lock }) => fs.writeFileSync(lock, `SQLite format 3\0${"x".repeat(5000)}`),
    "a file nobody may write": ({ lock }) => fs.writeFileSync(lock, "", { mode: 0o400 }),
    "a record that is not JSON": ({ lockInfo }) => fs.writeFileSync(lockInfo, '{"pid":'),
    "a record of a pid that belongs to another process": ({ lockInfo }) =>
      fs.writeFileSync(lockInfo, JSON.stringify({ pid: 1, startTime: "7", bootId: "x" })),
    "a half-written record": ({ lockInfo }) => fs.writeFileSync(`${lockInfo}.new`, "{")
  }
  for (const [name, leave] of Object.entries(leftovers)) {
    it.effect(`is taken over ${name}`, () =>
      withPaths((paths) =>
        Effect.gen(function* () {
          leave(paths)
          const { isStillOurs, record } = yield* LockFile.acquire(paths)
          assert.strictEqual(record.pid, process.pid)
          assert.isTrue(yield* isStillOurs)
          assert.isTrue(isLocked(paths.lock))
          assert.strictEqual(fs.statSync(paths.lock).mode & 0o777, 0o600)
          assert.strictEqual(fs.statSync(paths.lockInfo).mode & 0o777, 0o600)
        }).pipe(Effect.scoped)
      )
    )
  }

  const refused: Record<string, readonly [(lock: string) => void, RegExp]> = {
    "a directory": [(lock) => fs.mkdirSync(lock), /is not a file\. Move it out of the way \(mv /],
    "a link": [(lock) => fs.symlinkSync("/dev/null", lock), /is a symbolic link\. Remove it \(rm /],
    "a link to nothing": [(lock) => fs.symlinkSync("/nonexistent", lock), /is a symbolic link/],
    "a place that does not exist": [(lock) => fs.rmdirSync(join(lock, "..")), /can't be created \(ENOENT\)/]
  }
  for (const [name, [lay, message]] of Object.entries(refused)) {
    it.effect(`refuses ${name} and says what to do`, () =>
      withPaths((paths) =>
        Effect.gen(function* () {
          lay(paths.lock)
          const error = (yield* Effect.flip(Effect.scoped(LockFile.acquire(paths)))) as LockFileUnusable
          assert.strictEqual(error._tag, "LockFileUnusable")
          assert.match(error.message, message)
          assert.include(error.message, paths.lock)
        })
      )
    )
  }

  it.effect("is known to be lost when its file was removed, and then leaves the successor's record alone", () =>
    withPaths((paths) =>
      Effect.gen(function* () {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const first = yield* LockFile.acquire(paths)
            fs.rmSync(paths.lock)
            assert.isFalse(yield* first.isStillOurs)
            fs.writeFileSync(paths.lock, "")
            assert.isFalse(yield* first.isStillOurs)
          })
        )
        assert.isTrue(fs.existsSync(paths.lockInfo))
      })
    )
  )

  it.effect("a record that can't be written does not keep a daemon from starting", () =>
    withPaths((paths) =>
      Effect.gen(function* () {
        fs.mkdirSync(paths.lockInfo)
        yield* LockFile.acquire(paths)
        assert.isTrue(isLocked(paths.lock))
      }).pipe(Effect.scoped)
    )
  )
})

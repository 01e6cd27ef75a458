import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { holdPidFile } from "../../src/dialects/pidFile.ts"
import { isAlive, until } from "../support/home.ts"
import { temporary } from "./support.ts"

const hold = (path: string) => holdPidFile(path, "hob-dialect-test")
const refused = (path: string) =>
  Effect.map(Effect.flip(Effect.scoped(hold(path))), ({ pid, reason }) => ({ pid, reason }))

describe("a pid file", () => {
  it.live("names a process that lives and is not hob, and goes with it", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "run/daemon.pid")
      const pid = yield* Effect.scoped(
        Effect.gen(function* () {
          const held = yield* hold(path)
          assert.strictEqual(readFileSync(path, "utf8"), String(held.pid))
          assert.strictEqual(statSync(path).mode & 0o777, 0o600)
          assert.notStrictEqual(held.pid, process.pid)
          assert.isTrue(isAlive(held.pid))
          assert.include(readFileSync(`/proc/${held.pid}/cmdline`, "utf8"), "hob-dialect-test")
          return held.pid
        })
      )
      assert.isFalse(existsSync(path))
      yield* Effect.promise(() => until("the helper is gone", () => !isAlive(pid)))
    }).pipe(Effect.scoped)
  )

  for (const signal of ["SIGTERM", "SIGINT", "SIGKILL"] as const) {
    it.live(`whose process is ended by ${signal} says so`, () =>
      Effect.gen(function* () {
        const held = yield* hold(join(yield* temporary, "daemon.pid"))
        process.kill(held.pid, signal)
        assert.include(yield* held.ended, signal)
      }).pipe(Effect.scoped)
    )
  }

  it.live("is left to a process that lives", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "daemon.pid")
      writeFileSync(path, `${process.pid}\n`)
      const { pid, reason } = yield* refused(path)
      assert.strictEqual(pid, process.pid)
      assert.include(reason, `pid ${process.pid}`)
      assert.strictEqual(readFileSync(path, "utf8"), `${process.pid}\n`)
    }).pipe(Effect.scoped)
  )

  it.live("of a process that is gone, or an empty one, is replaced; what is no pid file is left alone", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "daemon.pid")
      const child = spawn("true")
      yield* Effect.promise(() => once(child, "exit"))
      for (const left of [String(child.pid), ""]) {
        writeFileSync(path, left)
        const pid = yield* Effect.scoped(Effect.map(hold(path), (held) => held.pid))
        assert.isAbove(pid, 0)
      }
      writeFileSync(path, "my notes")
      assert.match((yield* refused(path)).reason, /not a pid file/)
      assert.strictEqual(readFileSync(path, "utf8"), "my notes")
    }).pipe(Effect.scoped)
  )

  it("has a process that does not outlive the one that holds it, however that dies", async () => {
    const directory = execFileSync("mktemp", ["-d"], { encoding: "utf8" }).trim()
    const path = join(directory, "daemon.pid")
    const holder = spawn(process.execPath, [join(import.meta.dirname, "children/holdPidFile.ts"), path], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    const [line] = (await once(holder.stdout, "data")) as [Buffer]
    const pid = Number(line.toString())
    assert.isTrue(isAlive(pid))
    holder.kill("SIGKILL")
    await until("the helper is gone", () => !isAlive(pid))
    // What is left names a process that is gone, and is no obstacle.
    assert.strictEqual(readFileSync(path, "utf8"), String(pid))
    await Effect.runPromise(Effect.scoped(hold(path)))
    assert.isFalse(existsSync(path))
    execFileSync("rm", ["-r", directory])
  })
})

import { Effect, Exit, Fiber } from "effect"
import { execFile } from "node:child_process"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { CallError, connect, type HeldLock, holdLock, LockLost, withLock } from "../../src/client/index.ts"
import type { Lock, LockHolder, LockName } from "../../src/protocol/locks.ts"
import { type Home, makeHome, until } from "../support/home.ts"

describe("a lock that a program holds", () => {
  let home: Home
  beforeEach(async () => {
    // Who comes back is waited for however busy the machine is.
    home = makeHome({ HOB_LOCKS_RESUME_MILLIS: "30000" })
    await home.ok(["start"])
  })
  afterEach(() => home.destroy())

  const options = () => ({ paths: home.paths, ttlMillis: 60_000 })
  // By a command, which asks again where the daemon is being killed.
  const locks = async () => (await home.json<{ locks: ReadonlyArray<Lock> }>(["lock", "ls"])).locks
  const tag = (error: unknown) => (error instanceof CallError ? error.data?._tag : String(error))
  const lost = (lock: HeldLock) => new Promise<unknown>((resolve) => lock.signal.addEventListener("abort", resolve))

  it("is held under a holder of its own until it is given back, by hand or by leaving its block", async () => {
    {
      await using lock = await holdLock("a:b", { ...options(), holder: "ada" })
      const [held] = await locks()
      assert.deepInclude(held! as object, { name: "a:b", holder: "ada", token: lock.token, bind: "connection" })
      assert.strictEqual(await holdLock("a:b", options()).catch(tag), "LockHeld")
    }
    assert.deepStrictEqual(await locks(), [])
    const again = await holdLock("a:b", options())
    await again.release()
    await again.release()
    assert.isFalse(again.signal.aborted)
    assert.deepStrictEqual(await locks(), [])
  })

  it("is waited for as long as was said, or until that is given up", async () => {
    await using _ = await holdLock("a", options())
    assert.strictEqual(await holdLock("a", { ...options(), waitMillis: 20 }).catch(tag), "LockWaitTimedOut")
    const givingUp = new AbortController()
    const waiting = holdLock("a", { ...options(), waitMillis: Infinity, signal: givingUp.signal })
    await until("it waits", async () => (await locks())[0]?.waiting === 1)
    givingUp.abort(new Error("enough"))
    assert.strictEqual(await waiting.catch(String), "Error: enough")
    await until("it has left", async () => (await locks())[0]?.waiting === 0)
    assert.strictEqual(await holdLock("a", { ...options(), signal: givingUp.signal }).catch(String), "Error: enough")
  })

  it("is still held, with the same token, when the daemon was killed", async () => {
    const lock = await holdLock("a", options())
    await home.killDaemon()
    await until("it is held for its ttl again", async () => ((await locks())[0]?.expiresInMillis ?? 0) > 35_000)
    assert.strictEqual((await locks())[0]!.token, lock.token)
    assert.isFalse(lock.signal.aborted)
    await lock.release()
    assert.deepStrictEqual(await locks(), [])
  })

  it("that is lost says so, and why", async () => {
    const lock = await holdLock("a", options())
    const told = lost(lock)
    await using client = await connect({ paths: home.paths })
    await client["locks.release"]({ name: "a" as LockName, holder: lock.holder as LockHolder })
    await told
    assert.instanceOf(lock.signal.reason, LockLost)
    assert.match(lock.signal.reason.message, /^The lock "a" was lost: it was released by somebody else/)
    await lock.release()
  })

  it("whose daemon is gone is lost within the time that a next one would keep it", async () => {
    await home.ok(["stop", "--all"])
    await home.ok(["-c", "locks.resumeMillis=100", "start"])
    const lock = await holdLock("a", { ...options(), ttlMillis: 3_600_000, start: false })
    const told = lost(lock)
    await home.killDaemon()
    await told
    assert.match(lock.signal.reason.message, /could not be resumed in time$/)
  })

  it("does not keep a program alive that has given it back, and is free when its program ends", async () => {
    const module = JSON.stringify(new URL("../../src/client/index.ts", import.meta.url).href)
    const run = (body: string) =>
      new Promise<void>((resolve, reject) => {
        const code = `import { holdLock } from ${module}; const lock = await holdLock("a", { ttlMillis: 3_600_000 }); ${body}`
        const args = ["--input-type=module", "-e", code]
        execFile(process.execPath, args, { env: home.env }, (error, _, stderr) =>
          error === null ? resolve() : reject(new Error(stderr))
        )
      })
    await run("await lock.release()")
    await run("process.exit()")
    await until("it is free", async () => (await locks()).length === 0)
  })

  it("around an effect: given back whatever becomes of it, and lost with it", async () => {
    const inside = withLock("a", options(), ({ token }) =>
      Effect.promise(async () => [token, (await locks())[0]!.token])
    )
    const [token, held] = await Effect.runPromise(inside)
    assert.strictEqual(token, held)
    assert.deepStrictEqual(await locks(), [])

    const failing = await Effect.runPromiseExit(withLock("a", options(), () => Effect.fail("no")))
    assert.isTrue(Exit.isFailure(failing))
    assert.deepStrictEqual(await locks(), [])

    const fiber = Effect.runFork(withLock("a", options(), () => Effect.never))
    await until("it is held", async () => (await locks()).length === 1)
    const waiting = Effect.runFork(withLock("a", { ...options(), waitMillis: Infinity }, () => Effect.never))
    await until("it is waited for", async () => (await locks())[0]!.waiting === 1)
    await Effect.runPromise(Fiber.interrupt(waiting))
    await until("nobody waits", async () => (await locks())[0]!.waiting === 0)
    await using client = await connect({ paths: home.paths })
    await client["locks.release"]({ name: "a" as LockName, holder: (await locks())[0]!.holder })
    assert.include(String(await Effect.runPromise(Effect.flip(Fiber.join(fiber)))), "LockLost")
    assert.deepStrictEqual(await locks(), [])
  })
})

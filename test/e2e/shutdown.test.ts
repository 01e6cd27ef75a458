import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { connect } from "../../src/client/index.ts"
import { RpcErrorCode } from "../../src/protocol/errors.ts"
import { call, open } from "../../src/client/wire/bare.ts"
import { type Home, isAlive, makeHome, until } from "../support/home.ts"

describe("a daemon that is told to stop", () => {
  let home: Home
  beforeEach(() => void (home = makeHome()))
  afterEach(() => home.destroy())

  it("under load answers each request or fails it with a reason, every time, and leaves no file behind", async () => {
    // Who is cut off leaves files behind: not because the machine is busy.
    Object.assign(home.env, { HOB_DAEMON_SHUTDOWN_MILLIS: "60000" })
    for (let round = 0; round < 10; round++) {
      await home.ok(["start"])
      const pid = await home.daemonPid()
      let answered = 0
      const failures: Array<unknown> = []
      let stopped = false
      const clients = Array.from({ length: 10 }, async () => {
        while (!stopped) {
          try {
            await call(home.paths.socket, "sessions.list", { all: true }, { timeoutMillis: 20_000 })
            answered++
          } catch (error) {
            failures.push(error)
            stopped = true
          }
        }
      })
      await until("requests are answered", () => answered > 20)
      process.kill(pid, "SIGTERM")
      await until("the daemon has ended", () => !isAlive(pid))
      stopped = true
      await Promise.all(clients)
      for (const failure of failures) assert.instanceOf(failure, Error)
      assert.isFalse(existsSync(home.paths.socket), `round ${round}`)
      assert.isFalse(existsSync(home.paths.lockInfo), `round ${round}`)
    }
  })

  it("does not wait for subscribers and waiters, who are told that it stops", async () => {
    // Longer than this test waits for anything.
    Object.assign(home.env, { HOB_SOCKET_DRAIN_MILLIS: "3600000", HOB_DAEMON_SHUTDOWN_MILLIS: "3600000" })
    await home.ok(["run", "--detach", "--name", "stays", "--", "sleep", "1000"])
    const pid = await home.daemonPid()
    await using client = await connect({ paths: home.paths, start: false })
    const events = client["sessions.events"]({})[Symbol.asyncIterator]()
    const next = events.next().then(
      () => "an event",
      () => "ended"
    )
    const waiter = await open(home.paths.socket)
    const waited = waiter.call("sessions.wait", { session: "stays" }).then(
      () => "answered",
      (error: { code?: number }) => error.code
    )
    // Lines are taken up in order: what was sent before these is in flight.
    await waiter.call("daemon.ping")
    await client["daemon.ping"](undefined)
    const log = () => readFileSync(home.paths.daemonLog, "utf8")
    process.kill(pid, "SIGTERM")
    await until("the daemon has ended", () => !isAlive(pid))
    assert.strictEqual(await waited, RpcErrorCode.cancelled)
    assert.strictEqual(await next, "ended")
    assert.notInclude(log(), "is cut off")
  })

  it("reads its configuration again on SIGHUP, and keeps the old one when the new one has a mistake", async () => {
    await home.ok(["start"])
    const pid = await home.daemonPid()
    const maxCount = async () => {
      const { settings } = await home.json<{
        settings: ReadonlyArray<{ key: string; value: unknown; source: string }>
      }>(["config", "show"])
      const { source, value } = settings.find(({ key }) => key === "sessions.maxCount")!
      return [value, source]
    }
    writeFileSync(home.paths.config, JSON.stringify({ sessions: { maxCount: 7 } }), { mode: 0o600 })
    process.kill(pid, "SIGHUP")
    await until("the new value is in force", async () => (await maxCount())[0] === 7)
    assert.deepStrictEqual(await maxCount(), [7, "file"])
    writeFileSync(home.paths.config, JSON.stringify({ sessions: { maxCount: "many" } }))
    process.kill(pid, "SIGHUP")
    await until("the mistake is in the log", async () =>
      /sessions\.maxCount/u.test(readFileSync(home.paths.daemonLog, "utf8"))
    )
    assert.isTrue(isAlive(pid))
    assert.strictEqual((await home.hob(["ls"])).code, 0)
  })
})

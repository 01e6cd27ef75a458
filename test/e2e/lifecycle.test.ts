import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { dirname, join } from "node:path"
import { type Home, isAlive, makeHome, processesOf, until } from "../support/home.ts"

const daemonsOf = (home: Home) =>
  processesOf(home.paths.home).filter((pid) => {
    try {
      return /daemon(\.js|\/main\.ts)/.test(readFileSync(`/proc/${pid}/cmdline`, "utf8"))
    } catch {
      return false
    }
  })

describe("exactly one daemon", () => {
  let home: Home
  beforeEach(() => void (home = makeHome()))
  afterEach(() => home.destroy())

  it("comes of twenty clients that race to start it, and all twenty succeed", async () => {
    const ran = await Promise.all(Array.from({ length: 20 }, () => home.hob(["ls", "--json"])))
    assert.deepStrictEqual(
      ran.map(({ code }) => code),
      Array.from({ length: 20 }, () => 0),
      ran.find(({ code }) => code !== 0)?.stderr
    )
    await until("the others have ended", () => daemonsOf(home).length === 1)
    assert.deepStrictEqual(daemonsOf(home), [await home.daemonPid()])
  })

  it("hob start with one running shows its status and succeeds", async () => {
    await home.ok(["start"])
    const pid = await home.daemonPid()
    assert.include(await home.ok(["start"]), String(pid))
    assert.strictEqual(await home.daemonPid(), pid)
  })

  it("is not started by status, stop, logs, or with --no-start: they say so with exit code 3", async () => {
    for (const args of [["status"], ["stop"], ["logs"], ["ls", "--no-start"], ["--no-start", "ls"]]) {
      const ran = await home.hob(args)
      assert.strictEqual(ran.code, 3, `hob ${args.join(" ")}: ${ran.stdout}${ran.stderr}`)
    }
    assert.strictEqual((await home.hob(["ls"], { env: { HOB_NO_START: "1" } })).code, 3)
    assert.deepStrictEqual(daemonsOf(home), [])
  })

  it("starts over a stale socket, a pid of somebody else, and a corrupt record", async () => {
    mkdirSync(home.paths.run, { recursive: true, mode: 0o700 })
    const server = createServer().listen(home.paths.socket)
    await until("it listens", () => existsSync(home.paths.socket))
    const record = { pid: process.pid, startedAt: "2020-01-01T00:00:00.000Z", socket: home.paths.socket }
    for (const content of [JSON.stringify(record), "", "{ not json", "\0\0\0"]) {
      writeFileSync(home.paths.lockInfo, content)
      if (content !== "") server.close()
      const pid = Number(JSON.parse(await home.ok(["status", "--json"]).catch(() => "{}")).pid ?? 0)
      if (pid === 0) await home.ok(["start"])
      const daemon = await home.daemonPid()
      assert.isTrue(isAlive(daemon))
      process.kill(daemon, "SIGKILL")
      await until("it is gone", () => !isAlive(daemon))
    }
  })

  it("refuses a runtime directory that is a link, and names it", async () => {
    const elsewhere = join(dirname(home.paths.home), "elsewhere")
    mkdirSync(elsewhere, { mode: 0o700 })
    mkdirSync(home.paths.home, { mode: 0o700 })
    symlinkSync(elsewhere, home.paths.run)
    const ran = await home.hob(["start"])
    assert.strictEqual(ran.code, 1)
    assert.include(ran.stderr, home.paths.run)
  })

  it("says so when the socket's path is too long for the system", async () => {
    const ran = await home.hob(["start"], { env: { HOB_HOME: join(home.paths.home, "x".repeat(120)) } })
    assert.notStrictEqual(ran.code, 0)
    assert.match(ran.stderr, /is \d+ bytes long; a socket.s path may have \d+/u)
  })

  it("a daemon that does not answer is told by its record, and can be ended by force", async () => {
    await home.ok(["start"])
    const pid = await home.daemonPid()
    process.kill(pid, "SIGSTOP")
    const status = await home.hob(["status"])
    assert.include(status.stdout + status.stderr, String(pid))
    assert.notStrictEqual(status.code, 0)
    const listing = await home.hob(["ls"])
    assert.strictEqual(listing.code, 1)
    assert.match(listing.stderr, /does not answer[^]*hob stop --force/u)
    await home.ok(["stop", "--force"])
    await until("it is gone", () => !isAlive(pid))
    await home.ok(["start"])
    assert.notStrictEqual(await home.daemonPid(), pid)
  })

  it("its files and directories are closed to other users, whatever the umask", async () => {
    await home.ok(["run", "--detach", "--", "true"])
    for (const path of [home.paths.home, home.paths.run, home.paths.logs, home.paths.sessions]) {
      assert.strictEqual((statSync(path).mode & 0o777).toString(8), "700", path)
    }
    for (const path of [home.paths.socket, home.paths.hostSocket, home.paths.daemonLog, home.paths.lock]) {
      assert.strictEqual(statSync(path).mode & 0o077, 0, path)
    }
  })
})

describe("stopping", () => {
  let home: Home
  beforeEach(() => void (home = makeHome()))
  afterEach(() => home.destroy())

  it("leaves sessions running and says how many; a next daemon finds them", async () => {
    await home.ok(["run", "--detach", "--name", "one", "--", "sleep", "1000"])
    await home.ok(["run", "--detach", "--name", "two", "--", "sleep", "1000"])
    const pid = await home.daemonPid()
    assert.match(await home.ok(["stop"]), /2 sessions/)
    await until("the daemon is gone", () => !isAlive(pid))
    assert.isFalse(existsSync(home.paths.socket))
    assert.strictEqual((await home.json<{ sessions: ReadonlyArray<unknown> }>(["ls"])).sessions.length, 2)
  })

  it("--all ends the sessions and the session-host too, and leaves no process", async () => {
    await home.ok(["run", "--detach", "--", "sleep", "1000"])
    await home.ok(["run", "--detach", "--", "sh", "-c", "trap '' HUP TERM; while :; do sleep 1; done"])
    await home.ok(["stop", "--all"])
    await until("nothing is left", () => processesOf(home.paths.home).length === 0)
  })

  it("SIGTERM removes the socket and ends with exit code 0", async () => {
    const daemon = home.start(["start", "--foreground"])
    const ended = new Promise<number | null>((done) => daemon.once("exit", done))
    await until("it answers", async () => (await home.hob(["status"])).code === 0)
    process.kill(await home.daemonPid(), "SIGTERM")
    assert.strictEqual(await ended, 0)
    assert.isFalse(existsSync(home.paths.socket))
    assert.strictEqual((await home.hob(["status"])).code, 3)
  })
})

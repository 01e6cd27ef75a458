import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { afterEach, assert, describe, it } from "vitest"
import { isAlive, until } from "../../support/home.ts"
import { bytesOf, Client, readLog } from "./client.ts"
import { type DialectHome, makeDialectHome } from "./home.ts"

let home: DialectHome | undefined
afterEach(async () => {
  await home?.destroy()
  home = undefined
})

/** What hob's own log has, as bytes. */
const outputOf = async (id: string): Promise<Buffer> => Buffer.from(await home!.ok(["output", id]), "utf8")

const kill = async (pid: number): Promise<void> => {
  process.kill(pid, "SIGKILL")
  await until("it is gone", () => !isAlive(pid))
}

const untilComplete = (id: string, log: string) =>
  until("its log is complete", async () => bytesOf(log, "output").equals(await outputOf(id)))

/** What the daemon has open. */
const openFiles = async (): Promise<ReadonlyArray<string>> => {
  const directory = `/proc/${await home!.daemonPid()}/fd`
  if (!existsSync(directory)) return []
  return readdirSync(directory).map((fd) => {
    try {
      return readlinkSync(join(directory, fd))
    } catch {
      return ""
    }
  })
}

const status = async (id: string) => (await home!.client.list()).find((info) => info.id === id)?.status

describe("claude-sessions' sessions and logs", () => {
  it("outlive twelve kill -9 of the daemon: no byte of a log is missing, none is there twice", async () => {
    home = await makeDialectHome({
      HOB_DIALECTS_CLAUDE_SESSIONS_COMMAND: JSON.stringify([
        "sh",
        "-c",
        'stty -onlcr -echo; i=0; while [ $i -lt 3000 ]; do echo "line $i ünï"; i=$((i+1)); [ $((i % 20)) -eq 0 ] && sleep 0.02; done; echo all; read -r _; exit 0'
      ])
    })
    const { id, log } = await home.client.start(home.project)
    for (let round = 0; round < 12; round++) {
      const size = statSync(log).size
      await kill(await home.daemonPid())
      // What foreign clients can't do: the next command of hob's starts it again.
      await home.ok(["ls"])
      await home.untilAnswered()
      assert.strictEqual(await status(id), "running")
      if (round < 4)
        await until("its log goes on", () => statSync(log).size > size || bytesOf(log, "output").includes("all"))
    }
    await home.untilPrinted(log, "all")
    const expected = `${Array.from({ length: 3000 }, (_, line) => `line ${line} ünï\n`).join("")}all\n`
    assert.strictEqual(bytesOf(log, "output").toString(), expected)
    await home.client.send(id, "go")
    await until("it has ended", async () => (await status(id)) === "stopped")
    await untilComplete(id, log)
    await until("what was typed is there too", () => bytesOf(log, "input").toString() === "go\r")
  }, 240_000)

  it("are made whole by the next daemon: what was printed while there was none, and the end", async () => {
    home = await makeDialectHome()
    const { id, log } = await home.client.start(home.project)
    await home.untilPrinted(log, "ready in")
    const session = await home.json<{ pid: number }>(["show", id])
    await kill(await home.daemonPid())
    const before = bytesOf(log, "output").length
    // Half a line, as a write that was cut off by a crash leaves it.
    writeFileSync(log, readFileSync(log, "utf8") + '{"timestamp":"2026-01-01T00:00')
    process.kill(session.pid, "SIGTERM")
    await until("it has ended", () => !isAlive(session.pid))
    await home.ok(["ls"])
    await home.untilAnswered()
    assert.strictEqual(await status(id), "crashed")
    await untilComplete(id, log)
    assert.isAtLeast(bytesOf(log, "output").length, before)
    readLog(log)
  }, 120_000)

  it("are written on after the dialect was off, and a stopped session's too", async () => {
    home = await makeDialectHome()
    const { id, log } = await home.client.start(home.project)
    await home.untilPrinted(log, "ready in")
    await home.ok(["dialect", "disable", "claude-sessions"])
    assert.isFalse(home.client.isDaemonRunning())
    await home.ok(["send", "--submit", id, "meanwhile"])
    await until("it is printed", async () => (await home!.ok(["output", id])).includes('submitted "meanwhile"'))
    assert.notInclude(await openFiles(), log)
    assert.notInclude(bytesOf(log, "output").toString(), "meanwhile")
    await home.ok(["dialect", "enable", "claude-sessions"])
    await untilComplete(id, log)
    assert.include(bytesOf(log, "input").toString(), "meanwhile")
    await home.client.send(id, "afterwards")
    await home.untilPrinted(log, 'submitted "afterwards"')
    await untilComplete(id, log)
    await home.client.stop(id)
    await untilComplete(id, log)
  }, 120_000)

  it("go on in a file that its owner has emptied, removed or moved away, and say nothing twice", async () => {
    home = await makeDialectHome()
    const { id, log } = await home.client.start(home.project)
    await home.untilPrinted(log, "ready in")
    const submitted = () => home!.printed(log, "submitted").map((text) => JSON.parse(text) as string)
    const say = async (text: string): Promise<void> => {
      await home!.client.send(id, text)
      await until("its log is there", () => existsSync(log))
      await until("it is printed", () => submitted().includes(text))
    }
    await say("one")
    truncateSync(log)
    await say("two")
    assert.deepStrictEqual(submitted(), ["two"])
    rmSync(log)
    await say("three")
    assert.deepStrictEqual(submitted(), ["three"])
    // As logrotate does it.
    renameSync(log, `${log}.1`)
    await say("four")
    assert.deepStrictEqual(submitted(), ["four"])
    const moved = bytesOf(`${log}.1`, "output").toString()
    assert.include(moved, "three")
    assert.notInclude(moved, "four")
    assert.strictEqual(statSync(log).mode & 0o777, 0o600)
    await home.client.stop(id)
  }, 120_000)

  it("go on where they were in a file that was emptied before the daemon was killed, and after", async () => {
    home = await makeDialectHome()
    const { id, log } = await home.client.start(home.project)
    await home.untilPrinted(log, "ready in")
    await home.client.send(id, "one")
    await home.untilPrinted(log, 'submitted "one"')
    truncateSync(log)
    await home.client.send(id, "two")
    await home.untilPrinted(log, 'submitted "two"')
    await kill(await home.daemonPid())
    await home.ok(["ls"])
    await home.untilAnswered()
    await home.client.send(id, "three")
    await home.untilPrinted(log, 'submitted "three"')
    assert.deepStrictEqual(home.printed(log, "submitted"), ['"two"', '"three"'])
    await kill(await home.daemonPid())
    renameSync(log, `${log}.1`)
    await home.ok(["ls"])
    await home.untilAnswered()
    await home.client.send(id, "four")
    await until("its log is there", () => existsSync(log))
    await home.untilPrinted(log, 'submitted "four"')
    await home.client.stop(id)
  }, 120_000)

  it("are stale when the session-host died, and can be taken off the list", async () => {
    home = await makeDialectHome()
    const { id, log } = await home.client.start(home.project)
    await home.untilPrinted(log, "ready in")
    await kill(await home.hostPid())
    await until("it is known", async () => (await status(id)) === "stale")
    await home.client.stop(id)
    assert.isUndefined(await status(id))
    const { id: next, log: its } = await home.client.start(home.project)
    await home.untilPrinted(its, "ready in")
    await home.client.stop(next)
  }, 120_000)
})

describe("shutdown", () => {
  it("closes the dialect and not hob; its sessions run on, and the next daemon speaks it again", async () => {
    home = await makeDialectHome()
    const { client } = home
    const { id, log } = await client.start(home.project)
    await home.untilPrinted(log, "ready in")
    assert.deepStrictEqual(await client.shutdown(), { type: "ok" })
    await until("its socket is gone", () => !client.isDaemonRunning())
    const pid = await home.daemonPid()
    assert.isTrue(isAlive(pid))
    assert.strictEqual((await home.json<{ state: string }>(["show", id])).state, "running")
    assert.match(await home.ok(["dialect", "ls"]), /claude-sessions +closed .*\n +a client asked it to shut down/)
    assert.match(await home.ok(["status"]), /dialect: +claude-sessions closed: a client asked/)
    await home.ok(["restart"])
    await home.untilAnswered()
    assert.strictEqual(await status(id), "running")
    await client.shutdown()
    await until("its socket is gone again", () => !client.isDaemonRunning())
    await home.ok(["dialect", "enable", "claude-sessions"])
    assert.strictEqual(await status(id), "running")
    await client.stop(id)
  }, 120_000)
})

describe("two homes of one user", () => {
  it("don't take the path from one another; who comes later is told the other's pid", async () => {
    home = await makeDialectHome()
    const first = await home.daemonPid()
    const other = { HOB_HOME: join(home.env["HOME"]!, "other") }
    try {
      const ran = await home.hob(["dialect", "enable", "claude-sessions"], { env: other })
      assert.strictEqual(ran.code, 1)
      assert.include(ran.stderr, `pid ${first} `)
      assert.include(ran.stderr, home.client.socket)
      assert.match((await home.hob(["dialect", "ls"], { env: other })).stdout, /claude-sessions +disabled/)
      await home.client.ping()
      await kill(first)
      // What the killed one left is no obstacle.
      assert.strictEqual((await home.hob(["dialect", "enable", "claude-sessions"], { env: other })).code, 0)
      await new Client(home.env["HOME"]!).ping()
      // Now it is the other way round, and the first one says so and waits.
      await home.ok(["start"])
      await until("the first one is refused", async () => /refused/.test(await home!.ok(["dialect", "ls"])))
    } finally {
      await home.hob(["stop", "--all"], { env: other })
    }
    await until("the first one has it again", async () => /claude-sessions +up/.test(await home!.ok(["dialect", "ls"])))
  }, 120_000)
})

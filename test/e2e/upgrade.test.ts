import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { inPlaceUnavailable } from "../../src/sessionhost/upgrade/check.ts"
import { VERSION } from "../../src/config/version.ts"
import type { DaemonStatus, Session } from "../../src/protocol/index.ts"
import { type Home, isAlive, makeHome, until } from "../support/home.ts"
import { otherBuild, type OtherBuild } from "../support/otherBuild.ts"

const TIMEOUT = 180_000
const NEWER = "9.1.0"

/** Prints numbered lines for as long as it may: what is missing or doubled shows. */
const flood = ["sh", "-c", "stty -onlcr; i=0; while [ ! -e stop ]; do echo line $i; i=$((i+1)); done; exit 3"]

/** Null when each line is there, once, in order. */
const misnumbered = (text: string): string | null => {
  const lines = text.split("\n").slice(0, -1)
  const wrong = lines.findIndex((line, index) => line !== `line ${index}`)
  return wrong < 0 ? null : `line ${wrong} is ${lines[wrong]}`
}

describe.runIf(inPlaceUnavailable() === null)("hob upgrade", () => {
  let home: Home
  let newer: OtherBuild
  beforeEach(() => {
    home = makeHome()
    newer = otherBuild(home, { version: NEWER })
  })
  afterEach(() => home.destroy())

  const run = async (...args: ReadonlyArray<string>): Promise<Session> => {
    const id = (await home.ok(["run", "--detach", ...args])).trim()
    return home.json<Session>(["show", id])
  }
  const status = () => home.json<DaemonStatus>(["status"])
  const running = async () =>
    (await home.json<{ sessions: ReadonlyArray<Session> }>(["ls"])).sessions.map(({ pid }) => pid).toSorted()

  it(
    "replaces daemon, session-host and screens process under what runs, and not a byte is lost",
    { timeout: TIMEOUT },
    async () => {
      const directory = newer.directory
      const flooding = await run("--cwd", directory, "--", ...flood)
      const quiet = await run("--name", "quiet", "--", "sh", "-c", "read line; stty size; exit 7")
      const pipe = await run("--name", "pipe", "--pipe", "--", "cat")
      const follower = home.start(["output", "-f", flooding.id])
      let followed = ""
      follower.stdout!.setEncoding("latin1").on("data", (text: string) => (followed += text))
      const followerEnd = new Promise((done) => follower.once("close", done))
      const waiting = home.hob(["wait", "--exit", "quiet"])
      await until("something was followed", () => followed.length > 0)
      const before = await status()
      const pids = await running()

      const checked = await newer.hob(["upgrade", "--check"])
      assert.match(checked.stdout, /`hob upgrade` replaces it/)
      assert.strictEqual((await status()).pid, before.pid)
      const upgraded = await newer.hob(["upgrade"])
      assert.strictEqual(upgraded.code, 0, upgraded.stderr)
      assert.match(upgraded.stdout, /replaced in place .*3 sessions ran on/)

      const after = await status()
      assert.deepStrictEqual([after.version, after.sessionHost?.version], [NEWER, NEWER])
      assert.notStrictEqual(after.pid, before.pid)
      assert.isFalse(isAlive(before.pid))
      assert.strictEqual(after.sessionHost?.pid, before.sessionHost?.pid)
      assert.deepStrictEqual(await running(), pids)
      await until("the screens process is the new one", async () => {
        const { sessionHost } = await status()
        return sessionHost?.screens?.version === NEWER
      })

      // Sizes, input and exits as if nothing had been.
      const grown = followed.length
      await until("more was followed", () => followed.length > grown)
      await home.ok(["send", "pipe", "through\n"])
      await until("it came back", async () => (await home.ok(["output", "pipe"])) === "through\n")
      await home.ok(["send", "quiet", "--key", "Enter"])
      assert.match((await waiting).stdout, /7/)
      assert.include(await home.ok(["output", "quiet"]), `${quiet.rows} ${quiet.cols}`)
      writeFileSync(`${directory}/stop`, "")
      await followerEnd
      assert.strictEqual((await home.json<Session>(["show", flooding.id])).exit?.code, 3)
      const log = await home.ok(["output", flooding.id])
      assert.isNull(misnumbered(log))
      assert.strictEqual(followed, log)
      await home.ok(["kill", pipe.id])

      assert.match((await newer.hob(["upgrade"])).stdout, /is it already[^]*is it already/)
    }
  )

  it("is what a new daemon does by itself, unless daemon.upgradeHost forbids it", { timeout: TIMEOUT }, async () => {
    const session = await run("--", "cat")
    const other = otherBuild(home, { build: "0123456789abcdef" })
    const kept = await other.hob(["restart", "-c", "daemon.upgradeHost=false"])
    assert.strictEqual(kept.code, 0, kept.stderr)
    assert.deepStrictEqual((await status()).sessionHost?.relation, "other")
    assert.match(await home.ok(["status"]), /of another build than the daemon: `hob upgrade` replaces it/)
    assert.match(await home.ok(["logs"]), /daemon.upgradeHost is off/)
    assert.strictEqual((await other.hob(["restart"])).code, 0)
    await until("the session-host was replaced", async () => {
      const { sessionHost } = await status()
      return sessionHost?.relation === "same" && sessionHost.lastUpgrade?.failure === null
    })
    assert.deepStrictEqual(await running(), [session.pid])
  })

  it("an older version goes back only when told to, and the older command says so", { timeout: TIMEOUT }, async () => {
    const session = await run("--", "cat")
    assert.strictEqual((await newer.hob(["upgrade"])).code, 0)
    const refused = await home.hob(["upgrade"])
    assert.strictEqual(refused.code, 1)
    assert.match(refused.stderr, /newer than this command[^]*--downgrade/)
    assert.strictEqual((await status()).version, NEWER)
    // A daemon of before does not take the newer host down by itself.
    await home.ok(["restart"])
    const { sessionHost, version } = await status()
    assert.deepStrictEqual([version, sessionHost?.version, sessionHost?.relation], [VERSION, NEWER, "newer"])
    assert.match((await home.hob(["upgrade"])).stdout, /newer than this daemon[^]*--downgrade/)
    await home.ok(["upgrade", "--downgrade"])
    assert.strictEqual((await status()).sessionHost?.version, VERSION)
    assert.deepStrictEqual(await running(), [session.pid])
    assert.strictEqual((await home.ok(["send", "--key", "C-d", "--", session.id])).length, 0)
    assert.strictEqual((await home.hob(["wait", "--exit", session.id])).code, 0)
  })

  it(
    "a session-host that can't take over changes nothing, is told, and is tried once",
    { timeout: TIMEOUT },
    async () => {
      const session = await run("--", "cat")
      const host = (await status()).sessionHost!.pid
      const broken = otherBuild(home, { version: NEWER, files: { "host.js": "throw new Error('half installed')" } })
      const upgraded = await broken.hob(["upgrade"])
      assert.strictEqual(upgraded.code, 1)
      assert.match(upgraded.stdout, /session-host: stays .*half installed[^]*Its sessions run on/)
      const { sessionHost, version } = await status()
      assert.deepStrictEqual([version, sessionHost?.version, sessionHost?.pid], [NEWER, VERSION, host])
      assert.match(await home.ok(["status"]), /was not replaced .* ago: .*half installed/)
      assert.deepStrictEqual(await running(), [session.pid])
      // The daemon's own attempt and that of the command, and no more of them.
      const attempts = () => home.ok(["logs", "-n", "1000"]).then((log) => log.match(/takes its place/g)?.length)
      const made = await attempts()
      await home.ok(["ls"])
      assert.strictEqual(await attempts(), made)
      const mended = otherBuild(home, { version: "9.1.1" })
      assert.strictEqual((await mended.hob(["upgrade"])).code, 0)
      assert.strictEqual((await status()).sessionHost?.version, "9.1.1")
    }
  )

  it("a daemon that does not start leaves the old one in charge", { timeout: TIMEOUT }, async () => {
    const session = await run("--", "cat")
    const before = await status()
    const broken = otherBuild(home, { version: NEWER, files: { "daemon.js": "throw new Error('half installed')" } })
    const upgraded = await broken.hob(["upgrade"])
    assert.strictEqual(upgraded.code, 1)
    assert.match(upgraded.stderr, /The new daemon did not start[^]*goes on as before/)
    assert.strictEqual((await status()).pid, before.pid)
    assert.deepStrictEqual(await running(), [session.pid])
  })

  it("a daemon that hangs leaves the old one in charge, and is ended", { timeout: TIMEOUT }, async () => {
    await run("--", "cat")
    const before = await status()
    const mark = join(home.paths.home, "hanging")
    const hangs = `import { writeFileSync } from "node:fs"
    writeFileSync(${JSON.stringify(mark)}, String(process.pid))
    setInterval(() => {}, 1000)`
    const broken = otherBuild(home, { version: NEWER, files: { "daemon.js": hangs } })
    const upgraded = await broken.hob(["upgrade"])
    assert.strictEqual(upgraded.code, 1)
    assert.match(upgraded.stderr, /The new daemon did not start[^]*goes on as before/)
    const pid = Number(readFileSync(mark, "utf8"))
    await until("it is ended", () => !isAlive(pid))
    assert.strictEqual((await status()).pid, before.pid)
  })

  it(
    "a daemon that fails once the old one has left: that one is started again, with its settings",
    { timeout: TIMEOUT },
    async () => {
      await home.ok(["start", "-c", "sessions.maxCount=77"])
      const session = await run("--", "cat")
      const before = await status()
      const late = `import { readFileSync } from "node:fs"
      process.kill(JSON.parse(readFileSync(${JSON.stringify(home.paths.lockInfo)}, "utf8")).pid, "SIGKILL")
      setTimeout(() => process.exit(1), 500)`
      const broken = otherBuild(home, { version: NEWER, files: { "daemon.js": late } })
      const upgraded = await broken.hob(["upgrade"])
      assert.strictEqual(upgraded.code, 1)
      assert.match(upgraded.stderr, /The new daemon did not start[^]*goes on as before/)
      const after = await status()
      assert.notStrictEqual(after.pid, before.pid)
      assert.deepStrictEqual([after.version, after.entry], [VERSION, before.entry])
      assert.match(await home.ok(["config", "show"]), /sessions\.maxCount .* the running daemon has 77/)
      assert.deepStrictEqual(await running(), [session.pid])
    }
  )
})

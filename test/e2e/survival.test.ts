import { afterEach, assert, beforeEach, describe, it } from "vitest"
import type { Session } from "../../src/protocol/index.ts"
import { binary, type Home, isAlive, makeHome, until } from "../support/home.ts"

/** A program that prints numbered lines: what is missing or doubled shows. */
const numbered = (count: number, pause = "") => [
  "sh",
  "-c",
  `stty -onlcr 2>/dev/null; i=0; while [ $i -lt ${count} ]; do echo "line $i"; i=$((i+1)); ${pause} done; exit 3`
]
const expected = (count: number) => Array.from({ length: count }, (_, i) => `line ${i}\n`).join("")

describe("sessions outlive the daemon", () => {
  let home: Home
  beforeEach(() => void (home = makeHome()))
  afterEach(() => home.destroy())

  const run = async (...args: ReadonlyArray<string>): Promise<Session> => {
    const id = (await home.ok(["run", "--detach", ...args])).trim().split(/\s+/).at(-1)!
    return home.json<Session>(["show", id])
  }

  it("twenty kill -9 of the daemon cost no byte of output, no session, and no follower", async () => {
    const lines = 4000
    const session = await run("--", ...numbered(lines, `[ $((i % 10)) -eq 0 ] && sleep 0.01;`))
    const follower = home.start(["output", "-f", session.id])
    let followed = ""
    follower.stdout!.setEncoding("latin1").on("data", (text: string) => (followed += text))
    const followerEnd = new Promise((done) => follower.once("close", done))

    for (let kill = 0; kill < 20; kill++) {
      const pid = await home.daemonPid()
      process.kill(pid, "SIGKILL")
      await until("the daemon is gone", () => !isAlive(pid))
      assert.isTrue(session.pid !== null && (isAlive(session.pid) || kill > 0))
      await home.ok(["ls"])
    }

    assert.include(await home.ok(["wait", "--exit", session.id]), "3")
    assert.strictEqual(await home.ok(["output", session.id]), expected(lines))
    await followerEnd
    assert.strictEqual(followed, expected(lines))
    const ended = await home.json<Session>(["show", session.id])
    assert.deepStrictEqual([ended.state, ended.exit?.code, ended.output.end], ["exited", 3, expected(lines).length])
  })

  it("a session that ends while no daemon runs has its exit and its output recorded", async () => {
    const session = await run("--name", "alone", "--", "sh", "-c", "read go; echo done; exit 7")
    await home.ok(["send", "alone", "go", "--key", "Enter"])
    const pid = await home.daemonPid()
    process.kill(pid, "SIGKILL")
    await until("the program is gone", () => !isAlive(session.pid!))
    const ended = await home.json<Session>(["show", "alone"])
    assert.deepStrictEqual([ended.state, ended.exit?.code], ["exited", 7])
    assert.include(await home.ok(["output", "alone"]), "done")
  })

  it("kill -9 of the session-host loses its sessions, keeps their logs, and new ones can be started", async () => {
    const session = await run("--name", "doomed", "--", "sh", "-c", "echo kept; exec sleep 1000")
    await until("it has printed", async () => (await home.ok(["output", "doomed"])).includes("kept"))
    const host = await home.hostPid()
    process.kill(host, "SIGKILL")
    await until("the session is lost", async () => (await home.json<Session>(["show", session.id])).state === "lost")
    assert.include(await home.ok(["output", session.id]), "kept")
    const all = await home.json<{ sessions: ReadonlyArray<Session> }>(["ls", "--all"])
    assert.deepStrictEqual(
      all.sessions.map(({ output }) => output.end),
      ["kept\r\n".length]
    )
    const next = await run("--", "sh", "-c", "exec sleep 1000")
    assert.strictEqual((await home.json<Session>(["show", next.id])).state, "running")
    assert.notStrictEqual(await home.hostPid(), host)
    assert.match(await home.ok(["logs", "-n", "100"]), /session-host went away: 1 sessions are lost/)
  })

  it("hob restart changes nothing for a session", async () => {
    const session = await run("--", "sh", "-c", "exec sleep 1000")
    const before = await home.daemonPid()
    await home.ok(["restart"])
    assert.notStrictEqual(await home.daemonPid(), before)
    const after = await home.json<Session>(["show", session.id])
    assert.deepStrictEqual([after.state, after.pid], ["running", session.pid])
  })

  it("a daemon that was started from inside a session, and its host, are no part of that session", async () => {
    const bystander = await run("--", "sleep", "1000")
    const restart = `'${binary}' stop >/dev/null && '${binary}' ls >/dev/null && echo restarted; exec sleep 1000`
    await home.ok(["run", "--detach", "--name", "inner", "--", "sh", "-c", restart])
    await until("the session has restarted the daemon", async () =>
      (await home.hob(["output", "inner", "--no-start"])).stdout.includes("restarted")
    )
    const daemon = await home.daemonPid()
    const host = await home.hostPid()
    await home.ok(["kill", "inner"])
    assert.deepStrictEqual([isAlive(daemon), isAlive(host), isAlive(bystander.pid!)], [true, true, true])
  })

  it("killing a session with a daemon in its foreground ends that daemon, and not the host nor another session", async () => {
    const bystander = await run("--", "sleep", "1000")
    const host = await home.hostPid()
    // Nothing else may ask for the daemon meanwhile, or it would be started outside.
    const inner = `'${binary}' stop >/dev/null; exec '${binary}' start --foreground`
    await home.ok(["run", "--detach", "--name", "inner", "--", "sh", "-c", inner])
    await until("a daemon runs in the session", async () => {
      const ran = await home.hob(["output", "inner", "--no-start"])
      return ran.stdout.includes("answers on")
    })
    const daemon = await home.daemonPid()
    await home.hob(["kill", "inner"])
    await until("it is gone", () => !isAlive(daemon))
    assert.deepStrictEqual([isAlive(host), isAlive(bystander.pid!)], [true, true])
    assert.strictEqual((await home.json<Session>(["show", bystander.id])).state, "running")
  })
})

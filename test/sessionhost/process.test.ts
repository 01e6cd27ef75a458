import { mkdirSync, mkdtempSync, readdirSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect, type Socket } from "node:net"
import { assert, describe, it } from "vitest"
import type { HostSession } from "../../src/protocol/sessionHost.ts"
import { spawnRequest } from "./support/host.ts"
import { screensOf } from "../screens/support.ts"
import { HostHome, isAlive, open, run, statOf } from "./support/hostProcess.ts"

const onLinux = process.platform === "linux" ? it : it.skip

/** Looks again until `condition` holds: for what other processes do, of which nobody tells. */
const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise<void>((resolve) => setTimeout(resolve, 10))
}

describe("the session-host process", () => {
  it("starts, runs a command under a terminal, and ends with SIGTERM when it holds nothing", async () => {
    await using home = new HostHome()
    const host = (await home.start())!
    assert.strictEqual(statSync(home.paths.hostSocket).mode & 0o777, 0o600)
    const control = await host.control()
    const session = await run(control, ["sh", "-c", "stty size; read line; echo got $line; exit 3"])
    const client = await open(home.paths, control, session.id)
    await client.until(() => client.output.includes("24 80"))
    client.type("something\r")
    await client.whenClosed()
    assert.include(client.output.toString(), "got something\r\n")
    assert.strictEqual(client.exited?.code, 3)
    await control.event("closed", session.id)
    host.child.kill("SIGTERM")
    assert.deepStrictEqual(await host.ended, { code: 0, signal: null })
    assert.notInclude(readdirSync(home.paths.run), "host.sock")
  })

  it("is one of however many race to be it: the others end with 0, and the one answers", async () => {
    await using home = new HostHome()
    const hosts = await Promise.all(Array.from({ length: 12 }, () => home.start()))
    const winners = hosts.filter((host) => host !== null)
    assert.strictEqual(winners.length, 1)
    const control = await winners[0]!.control()
    assert.strictEqual(
      (await control.ask<{ pid: number }>("hello", { protocol: 1, daemonPid: 1 })).pid,
      winners[0]!.pid
    )
  })

  it("says why when it can't be started, and ends with 1", async () => {
    await using home = new HostHome()
    mkdirSync(home.paths.hostLock)
    const said = String(await home.start().catch((error: Error) => error.message))
    assert.include(said, "ended with 1")
    assert.include(said, home.paths.hostLock)
    await using long = new HostHome(mkdtempSync(join(tmpdir(), "x".repeat(100))))
    assert.include(String(await long.start().catch((error: Error) => error.message)), "host.sock")
  })

  it("is replaced at once after kill -9: lock and socket are free, the log is there", async () => {
    await using home = new HostHome()
    const host = (await home.start())!
    const control = await host.control()
    const session = await run(control, ["sh", "-c", "echo before; exec sleep 1000"])
    const client = await open(home.paths, control, session.id)
    await client.until(() => client.output.includes("before"))
    host.child.kill("SIGKILL")
    await host.ended
    await client.whenClosed()
    const next = (await home.start())!
    const again = await next.control()
    const read = await open(home.paths, again, session.id, { mode: "read" })
    await read.whenClosed()
    assert.strictEqual(read.output.toString(), "before\r\n")
    assert.isNull(read.opened!.session.exit)
    await again.ask("remove", { session: session.id })
    // The terminal is hung up with its holder, and the program with it.
    await until(() => !isAlive(session.pid!))
  })

  it("outlives its daemon's kill -9, SIGHUP and SIGTERM while it holds a session", async () => {
    await using home = new HostHome()
    const host = (await home.start())!
    const daemon = await host.control()
    const session = await run(daemon, ["sh", "-c", "while read line; do echo $line$line; done"])
    const client = await open(home.paths, daemon, session.id)
    daemon.socket.destroy()
    host.child.kill("SIGHUP")
    host.child.kill("SIGTERM")
    await until(() => host.said.includes("holds 1 session"))
    client.type("ab\r")
    await client.until(() => client.output.includes("abab"))
    const next = await host.control()
    assert.strictEqual((await next.ask<{ sessions: [] }>("list")).sessions.length, 1)
    client.type("\x04")
    await client.whenClosed()
    assert.strictEqual(client.exited?.code, 0)
    // It was told to go when it could.
    assert.deepStrictEqual(await host.ended, { code: 0, signal: null })
  })

  it("kills everything that a session started, also what left its group and ignores what it can", async () => {
    await using home = new HostHome()
    const host = (await home.start())!
    const control = await host.control()
    const script = `
      trap "" TERM HUP INT
      setsid sh -c 'trap "" TERM HUP INT; echo a $$; while :; do sleep 1000; done' &
      sh -c 'trap "" TERM HUP INT; echo b $$; while :; do sleep 1000; done' &
      setsid sh -c 'echo d $$; exec >/dev/null 2>&1 </dev/null sleep 1000' &
      echo c $$
      wait
      sleep 1000`
    const session = await run(control, ["sh", "-c", script])
    const client = await open(home.paths, control, session.id)
    const pids = () => [...client.output.toString().matchAll(/[abcd] (\d+)/g)].map(([, pid]) => Number(pid))
    await client.until(() => pids().length === 4)
    const killed = await control.ask("kill", { session: session.id, signal: "TERM", graceMillis: 300 })
    assert.strictEqual(killed.exit?.signal, "SIGKILL")
    for (const pid of pids()) assert.isFalse(isAlive(pid))
  })

  onLinux("lives on without descriptors: sessions and log go on, a new one is refused, then it recovers", async () => {
    await using home = new HostHome()
    const host = (await home.start(["sh", "-c", 'ulimit -n 80; exec "$@"', "sh"]))!
    const control = await host.control()
    const session = await run(control, ["sh", "-c", "while read line; do echo $line$line; done"], { segmentBytes: 200 })
    const client = await open(home.paths, control, session.id)
    for (let cycle = 0; cycle < 3; cycle++) {
      const crowd: Array<Socket> = []
      for (let each = 0; each < 200; each++) {
        const socket = connect(home.paths.hostSocket)
        socket.on("error", () => {})
        crowd.push(socket)
      }
      await until(() => readdirSync(`/proc/${host.pid}/fd`).length >= 80)
      for (let line = 0; line < 10; line++) {
        const before = client.offset
        client.type(`${cycle}-${line}\r`)
        await client.until(
          () => client.offset > before && client.output.toString().includes(`${cycle}-${line}${cycle}-${line}`)
        )
      }
      const { error } = await control.request("spawn", spawnRequest(crypto.randomUUID(), {}, ["sh"]))
      assert.strictEqual(error?.code, "spawn-failed", JSON.stringify(error))
      for (const socket of crowd) socket.destroy()
      await until(() => readdirSync(`/proc/${host.pid}/fd`).length < 60)
      // Of the crowd those that were not let in yet may still be.
      const again = () => control.request("spawn", spawnRequest(crypto.randomUUID(), {}, ["true"]))
      let after = await again()
      while (after.error?.code === "spawn-failed") after = await again()
      assert.isUndefined(after.error)
      await control.event("closed", (after.result as HostSession).id)
    }
    client.type("\x04")
    const { session: closed } = await control.event("closed", session.id)
    const read = await open(home.paths, control, session.id, { mode: "read" })
    await read.whenClosed()
    assert.deepStrictEqual(read.gaps, [])
    assert.strictEqual(read.bytes, closed.output.end)
    assert.strictEqual(closed.logLostBytes, 0)
  })

  onLinux("gives back every descriptor and leaves no zombie over a hundred sessions", async () => {
    await using home = new HostHome()
    const host = (await home.start())!
    const control = await host.control()
    const descriptors = () => readdirSync(`/proc/${host.pid}/fd`).length
    const one = async () => {
      const session = await run(control, ["sh", "-c", "echo $$; exit 1"])
      const client = await open(home.paths, control, session.id)
      await client.whenClosed()
      assert.isTrue(client.ended)
      await control.event("closed", session.id)
    }
    await one()
    // By then the screens process has its connection.
    await control.request("screens", { request: null })
    const before = descriptors()
    for (let batch = 0; batch < 10; batch++) await Promise.all(Array.from({ length: 10 }, one))
    await until(() => descriptors() <= before)
    const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name))
    const children = processes.map(Number).filter((pid) => statOf(pid)?.[1] === String(host.pid))
    assert.sameMembers(children, [...screensOf(home.home)])
  })
})

import { spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { existsSync, openSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { baseOf, ownHierarchies, sessionGroup } from "../../src/config/cgroups.ts"
import type { HostSession } from "../../src/protocol/sessionHost.ts"
import { libc } from "../../src/sessionhost/libc.ts"
import { ProcessTable } from "../../src/sessionhost/ProcessTable.ts"
import { spawnRequest } from "./support/host.ts"
import { HostHome, isAlive, open, run, statOf } from "./support/hostProcess.ts"

const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise<void>((resolve) => setTimeout(resolve, 10))
}

/** The cgroups that a session has. */
const groupsOf = (id: string) =>
  ownHierarchies()
    .map(({ own }) => join(baseOf(own), sessionGroup(id)))
    .filter((directory) => existsSync(directory))

const stateOf = (pid: number) => statOf(pid)?.[0]

/**
 * A program on pipes whose host was killed: a shell that did `first` and went on with `script` when it had read a line,
 * which it does only after the host has let it go on, be it stopped already or about to be.
 */
const orphaned = async (home: HostHome, script: string, first = "") => {
  const host = (await home.start())!
  const control = await host.control()
  const session = await run(control, ["sh", "-c", `${first} read line; echo on; ${script}`], { kind: "pipe" })
  const client = await open(home.paths, control, session.id)
  client.type("\n")
  await client.until(() => client.output.includes("on"))
  host.child.kill("SIGKILL")
  await host.ended
  assert.isTrue(isAlive(session.pid!))
  return session
}

describe.runIf(process.platform === "linux")("what a host that was killed has left of a session", () => {
  it("is ended by a kill of the session, however deaf, and what else there is goes on", async () => {
    await using home = new HostHome()
    const session = await orphaned(home, "while :; do sleep 1000; done", "trap '' TERM HUP;")
    const control = await (await home.start())!.control()
    const other = await run(control, ["sleep", "1000"], { kind: "pipe" })
    const kill = { session: session.id, signal: "SIGTERM", graceMillis: 50 }
    const after = await control.ask<HostSession>("kill", kill)
    assert.isNull(after.exit)
    assert.isFalse(isAlive(session.pid!))
    assert.isTrue(isAlive(other.pid!))
    assert.strictEqual((await control.request("kill", kill)).error?.code, "ended")
  })

  it("is ended before the session is forgotten, for nobody could find it then", async () => {
    await using home = new HostHome()
    const session = await orphaned(home, "exec sleep 1000")
    const control = await (await home.start())!.control()
    await control.ask("remove", { session: session.id })
    assert.isFalse(isAlive(session.pid!))
  })

  it("is ended by a kill also when its program has ended and left a daemon behind", async () => {
    await using home = new HostHome()
    const control = await (await home.start())!.control()
    const script = "setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $!"
    const session = await run(control, ["sh", "-c", script], { kind: "pipe" })
    await control.event("closed", session.id)
    const after = await control.ask<HostSession>("kill", { session: session.id, signal: "SIGTERM", graceMillis: 5000 })
    assert.strictEqual(after.exit?.code, 0)
  })

  it.runIf(libc() !== null)(
    "does not stand still for ever if that host had stopped it: the next one hangs it up",
    async () => {
      await using home = new HostHome()
      const session = await orphaned(home, "exec sleep 1000")
      process.kill(session.pid!, "SIGSTOP")
      await until(() => stateOf(session.pid!) === "T")
      await home.start()
      await until(() => !isAlive(session.pid!))
    }
  )

  it("is no empty cgroup: the next host removes it, however new", async ({ skip }) => {
    await using home = new HostHome()
    const session = await orphaned(home, "exec sleep 1000")
    if (groupsOf(session.id).length === 0) skip()
    process.kill(session.pid!, "SIGKILL")
    await until(() => !isAlive(session.pid!))
    assert.isNotEmpty(groupsOf(session.id))
    await home.start()
    assert.isEmpty(groupsOf(session.id))
  })
})

describe.runIf(process.platform === "linux")("the cgroups of a session", () => {
  it("are gone with it, however it ended, and with a host that stops", async ({ skip }) => {
    await using home = new HostHome()
    const host = (await home.start())!
    const control = await host.control()
    const busy = "while :; do :; done"
    const limits = { processes: 100, cpuPercent: 50 }
    const start = async (script: string) => {
      const request = spawnRequest(randomUUID(), { kind: "pipe" }, ["sh", "-c", script])
      return control.ask<HostSession>("spawn", { ...request, session: { ...request.session, limits } })
    }
    const ids: Array<string> = []
    for (const script of ["exit 3", busy, busy]) {
      const session = await start(script)
      ids.push(session.id)
      if (script === busy) await control.ask("kill", { session: session.id, signal: "KILL", graceMillis: 0 })
      else await control.event("closed", session.id)
      await until(() => groupsOf(session.id).length === 0)
    }
    const last = await start(busy)
    if (groupsOf(last.id).length === 0) skip()
    await control.ask("kill", { session: last.id, signal: "KILL", graceMillis: 0 })
    host.child.kill("SIGTERM")
    assert.strictEqual((await host.ended).code, 0)
    assert.isEmpty([...ids, last.id].flatMap(groupsOf))
  })
})

describe("what a session-host that died leaves behind", () => {
  it("a program that it had not let go yet is ended by the next one, and nothing else is", async () => {
    await using home = new HostHome()
    const first = (await home.start())!
    const stopped = (fd: number) => {
      const child = spawn("sh", ["-c", "kill -STOP $$"], { stdio: ["ignore", "ignore", "ignore", fd] })
      return { pid: child.pid!, ended: new Promise((resolve) => child.once("exit", (_, signal) => resolve(signal))) }
    }
    // As a copy of the host has it.
    const unborn = stopped(openSync(home.paths.hostLock, "r"))
    const other = stopped(openSync("/dev/null", "r"))
    const table = new ProcessTable()
    for (const { pid } of [unborn, other]) await until(() => table.read(pid)?.state === "T")
    process.kill(first.pid, "SIGKILL")
    await first.ended
    assert.isNotNull(await home.start())
    assert.strictEqual(await unborn.ended, "SIGKILL")
    assert.strictEqual(table.read(other.pid)?.state, "T")
    process.kill(other.pid, "SIGKILL")
  })
})

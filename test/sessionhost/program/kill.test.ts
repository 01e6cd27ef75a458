import { execFileSync } from "node:child_process"
import { randomUUID } from "node:crypto"
import { assert, describe, expect, it, onTestFinished } from "vitest"
import { parseBirthmark } from "../../../src/sessionhost/birthmark.ts"
import { cgroups } from "../../../src/sessionhost/cgroup/Cgroups.ts"
import { libc } from "../../../src/sessionhost/libc.ts"
import { ProcessTable } from "../../../src/sessionhost/ProcessTable.ts"
import type { Program } from "../../../src/sessionhost/program.ts"
import { environment, itPty, kinds, processes, run, shell, until } from "./run.ts"
import { startPty } from "../../../src/sessionhost/pty.ts"

/**
 * A family with a name in every member's command line: in the program's group, out of it, in other sessions, orphaned
 * twice over, deaf to HUP and TERM, and without the session's marker.
 */
const family = (name: string) => `
  member() { exec -a "$name-$1" sleep 1000; }
  export name=${name}
  export -f member
  (member child) &
  (trap '' HUP TERM; exec -a ${name}-deaf-child sleep 1000) &
  setsid bash -c 'member own-session' &
  setsid bash -c 'trap "" HUP TERM; exec -a ${name}-own-session-deaf sleep 1000' </dev/null >/dev/null 2>&1 &
  (setsid bash -c '(member orphan </dev/null >/dev/null 2>&1) & (trap "" HUP TERM; exec -a ${name}-orphan-deaf sleep 1000) & ' &)
  (env -i setsid bash -c 'exec -a ${name}-no-marker-but-our-terminal sleep 1000' &)
  (env -i bash -c 'exec -a ${name}-no-marker-in-our-session sleep 1000' </dev/null >/dev/null 2>&1 &)
  (member stopped) &
  set -m; (member own-group) & set +m
`
const familySize = 10

const members = (name: string) =>
  processes()
    .filter(({ command, state }) => command.startsWith(`${name}-`) && state !== "Z")
    .map(({ command }) => command.slice(name.length + 1).split(" ")[0]!)
    .sort()

const startFamily = async (start: (typeof kinds)[number][1], then: string) => {
  const name = `kin${randomUUID().slice(0, 8)}`
  const env = { ...environment, HOB_SESSION_ID: randomUUID() }
  const started = run(start, "/bin/bash", ["-c", `${family(name)}\n${then}`], { env })
  await until(() => members(name).length === familySize)
  process.kill(processes().find(({ command }) => command.startsWith(`${name}-stopped`))!.pid, "SIGSTOP")
  return { name, ...started }
}

const stat = (pids: ReadonlyArray<number>) => processes().filter(({ pid }) => pids.includes(pid))

/** What the session-host does for a kill, without its grace. */
const killAll = async (program: Program) => {
  program.signalAll("SIGTERM")
  program.signalAll("SIGKILL")
  await until(() => program.survivors().length === 0)
}

describe.each(kinds)("the processes of a session %s", (_, start) => {
  it("are all found, and nobody else", async () => {
    const other = await startFamily(start, "exec sleep 1000")
    const { name, program } = await startFamily(start, "exec sleep 1000")
    const found = stat(program.survivors())
    assert.deepStrictEqual(
      found.filter(({ command }) => command.startsWith("kin") && !command.startsWith(name)),
      []
    )
    expect(found.filter(({ command }) => command.startsWith(name)).length).toBe(familySize)
    expect(found.map(({ pid }) => pid)).toContain(program.pid)
    expect(found.map(({ pid }) => pid)).not.toContain(process.pid)
    await killAll(program)
    assert.deepStrictEqual(members(name), [])
    expect(members(other.name)).toHaveLength(familySize)
  })

  it("are all gone after SIGTERM and SIGKILL, deaf and detached ones too", async () => {
    const { closed, name, program } = await startFamily(start, "wait; wait")
    program.signalAll("SIGTERM")
    await until(() => members(name).every((member) => /deaf/.test(member)))
    expect(members(name).length).toBe(3)
    expect(program.survivors().length).toBeGreaterThanOrEqual(3)
    program.signalAll("SIGKILL")
    await until(() => program.survivors().length === 0)
    assert.deepStrictEqual(members(name), [])
    await closed
  })

  it("are reached when the program itself has ended and its children hold on", async () => {
    const { closed, exit, name, program } = await startFamily(start, "trap '' HUP; read -r _; exit 0")
    program.write(Buffer.from("\n"))
    await exit
    // Those of the terminal's foreground group that don't ignore it got the hang-up by now.
    expect(program.survivors().length).toBeGreaterThanOrEqual(3)
    program.signalAll("SIGKILL")
    await closed
    await until(() => program.survivors().length === 0)
    assert.deepStrictEqual(members(name), [])
  })

  it("are reached after the session has closed, when they detached from everything but the marker", async () => {
    const name = `kin${randomUUID().slice(0, 8)}`
    const env = { ...environment, HOB_SESSION_ID: randomUUID() }
    const script = `trap '' HUP; (setsid bash -c 'exec -a ${name}-detached sleep 1000' </dev/null >/dev/null 2>&1 &)`
    const { closed, program } = run(start, "/bin/bash", ["-c", script], { env })
    await closed
    await until(() => members(name).length === 1)
    expect(program.survivors()).toHaveLength(1)
    program.signalAll("SIGTERM")
    await until(() => members(name).length === 0)
    expect(program.survivors()).toEqual([])
  })

  it("that fork as fast as they can are all gone after a few rounds", async () => {
    const name = `kin${randomUUID().slice(0, 8)}`
    const script = `f() { while :; do (exec -a ${name}-x sleep 1000) & (exec -a ${name}-y setsid sleep 1000) & sleep 0.02; done; }; f & f & wait`
    const { closed, program } = run(start, "/bin/bash", ["-c", script], {
      env: { ...environment, HOB_SESSION_ID: randomUUID() }
    })
    await until(() => members(name).length > 20)
    await until(() => {
      program.signalAll("SIGKILL")
      return program.survivors().length === 0
    })
    assert.deepStrictEqual(members(name), [])
    await closed
  })

  it("are reached from the first moment on", async () => {
    for (let round = 0; round < 50; round++) {
      const { exit, program } = run(start, "/bin/sleep", ["1000"])
      program.signalAll("SIGTERM")
      expect(await exit).toEqual({ code: null, signal: "SIGTERM" })
    }
  })

  it("get a signal once, however many groups they are in", async () => {
    const script =
      "trap 'echo usr1' USR1; (trap 'echo child' USR1; echo up; while :; do sleep 0.01; done) & wait; while :; do sleep 0.01; done"
    const { program, says, text } = shell(start, script)
    await says("up")
    program.signalAll("SIGUSR1")
    await says("usr1")
    await says("child")
    expect(text().match(/usr1/g)).toHaveLength(1)
    expect(text().match(/child/g)).toHaveLength(1)
  })
})

/** Sheds its parents, its session, its environment, its terminal and every descriptor, and is deaf to what can be ignored. */
const shed = (name: string) => `
  env -i setsid bash -c '(trap "" HUP TERM INT QUIT; cd /
    for i in 1 2 3; do (exec 0<&- 1>&- 2>&-; exec -a ${name}-shed sleep 1000) & done; exit) &' &
  wait`

describe.runIf(libc() !== null).each(kinds)("the processes of a session without a cgroup %s", (_, start) => {
  it("are found and ended even if they have shed everything from their first moment on", async () => {
    const name = `kin${randomUUID().slice(0, 8)}`
    const env = { ...environment, HOB_SESSION_ID: randomUUID() }
    const other = run(start, "/bin/sleep", ["1000"], { env: { ...environment, HOB_SESSION_ID: randomUUID() } })
    const { closed, program } = run(start, "/bin/bash", ["-c", `${shed(name)}; exec sleep 1000`], { env })
    await until(() => members(name).length === 3)
    expect(stat(program.survivors()).filter(({ command }) => command.startsWith(name))).toHaveLength(3)
    await killAll(program)
    assert.deepStrictEqual(members(name), [])
    await closed
    expect(other.program.survivors()).toEqual([other.program.pid])
  })

  it("are told from what this process starts for itself", async () => {
    const { program, says } = shell(start, "grep 'file locks' /proc/self/limits; exec sleep 1000", {
      env: { ...environment, HOB_SESSION_ID: randomUUID() }
    })
    await says("Max file locks")
    const own = execFileSync("/bin/cat", ["/proc/self/limits"], { encoding: "latin1" })
    expect(parseBirthmark(own)).toBeNull()
    expect(new ProcessTable().birthmark(program.pid)).not.toBeNull()
  })
})

const cgroupOf = (id: string) => {
  const { cgroup } = cgroups.make(id, {})
  onTestFinished(() => cgroups.release(id))
  return cgroup
}
const hasCgroups = (() => {
  const id = randomUUID()
  const { cgroup } = cgroups.make(id, {})
  cgroups.release(id)
  return cgroup !== null
})()

describe.skipIf(!hasCgroups).each(kinds)("the processes of a session with a cgroup %s", (_, start) => {
  it("are found and ended even if they have shed everything that could tell whose they are", async () => {
    const name = `kin${randomUUID().slice(0, 8)}`
    const id = randomUUID()
    const cgroup = cgroupOf(id)
    const env = { ...environment, HOB_SESSION_ID: id }
    // What is shed in the very moment between a program's start and its being stopped can get away.
    const taken = `until grep -q ${id} /proc/self/cgroup; do sleep 0.01; done`
    const { closed, program } = run(start, "/bin/bash", ["-c", `${taken}; ${shed(name)}; exec sleep 1000`], { env })
    await until(() => members(name).length === 3)
    expect(stat(program.survivors()).filter(({ command }) => command.startsWith(name))).toHaveLength(3)
    program.signalAll("SIGTERM")
    await until(() => program.survivors().length === 3)
    program.signalAll("SIGKILL")
    await until(() => members(name).length === 0 && program.survivors().length === 0)
    await closed
    await until(() => cgroup!.remove())
  })

  it("are found when their program forked before it was in the cgroup", async () => {
    const name = `kin${randomUUID().slice(0, 8)}`
    const id = randomUUID()
    const { program } = run(start, "/bin/bash", ["-c", `(exec -a ${name}-child sleep 1000) & wait`], {
      env: { ...environment, HOB_SESSION_ID: id }
    })
    await until(() => members(name).length === 1)
    const cgroup = cgroupOf(id)!
    cgroup.join(program.pid)
    const child = processes().find(({ command }) => command.startsWith(`${name}-`))!.pid
    await until(() => cgroup.pids().includes(program.pid) && cgroup.pids().includes(child))
  })

  it("don't take a daemon with them that could not leave their cgroup, nor what it started", async () => {
    const name = `kin${randomUUID().slice(0, 8)}`
    const id = randomUUID()
    cgroupOf(id)
    const script = `HOB_READY_FD=3 setsid bash -c 'env -i setsid bash -c "exec -a ${name}-its-child sleep 1000" & exec -a ${name}-daemon sleep 1000' </dev/null >/dev/null 2>&1 & (exec -a ${name}-own sleep 1000) & exec sleep 1000`
    const { program } = run(start, "/bin/bash", ["-c", script], { env: { ...environment, HOB_SESSION_ID: id } })
    await until(() => members(name).length === 3)
    await killAll(program)
    expect(members(name)).toEqual(["daemon", "its-child"])
    for (const { command, pid } of processes()) if (command.startsWith(`${name}-`)) process.kill(pid, "SIGKILL")
  })
})

describe("a daemon of hob that was started from inside a session", () => {
  itPty("is not killed with it, nor what it started", async () => {
    const name = `kin${randomUUID().slice(0, 8)}`
    const env = { ...environment, HOB_SESSION_ID: randomUUID() }
    const script = `HOB_READY_FD=3 setsid bash -c 'env -i setsid bash -c "exec -a ${name}-its-child sleep 1000" & exec -a ${name}-daemon sleep 1000' </dev/null >/dev/null 2>&1 & exec sleep 1000`
    const { closed, program } = run(startPty, "/bin/bash", ["-c", script], { env })
    await until(() => members(name).length === 2)
    await killAll(program)
    await closed
    expect(members(name)).toEqual(["daemon", "its-child"])
    for (const { command, pid } of processes()) if (command.startsWith(`${name}-`)) process.kill(pid, "SIGKILL")
  })
})

import { constants } from "node:os"
import { assert, describe, expect, it } from "vitest"
import { startPipes } from "../../../src/sessionhost/pipe.ts"
import { SpawnError } from "../../../src/sessionhost/program.ts"
import { startPty } from "../../../src/sessionhost/pty.ts"
import { posixSpawn } from "../../../src/sessionhost/posixSpawn.ts"
import { signalName } from "../../../src/sessionhost/signals.ts"
import { describePty, kinds, run, shell } from "./run.ts"

describe.each(kinds)("the end of a program %s", (_, start) => {
  it("tells its exit code", async () => {
    for (const code of [0, 1, 2, 42, 126, 127, 128, 137, 255]) {
      expect(await shell(start, `exit ${code}`).exit).toEqual({ code, signal: null })
    }
  })

  it("tells the signal that ended it by its name", async () => {
    for (const signal of ["HUP", "INT", "QUIT", "ABRT", "KILL", "SEGV", "PIPE", "TERM", "USR1", "SYS"] as const) {
      expect(await shell(start, `ulimit -c 0; kill -${signal} $$`).exit).toEqual({ code: null, signal: `SIG${signal}` })
    }
  })

  it("is told once for each of 50 programs that end together", async () => {
    const runs = Array.from({ length: 50 }, (_, code) => shell(start, `exit ${code}`))
    expect(await Promise.all(runs.map(({ exit }) => exit))).toEqual(runs.map((_, code) => ({ code, signal: null })))
    await Promise.all(runs.map(({ closed }) => closed))
  })

  it("is not the end of the session while a child prints on", async () => {
    const ended = shell(
      start,
      "trap '' HUP; (while [ ! -e /proc/$$/nothing ] && kill -0 $$ 2>/dev/null; do :; done; echo late; sleep 1000) & echo early"
    )
    await ended.exit
    await ended.says("late")
    expect(ended.isClosed()).toBe(false)
    ended.program.signalAll("SIGKILL")
    await ended.closed
    assert.strictEqual(ended.text().replaceAll("\r", ""), "early\nlate\n")
  })

  it("can be asked about and acted on afterwards without effect", async () => {
    const ended = run(start, "/bin/true", [])
    await ended.closed
    expect(ended.program.write(Buffer.from("x"))).toBe("ended")
    expect(ended.program.resize(10, 10)).toBe(false)
    expect(ended.program.survivors()).toEqual([])
    expect(ended.program.queuedInputBytes).toBe(0)
    ended.program.signalAll("SIGTERM")
    ended.program.endInput?.()
  })
})

/** node-pty has forked by then. */
const throwing = kinds.filter(([, start]) => start === startPipes || (start === startPty && posixSpawn() !== null))

describe("a program that can't be executed", () => {
  it.each(throwing)("%s throws at once", (_, start) => {
    for (const file of ["/nowhere/nothing", "/etc", "/etc/passwd"]) {
      let thrown: unknown
      try {
        run(start, file, [])
      } catch (error) {
        thrown = error
      }
      assert.instanceOf(thrown, SpawnError)
      expect(thrown).toMatchObject({ reason: "system", subject: file })
    }
  })

  it.each(kinds.filter((kind) => !throwing.includes(kind)))("%s says so there and exits with 1", async (_, start) => {
    const ended = run(start, "/nowhere/nothing", [])
    expect(await ended.exit).toEqual({ code: 1, signal: null })
    await ended.closed
    assert.include(ended.text(), "No such file or directory")
  })
})

describePty("a signal without a name of its own", () => {
  it("is told by its distance from the first real-time signal", async () => {
    expect(await shell(startPty, "kill -36 $$").exit).toEqual({ code: null, signal: "SIGRTMIN+2" })
  })
})

describe("names of signals", () => {
  it("are the usual ones where there are two", () => {
    expect([constants.signals.SIGABRT, constants.signals.SIGIO].map(signalName)).toEqual(["SIGABRT", "SIGIO"])
    expect([34, 64, 32].map(signalName)).toEqual(["SIGRTMIN+0", "SIGRTMIN+30", "SIG32"])
  })
})

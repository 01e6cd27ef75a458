import { writeSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { libc } from "../../src/sessionhost/libc.ts"
import { loadNativePty } from "../../src/sessionhost/nativePty.ts"
import { ProcessTable } from "../../src/sessionhost/ProcessTable.ts"
import { decodeStatus, exitOf, Reaper } from "../../src/sessionhost/upgrade/Reaper.ts"
import { Waiters } from "../../src/sessionhost/upgrade/Waiters.ts"

const table = new ProcessTable()
const { helperPath, native } = loadNativePty()
const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 5))
/** Looks again: nobody tells. */
const until = async (condition: () => boolean) => {
  while (!condition()) await turn()
}

const start = (waiters: Waiters, script: string) => {
  const exits: Array<[code: number, signal: number]> = []
  const forked = waiters.watch(() =>
    native.fork(
      "/bin/sh",
      ["-c", script],
      ["PATH=/bin:/usr/bin"],
      "/",
      80,
      24,
      -1,
      -1,
      true,
      helperPath,
      (code, signal) => {
        waiters.ended(forked.pid)
        exits.push([code, signal])
      }
    )
  )
  return { pid: forked.pid, fd: forked.fd, exits }
}
const isThere = (pid: number) => table.read(pid) !== null

describe.runIf(libc() !== null)("node-pty's waiting threads", () => {
  it("while they are held, an exit stays with the kernel; released, they tell it", async () => {
    const waiters = new Waiters()
    const { exits, pid } = start(waiters, "sleep 100")
    assert.isTrue(waiters.hold(isThere))
    process.kill(pid, "SIGKILL")
    await until(() => table.read(pid)?.state === "Z")
    for (let n = 0; n < 20; n++) await turn()
    assert.strictEqual(table.read(pid)?.state, "Z")
    assert.deepStrictEqual(exits, [])
    assert.strictEqual(table.zombieStatus(pid), 9)
    waiters.release()
    await until(() => exits.length > 0)
    assert.deepStrictEqual(exits, [[0, 9]])
    assert.isFalse(isThere(pid))
  })

  it("can be held again and again, also many of them", async () => {
    const waiters = new Waiters()
    const started = Array.from({ length: 20 }, () => start(waiters, "read line; exit 3"))
    for (let round = 0; round < 100; round++) {
      assert.isTrue(waiters.hold(isThere))
      waiters.release()
    }
    for (const { pid } of started) process.kill(pid, "SIGTERM")
    await until(() => started.every(({ exits }) => exits.length > 0))
    for (const { exits } of started) assert.deepStrictEqual(exits, [[0, 15]])
  })

  it("an exit that one of them has taken already is heard of first", async () => {
    const waiters = new Waiters()
    const { exits, fd, pid } = start(waiters, "read line; exit 6")
    writeSync(fd, "\n")
    // Without a turn of the loop: the thread has it, and nobody has heard of it.
    while (isThere(pid));
    assert.isFalse(waiters.hold(isThere))
    waiters.release()
    await until(() => exits.length > 0)
    assert.isTrue(waiters.hold(isThere))
    waiters.release()
    assert.deepStrictEqual(exits, [[6, 0]])
  })
})

describe.runIf(libc() !== null)("programs that this process started as another one", () => {
  it("are waited for, and their exit is what it was", async () => {
    const waiters = new Waiters()
    const codes = [0, 3, 255]
    const all = codes.map((code) => start(waiters, `read line; exit ${code}`))
    const killed = start(waiters, "read line; kill -USR2 $$")
    all.push(killed)
    // As if there were no threads.
    assert.isTrue(waiters.hold(isThere))
    const reaper = new Reaper()
    const found = Promise.all(all.map(({ pid }) => new Promise((resolve) => reaper.watch(pid, resolve))))
    for (const { fd } of all) writeSync(fd, "\n")
    assert.deepStrictEqual(await found, [
      ...codes.map((code) => ({ code, signal: null })),
      { code: null, signal: "SIGUSR2" }
    ])
    for (const { pid } of all) assert.isFalse(isThere(pid))
    waiters.release()
  })

  it("statuses as wait(2) packs them", () => {
    assert.deepStrictEqual(decodeStatus(0), { code: 0, signal: null })
    assert.deepStrictEqual(decodeStatus(0x0300), { code: 3, signal: null })
    assert.deepStrictEqual(decodeStatus(0xff00), { code: 255, signal: null })
    assert.deepStrictEqual(decodeStatus(9), { code: null, signal: "SIGKILL" })
    // With a core.
    assert.deepStrictEqual(decodeStatus(0x8b), { code: null, signal: "SIGSEGV" })
  })

  it("one that nobody can be asked about any more has ended, nobody knows how", () => {
    assert.deepStrictEqual(exitOf(0x7fff_fff0), { code: null, signal: null })
  })
})

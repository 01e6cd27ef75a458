import { readdirSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { allThreads, kinds, processes, type Run, run, until } from "./run.ts"

const inputQueueBytes = 4 * 1024 * 1024
/** Between two attempts to write what a program does not take. */
const LONGEST_PAUSE_MILLIS = 50

const held = () => ({
  descriptors: readdirSync("/proc/self/fd").length,
  threads: readdirSync("/proc/self/task").length,
  children: processes().filter(({ parent }) => parent === process.pid).length
})

describe.each(kinds)("programs %s, started and ended again and again", (_, start) => {
  it("leave no descriptor, no thread and no zombie behind", { timeout: 240_000 }, async () => {
    const round = () => Promise.all(Array.from({ length: 10 }, () => run(start, "/bin/sh", ["-c", "echo x"]).closed))
    await allThreads()
    await round()
    const before = held()
    for (let rounds = 0; rounds < 30; rounds++) await round()
    await until(() => {
      const now = held()
      return now.descriptors <= before.descriptors && now.threads <= before.threads && now.children <= before.children
    })
  })

  it("get nothing of what was typed for the one before", { timeout: 240_000 }, async () => {
    for (let round = 0; round < 5; round++) {
      const marker = `for-${round}-`
      const next: Array<Run> = []
      const another = () => next.push(run(start, "/bin/sh", ["-c", "exec cat"]))
      const deaf = Array.from({ length: 4 }, () => {
        // A descriptor's number is given again as soon as it is free, while what was typed may still wait to be written.
        const one = run(start, "/bin/sh", ["-c", "exec sleep 1000"], { inputQueueBytes, onExited: another })
        assert.strictEqual(one.program.write(Buffer.from(marker.repeat(50_000))), "accepted")
        assert.isAbove(one.program.queuedInputBytes, 0)
        void one.closed.then(another)
        return one
      })
      for (const { program } of deaf) program.signalAll("SIGKILL")
      await Promise.all(deaf.map(({ closed }) => closed))
      assert.deepStrictEqual(
        deaf.map(({ program }) => program.queuedInputBytes),
        [0, 0, 0, 0]
      )
      // For as long as somebody might go on trying to write it.
      const begun = performance.now()
      for (let line = 0; performance.now() - begun < 2 * LONGEST_PAUSE_MILLIS || line === 0; line++) {
        for (const one of next) one.program.write(Buffer.from(`this-${line}.\n`))
        await until(() => next.every((one) => one.text().includes(`this-${line}.`) || one.text().includes("for-")))
        for (const one of next) assert.notInclude(one.text(), "for-")
      }
      for (const { program } of next) program.signalAll("SIGKILL")
      await Promise.all(next.map(({ closed }) => closed))
    }
  })
})

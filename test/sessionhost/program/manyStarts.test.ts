import { readdirSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { kinds, processes, run, until } from "./run.ts"

const held = () => ({
  descriptors: readdirSync("/proc/self/fd").length,
  threads: readdirSync("/proc/self/task").length,
  children: processes().filter(({ parent }) => parent === process.pid).length
})

describe.each(kinds)("programs %s, started and ended again and again", (_, start) => {
  it("leave no descriptor, no thread and no zombie behind", { timeout: 240_000 }, async () => {
    const round = () => Promise.all(Array.from({ length: 10 }, () => run(start, "/bin/sh", ["-c", "echo x"]).closed))
    await round()
    const before = held()
    for (let rounds = 0; rounds < 30; rounds++) await round()
    await until(() => {
      const now = held()
      return now.descriptors <= before.descriptors && now.threads <= before.threads && now.children <= before.children
    })
  })

  it("get nothing of what was typed for the one before", { timeout: 240_000 }, async () => {
    for (let round = 0; round < 50; round++) {
      const marker = `for-${round}-`
      const deaf = run(start, "/bin/sh", ["-c", "exec sleep 1000"], { inputQueueBytes: 4 * 1024 * 1024 })
      deaf.program.write(Buffer.from(marker.repeat(50_000)))
      deaf.program.signalAll("SIGKILL")
      // While what was typed is still being written.
      const next = run(start, "/bin/sh", ["-c", 'read line; echo "got $line"; sleep 0.05; cat'], {})
      next.program.write(Buffer.from("this\n"))
      await next.says("got ")
      await deaf.closed
      next.program.signalAll("SIGKILL")
      await next.closed
      assert.include(next.text(), "got this")
      assert.notInclude(next.text(), "for-")
    }
  })
})

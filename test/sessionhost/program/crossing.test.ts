import { assert, expect } from "vitest"
import { startPty } from "../../../src/sessionhost/pty.ts"
import { describePty, itPty, run, shell } from "./run.ts"

describePty("a session that has ended", () => {
  itPty(
    "leaves none of its queued input to the next, in 300 kills with an unread paste",
    { timeout: 300_000 },
    async () => {
      // Each is started from the exit of the one before, when the descriptor's number has just become free; the
      // terminal echoes what it is given, so stray input would be seen.
      const rounds = 300
      const foreign: Array<string> = []
      await new Promise<void>((resolve) => {
        const next = (round: number) => {
          if (round === rounds) return resolve()
          const own = `<${round}>`
          const ended = run(startPty, "/bin/sleep", ["1000"], {
            onOutput: (chunk) => {
              const strange = chunk
                .toString("latin1")
                .replaceAll(own, "")
                .replaceAll(/^[<>\d]*|[<>\d]*$/g, "")
              if (strange !== "") foreign.push(`${round}: ${strange.slice(0, 100)}`)
            },
            onExited: () => next(round + 1)
          })
          assert.strictEqual(ended.program.write(Buffer.from(own.repeat(40_000))), "accepted")
          setImmediate(() => process.kill(ended.program.pid, "SIGKILL"))
        }
        next(0)
      })
      assert.deepStrictEqual(foreign, [])
    }
  )

  itPty("can't resize, type into or signal the session that has its descriptor now", async () => {
    const first = run(startPty, "/bin/true", [])
    await first.closed
    const second = shell(startPty, "read -r _; stty size; read -r _")
    expect(first.program.resize(33, 11)).toBe(false)
    expect(first.program.write(Buffer.from("first\n"))).toBe("ended")
    first.program.signalAll("SIGKILL")
    second.program.write(Buffer.from("go\n"))
    await second.says("24 80")
    expect(second.program.resize(132, 43)).toBe(true)
    expect(second.program.write(Buffer.from("end\n"))).toBe("accepted")
    expect(await second.exit).toEqual({ code: 0, signal: null })
    await second.closed
    assert.notInclude(second.text(), "first")
  })

  itPty("can't be resized from its exit on, not even while its children hold the terminal", async () => {
    const ended = shell(startPty, "trap '' HUP; (read -r _; stty size) & exit 0")
    await ended.exit
    expect(ended.program.resize(33, 11)).toBe(false)
    ended.program.signalAll("SIGKILL")
    await ended.closed
  })
})

describePty("the size of a terminal", () => {
  itPty("is what was asked for from the beginning, and a change is told", async () => {
    const ended = shell(
      startPty,
      "stty size; trap 'stty size; exit' WINCH; printf ready; while :; do sleep 0.01; done",
      { cols: 101, rows: 37 }
    )
    await ended.says("ready")
    expect(ended.program.resize(55, 22)).toBe(true)
    await ended.closed
    assert.strictEqual(ended.text(), "37 101\r\nready22 55\r\n")
  })
})

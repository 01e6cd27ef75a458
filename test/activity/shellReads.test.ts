import { assert, describe, it } from "vitest"
import { ActivityTracker } from "../../src/activity/ActivityTracker.ts"
import { builtInAgents } from "../../src/activity/agents/builtIn.ts"
import type { ForegroundProcess } from "../../src/activity/foreground.ts"

type How = Pick<ForegroundProcess, "reading" | "reads">
const editing: How = { reading: true, reads: "editor" }
const polling: How = { reading: null, reads: "editor" }
const plainly: How = { reading: true, reads: "plainly" }

/** A shell that is looked at, settled, after each step: a line with the cursor at its end, and how the shell reads. */
const shell = (name = "bash", title = "") => {
  const tracker = new ActivityTracker({ command: [name], agents: builtInAgents, startedAt: 0 })
  let now = 0
  return (line: string, how: How) => {
    const column = line.length
    const screen = {
      revision: ++now,
      rows: [line.trimEnd()],
      cursor: { row: 0, column, visible: true },
      title,
      alternate: false,
      interactive: false
    }
    const foreground = () => ({ own: true, processes: [{ pid: 7, name, argv: [name], ...how }] })
    for (const at of [0, 1_000, 2_000]) tracker.observe({ now: now * 10_000 + at, screen, foreground })
    return tracker.current.state
  }
}

describe("a shell that reads", () => {
  it("is idle at its prompt", () => {
    assert.strictEqual(shell()("$ ", editing), "idle")
    assert.strictEqual(shell()("$ ", plainly), "idle")
    // Another user's processes, and those that nobody may trace, show only where they sleep.
    assert.strictEqual(shell()("$ ", polling), "idle")
    assert.strictEqual(shell()("$ ", { reading: null }), "unknown")
  })

  it("waits when it reads for a command, whatever is shown, or nothing", () => {
    const look = shell()
    assert.strictEqual(look("$ ", editing), "idle")
    for (const line of ["", "Name> ", "enter a number ", "half a na"]) {
      assert.strictEqual(look(line, plainly), "waiting", line)
    }
    assert.strictEqual(look("$ ", editing), "idle")
    assert.strictEqual(shell()("", plainly), "waiting")
    assert.strictEqual(shell()("Your name? ", editing), "waiting")
  })

  it("waits in fish too, whose `read` has the editor of its prompt", () => {
    assert.strictEqual(shell("fish", "~/parser")("ada@host ~/parser> ", polling), "idle")
    assert.strictEqual(shell("fish", "~/parser")("read> ", polling), "waiting")
    assert.strictEqual(shell("fish", "read ~/parser")("Name> ", polling), "waiting")
  })

  it("is never idle without a prompt", () => {
    assert.strictEqual(shell()("", editing), "unknown")
    assert.strictEqual(shell()("", polling), "unknown")
  })
})

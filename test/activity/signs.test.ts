import { assert, describe, it } from "vitest"
import { ActivityTracker } from "../../src/activity/ActivityTracker.ts"
import { builtInAgents } from "../../src/activity/agents/builtIn.ts"
import type { Foreground } from "../../src/activity/foreground.ts"
import { type Sign, Signs } from "../../src/activity/signs.ts"

const line = "─".repeat(40)
const prompt = ["● Hello", line, "❯", line, "  ? for shortcuts"]
const dialog = ["● Hello", line, " Do you want to proceed?", " ❯ 1. Yes", "   2. No", " Esc to cancel"]
const spinner = ["● Hello", "✻ Thinking… (3s)", line, "❯", line, "  esc to interrupt"]

class Session {
  readonly tracker: ActivityTracker
  now = 0
  #revision = 0
  constructor(command: ReadonlyArray<string>) {
    this.tracker = new ActivityTracker({ command, agents: builtInAgents, startedAt: 0 })
  }
  sign(sign: Sign): this {
    this.tracker.sign(sign, this.now)
    return this
  }
  /** Shows rows, with the cursor behind the last one, and lets some time pass. */
  show(rows: ReadonlyArray<string>, foreground?: Foreground, millis = 2000): this {
    const last = rows.length - 1
    const cursor = { row: last, column: rows[last]!.length, visible: true }
    const screen = { revision: ++this.#revision, rows, cursor, title: "", alternate: false, interactive: false }
    const look = () => {
      this.tracker.observe({
        now: this.now,
        screen,
        ...(foreground === undefined ? {} : { foreground: () => foreground })
      })
    }
    const end = this.now + millis
    look()
    while (this.tracker.recheckAt !== null && this.tracker.recheckAt <= end) {
      this.now = this.tracker.recheckAt
      look()
    }
    this.now = end
    return this
  }
  get state() {
    return this.tracker.current.state
  }
}

const hook = (event: string, detail?: string): Sign => ({
  sign: "hook",
  agent: "claude",
  event,
  ...(detail === undefined ? {} : { detail })
})
const process = (name: string, reading: boolean | null, own = false): Foreground => ({
  own,
  processes: [{ pid: 2, name, argv: [name], reading }]
})

describe("signs of an agent", () => {
  it("a hook that asks counts while the screen says nothing; the screen, when it does", () => {
    const session = new Session(["claude"])
      .show(["a new kind of dialog"])
      .sign(hook("PermissionRequest"))
      .show(["more of it"])
    assert.strictEqual(session.state, "waiting")
    assert.strictEqual(session.show(spinner).state, "working")
    assert.strictEqual(session.show(prompt).state, "idle")
  })

  it("a hook that says working gives way to a prompt that stays: an interrupted turn has no Stop", () => {
    const session = new Session(["claude"]).show(prompt, undefined, 10_000)
    session.sign(hook("UserPromptSubmit")).show(prompt, undefined, 500)
    assert.strictEqual(session.state, "working")
    assert.strictEqual(session.show(prompt, undefined, 5000).state, "idle")
  })

  it("a hook of another agent, or one that says nothing, changes nothing", () => {
    const session = new Session(["claude"]).show(prompt)
    session.sign({ ...hook("PermissionRequest"), agent: "codex" } as Sign).show(["strange"], undefined, 400)
    assert.notStrictEqual(session.state, "waiting")
    session.sign(hook("MessageDisplay")).show(["strange"], undefined, 5000)
    assert.strictEqual(session.state, "unknown")
  })

  it("program status is believed where no rule knows the screen", () => {
    const session = new Session(["claude"]).show(["a version from the future"])
    session.sign({ sign: "status", body: "state=working:app=claude-code" }).show(["x"])
    assert.strictEqual(session.state, "working")
    session.sign({ sign: "status", body: "state=blocked:kind=question:app=claude-code" }).show(["y"])
    assert.strictEqual(session.state, "waiting")
    session.sign({ sign: "status", body: "state=done:app=claude-code" }).show(["z"])
    assert.strictEqual(session.state, "idle")
  })

  it("a dialog on the screen is more than a status that says working", () => {
    const session = new Session(["claude"]).sign({ sign: "status", body: "state=working:app=claude-code" }).show(dialog)
    assert.strictEqual(session.state, "waiting")
  })

  it("an agent's status is forgotten when the shell has the terminal again", () => {
    const session = new Session(["bash"]).show(["$ claude"], process("claude", false))
    session.sign({ sign: "status", body: "state=working:app=claude-code" }).show(["…"], process("claude", false))
    assert.strictEqual(session.state, "working")
    session.show(["$ "], process("bash", true, true))
    assert.deepStrictEqual([session.state, session.tracker.current.agent], ["idle", "shell"])
  })

  it("progress is work, until it ends or another program has the terminal", () => {
    const session = new Session(["thing"]).sign({ sign: "progress", state: 1, percent: 40 }).show(["downloading"])
    assert.strictEqual(session.state, "working")
    session.sign({ sign: "progress", state: 0, percent: null }).show(["downloaded"])
    assert.strictEqual(session.state, "unknown")
  })

  it("a shell that marks its prompts is idle at one and works behind one, where processes can't be seen", () => {
    const session = new Session(["fish"]).sign({ sign: "mark", mark: "A" }).show(["> "])
    assert.strictEqual(session.state, "idle")
    session.sign({ sign: "mark", mark: "C" }).show(["> make"])
    assert.strictEqual(session.state, "working")
    session.sign({ sign: "mark", mark: "D" }).sign({ sign: "mark", mark: "A" }).show(["> "])
    assert.strictEqual(session.state, "idle")
  })

  it("through ssh only the other side's signs count", () => {
    const ssh = process("ssh", null)
    const session = new Session(["bash"]).show(["$ make", "cc a.c"], ssh)
    assert.deepStrictEqual([session.state, session.tracker.current.agent], ["unknown", "relay"])
    assert.strictEqual(session.show(["ada@far's password: "], ssh).state, "waiting")
    assert.strictEqual(session.sign({ sign: "mark", mark: "A" }).show(["$ "], ssh).state, "idle")
    const claude = session.sign({ sign: "reset" }).show(["▐▛███▛█   Claude Code v2.1.329", ...spinner], ssh)
    assert.deepStrictEqual([claude.state, claude.tracker.current.agent], ["working", "claude"])
  })
})

describe("an explanation", () => {
  it("names the rule, the line, what was overruled, the rows and the signs", () => {
    const session = new Session(["claude"]).sign(hook("UserPromptSubmit")).show(dialog)
    const { activity, lines, reasons, signs } = session.tracker.explain()
    assert.strictEqual(activity.state, "waiting")
    assert.strictEqual(reasons[0]?.rule, "claude/dialog")
    assert.include(reasons[0]?.detail, "Esc to cancel")
    assert.deepStrictEqual(reasons[1], {
      rule: "hook UserPromptSubmit",
      detail: "claude UserPromptSubmit (would be working)"
    })
    assert.deepStrictEqual(lines, dialog)
    assert.deepStrictEqual(signs, [{ at: 0, sign: "hook", detail: "claude UserPromptSubmit" }])
  })

  it("says since when: since it began, not since it was believed", () => {
    const session = new Session(["claude"]).show(spinner)
    session.now = 10_000
    session.show(prompt)
    assert.strictEqual(session.tracker.current.since, new Date(10_000).toISOString())
  })
})

describe("the history of signs", () => {
  it("doesn't grow for ever", () => {
    const signs = new Signs()
    for (let at = 0; at < 100; at++) signs.take({ sign: "bell" }, at)
    assert.strictEqual(signs.history.length, 1)
    for (let at = 0; at < 100; at++) signs.take({ sign: "notification", text: `${at}` }, at)
    assert.isAtMost(signs.history.length, 24)
    assert.strictEqual(signs.history.at(-1)?.detail, "99")
  })
})

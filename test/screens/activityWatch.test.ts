import { afterEach, assert, beforeEach, describe, it, vi } from "vitest"
import { builtInAgents } from "../../src/activity/agents/builtIn.ts"
import type { Foreground } from "../../src/activity/foreground.ts"
import { viewOf } from "../../src/activity/fromTerminal.ts"
import type { Activity } from "../../src/protocol/activity.ts"
import { ActivityWatch } from "../../src/screens/ActivityWatch.ts"
import { Emulator } from "../../src/terminal/Emulator.ts"

const line = "─".repeat(60)
const prompt = `\x1b[2J\x1b[H● Hello\r\n${line}\r\n❯ \r\n${line}\r\n  ? for shortcuts`
const spinner = `\x1b[2J\x1b[H● Hello\r\n✻ Thinking… (3s)\r\n${line}\r\n❯ \r\n${line}\r\n  esc to interrupt`

const open = (command: string, foreground: Foreground | null = null, before?: Activity) => {
  const emulator = new Emulator({ cols: 80, rows: 12 })
  const told: Array<string> = []
  let looks = 0
  const watch = new ActivityWatch({
    command: [command],
    startedAt: Date.now(),
    agents: builtInAgents,
    ...(before === undefined ? {} : { before }),
    pid: () => 1,
    view: (revision, anyway) => (looks++, viewOf(emulator, revision, anyway)),
    announce: ({ agent, state }) => told.push(`${agent} ${state}`),
    foreground: () => foreground
  })
  emulator.onSign((sign) => watch.sign(sign))
  const print = (text: string) => {
    emulator.write(Buffer.from(text))
    watch.changed()
  }
  return { watch, told, print, looks: () => looks }
}

describe("a session that is watched", () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it("tells each change once", () => {
    const { print, told } = open("claude")
    print(spinner)
    vi.advanceTimersByTime(1000)
    for (let round = 0; round < 20; round++) {
      print(spinner)
      vi.advanceTimersByTime(100)
    }
    print(prompt)
    vi.advanceTimersByTime(5000)
    assert.deepStrictEqual(told, ["claude working", "claude idle"])
  })

  it("is looked at eight times a second at most, however much it prints", () => {
    const { looks, print } = open("claude")
    for (let millis = 0; millis < 5000; millis += 5) {
      print(spinner)
      vi.advanceTimersByTime(5)
    }
    assert.isAtMost(looks(), 45)
    assert.isAtLeast(looks(), 20)
  })

  it("is not looked at when nothing happens", () => {
    const { print, watch } = open("claude")
    print(prompt)
    vi.advanceTimersByTime(5000)
    assert.strictEqual(watch.activity.state, "idle")
    assert.strictEqual(vi.getTimerCount(), 0)
  })

  it("a frame that is being drawn is waited for, but not for ever", () => {
    const { print, watch } = open("claude")
    print(`\x1b[?2026h${spinner}`)
    vi.advanceTimersByTime(200)
    assert.strictEqual(watch.activity.state, "unknown")
    print("\x1b[?2026l")
    vi.advanceTimersByTime(200)
    assert.strictEqual(watch.activity.state, "working")
    print(`\x1b[?2026h${prompt}`)
    vi.advanceTimersByTime(3000)
    assert.strictEqual(watch.activity.state, "idle")
  })

  it("believes what the program reports of itself, and its hooks, at once", () => {
    const { print, told, watch } = open("claude")
    print(spinner)
    vi.advanceTimersByTime(2000)
    print(prompt)
    vi.advanceTimersByTime(2000)
    print("\x1b]7501;state=blocked:kind=permission:app=claude-code\x1b\\")
    vi.advanceTimersByTime(500)
    print("\x1b]7501;state=idle:app=claude-code\x1b\\")
    vi.advanceTimersByTime(2000)
    watch.hook("claude", "UserPromptSubmit")
    vi.advanceTimersByTime(100)
    assert.deepStrictEqual(told, ["claude working", "claude idle", "claude waiting", "claude idle", "claude working"])
  })

  it("a program that begins to read without a word is found out", () => {
    const process = { pid: 2, name: "thing", argv: ["thing"], reading: false }
    const foreground = { own: false, processes: [process] }
    const { print, told } = open("bash", foreground)
    print("$ thing\r\n")
    vi.advanceTimersByTime(3000)
    foreground.processes = [{ ...process, reading: true }]
    vi.advanceTimersByTime(1000)
    assert.deepStrictEqual(told, ["null working", "null waiting"])
  })

  it("goes on from what was known before, without telling it again", () => {
    const before: Activity = { state: "working", since: "2026-01-01T00:00:00.000Z", agent: "claude" }
    const { print, told, watch } = open("claude", null, before)
    assert.deepStrictEqual(watch.activity, before)
    print(spinner)
    vi.advanceTimersByTime(2000)
    assert.deepStrictEqual(watch.activity, before)
    print(prompt)
    vi.advanceTimersByTime(2000)
    assert.deepStrictEqual(told, ["claude idle"])
  })

  it("explains itself", () => {
    const { print, watch } = open("claude")
    print(`\x07${spinner}`)
    vi.advanceTimersByTime(1000)
    const { activity, lines, reasons, signs } = watch.explain()
    assert.strictEqual(activity.state, "working")
    assert.strictEqual(reasons[0]?.rule, "claude/interruptible")
    assert.include(lines, "● Hello")
    assert.strictEqual(signs[0]?.sign, "bell")
  })

  it("tells nothing after its end", () => {
    const { print, told, watch } = open("claude")
    print(spinner)
    watch.close()
    vi.advanceTimersByTime(5000)
    assert.deepStrictEqual(told, [])
    assert.strictEqual(vi.getTimerCount(), 0)
  })
})

import { rmSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "vitest"
import type { Activity } from "../../src/protocol/activity.ts"
import type { Explanation } from "../../src/protocol/screens.ts"
import { type InProcess, inProcess } from "./support.ts"

const line = "─".repeat(60)
const prompt = `\x1b[2J\x1b[H● Hello\r\n${line}\r\n❯ \r\n${line}\r\n  ? for shortcuts`
const spinner = `\x1b[2J\x1b[H● Hello\r\n✻ Thinking… (3s)\r\n${line}\r\n❯ \r\n${line}\r\n  esc to interrupt`
const dialog = `\x1b[2J\x1b[H● Hello\r\n${line}\r\n Do you want to proceed?\r\n ❯ 1. Yes\r\n   2. No\r\n\r\n Esc to cancel`

/** What the daemon has heard of a session's activity. */
const heard = (test: InProcess, id: string): ReadonlyArray<Activity> =>
  test.host.control.announced.flatMap(({ activity, session, type }) =>
    type === "activity" && session === id && activity !== undefined ? [activity] : []
  )

const told = async (test: InProcess, id: string, state: Activity["state"]): Promise<Activity> => {
  for (;;) {
    const last = heard(test, id).at(-1)
    if (last?.state === state) return last
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const explain = (test: InProcess, id: string) => test.ask<Explanation>({ op: "explain", session: id })
const refused = async (test: InProcess, request: object) =>
  (await test.host.control.request("screens", { request })).error?.screens

describe("what the programs of sessions are about", () => {
  it("is told to the daemon when it changes, and to whoever asks", async () => {
    await using test = await inProcess()
    const { id, program } = await test.host.spawn({}, ["claude"])
    program.print(spinner)
    await told(test, id, "working")
    program.print(dialog)
    await told(test, id, "waiting")
    program.print(prompt)
    const activity = await told(test, id, "idle")
    assert.strictEqual(activity.agent, "claude")
    const { activities } = await test.ask<{
      readonly activities: ReadonlyArray<{ session: string; activity: Activity; title: string | null }>
    }>({ op: "activities" })
    assert.deepStrictEqual(activities, [{ session: id, activity, title: null }])
  })

  it("keeps a message from being an agent's permission", async () => {
    await using test = await inProcess()
    const { id, program } = await test.host.spawn({}, ["claude"])
    program.print(dialog)
    await told(test, id, "waiting")
    const data = Buffer.from("please").toString("base64")
    const request = { op: "submit", session: id, data, timeoutMillis: 60_000 }
    const { error } = await test.host.control.request("screens", { request })
    assert.include(error?.screens, { code: "not-taken" })
    assert.match(error!.message, /Esc to cancel.*Answer it first/)
    assert.strictEqual(program.readInput().toString(), "")
  })

  it("is explained as of now: rule, line, rows, signs", async () => {
    await using test = await inProcess()
    const { id, program } = await test.host.spawn({}, ["claude"])
    program.print(`\x1b]9;Claude needs you\x07${dialog}`)
    await told(test, id, "waiting")
    const { activity, lines, reasons, signs } = await explain(test, id)
    assert.strictEqual(activity.state, "waiting")
    assert.strictEqual(reasons[0]?.rule, "claude/dialog")
    assert.include(lines, " Do you want to proceed?")
    assert.strictEqual(signs[0]?.detail, "Claude needs you")
  })

  it("is heard from an agent's hooks", async () => {
    await using test = await inProcess()
    const { id, program } = await test.host.spawn({}, ["claude"])
    program.print(prompt)
    await told(test, id, "idle")
    const sign = { op: "sign", session: id, agent: "claude", event: "UserPromptSubmit" }
    assert.deepStrictEqual(await test.ask(sign), {})
    await told(test, id, "working")
  })

  it("is nothing when the program has ended, or has no terminal", async () => {
    await using test = await inProcess()
    const { id, program } = await test.host.spawn({}, ["claude"])
    program.print(prompt)
    await told(test, id, "idle")
    program.end()
    await test.host.control.event("closed", id)
    assert.include(await refused(test, { op: "explain", session: id }), { code: "ended" })
    assert.include(await refused(test, { op: "sign", session: id, agent: "claude", event: "Stop" }), { code: "ended" })
    assert.deepStrictEqual(await test.ask({ op: "activities" }), { activities: [] })
    const pipes = await test.host.spawn({ kind: "pipe" })
    assert.include(await refused(test, { op: "explain", session: pipes.id }), { code: "no-terminal" })
  })

  it("is as it was after a restart of the screens process, since when it was", async () => {
    await using test = await inProcess()
    const { id, program } = await test.host.spawn({}, ["claude"])
    program.print(prompt)
    const before = await told(test, id, "idle")
    await test.restart()
    assert.deepStrictEqual((await explain(test, id)).activity, before)
    program.print(spinner)
    await told(test, id, "working")
  })

  it("is found by the rules of agents.json, from the next question on", async () => {
    await using test = await inProcess()
    const { id, program } = await test.host.spawn({}, ["aider"])
    program.print("\x1b[?1049hAdd it? (Y)es/(N)o")
    assert.strictEqual((await explain(test, id)).activity.state, "unknown")
    const rules = [{ rule: "asks", state: "waiting", when: [{ in: "last 1", match: "\\(Y\\)es" }] }]
    const file = test.host.paths.agents
    writeFileSync(file, JSON.stringify({ agents: [{ agent: "aider", kind: "agent", commands: ["^aider$"], rules }] }))
    await explain(test, id)
    const activity = await told(test, id, "waiting")
    assert.strictEqual(activity.agent, "aider")
    rmSync(file)
    await explain(test, id)
    await told(test, id, "unknown")
  })

  it("says in an explanation what is wrong with agents.json", async () => {
    const said: Array<string> = []
    await using test = await inProcess({ log: (message) => said.push(message) })
    writeFileSync(test.host.paths.agents, "{")
    const { id } = await test.host.spawn({}, ["claude"])
    const { reasons } = await explain(test, id)
    assert.strictEqual(reasons.at(-1)?.rule, "agents.json")
    assert.include(reasons.at(-1)?.detail, "is not used")
    assert.strictEqual(said.length, 1)
  })
})

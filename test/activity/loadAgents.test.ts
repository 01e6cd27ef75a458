import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "vitest"
import { ActivityTracker } from "../../src/activity/ActivityTracker.ts"
import { builtInAgents } from "../../src/activity/agents/builtIn.ts"
import { loadAgents } from "../../src/activity/loadAgents.ts"

const directory = mkdtempSync(join(tmpdir(), "hob-agents-"))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const load = (content: unknown) => {
  const file = join(directory, "agents.json")
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content))
  return loadAgents(file)
}

const stateOf = (loaded: ReturnType<typeof load>, command: string, rows: ReadonlyArray<string>) => {
  const tracker = new ActivityTracker({ command: [command], agents: loaded.agents, startedAt: 0 })
  const cursor = { row: 0, column: 0, visible: true }
  const screen = { revision: 1, rows, cursor, title: "", alternate: true, interactive: true }
  tracker.observe({ now: 0, screen })
  while (tracker.recheckAt !== null) tracker.observe({ now: tracker.recheckAt, screen })
  return [tracker.current.agent, tracker.current.state]
}

const aider = {
  agent: "aider",
  kind: "agent",
  commands: ["^aider$"],
  rules: [
    { rule: "asks", state: "waiting", when: [{ in: "last 1", match: "\\(Y\\)es/\\(N\\)o" }] },
    {
      rule: "prompt",
      state: "idle",
      when: [
        { in: "last 1", match: "^> " },
        { in: "screen", not: "Thinking" }
      ]
    }
  ]
}

describe("agents.json", () => {
  it("teaches an agent that hob doesn't know", () => {
    const loaded = load({ agents: [aider] })
    assert.isNull(loaded.problem)
    assert.deepStrictEqual(stateOf(loaded, "aider", ["Add it? (Y)es/(N)o"]), ["aider", "waiting"])
    assert.deepStrictEqual(stateOf(loaded, "aider", ["> "]), ["aider", "idle"])
    assert.notDeepEqual(stateOf(loaded, "aider", ["Thinking", "> "]), ["aider", "idle"])
  })

  it("goes before what hob knows of an agent, or takes its place", () => {
    const mine = {
      agent: "claude",
      kind: "agent",
      commands: ["^cc$"],
      rules: [{ rule: "new-dialog", state: "waiting", when: [{ in: "screen", match: "Shall I\\?" }] }]
    }
    const line = "─".repeat(40)
    const prompt = [line, "❯", line, "  ? for shortcuts"]
    const extended = load({ agents: [mine] })
    assert.deepStrictEqual(stateOf(extended, "cc", ["Shall I?", ...prompt]), ["claude", "waiting"])
    assert.deepStrictEqual(stateOf(extended, "claude", prompt), ["claude", "idle"])
    const replaced = load({ agents: [{ ...mine, replace: true }] })
    assert.notDeepEqual(stateOf(replaced, "cc", prompt), ["claude", "idle"])
  })

  it("that is missing is none", () => {
    assert.deepStrictEqual(loadAgents(join(directory, "nothing")), { agents: builtInAgents, problem: null })
  })

  it("that can't be used is told with the place of each mistake, and hob goes on without it", () => {
    const mistakes: ReadonlyArray<readonly [unknown, RegExp]> = [
      ["{", /JSON/],
      [{ agents: [{ ...aider, agent: "Aider Two" }] }, /\["agents"\]\[0\]\["agent"\]/],
      [{ agents: [{ ...aider, commands: ["("] }] }, /not a regular expression/],
      [{ agents: [{ ...aider, rules: [{ rule: "x", state: "busy", when: [{ in: "screen" }] }] }] }, /"state"/],
      [
        { agents: [{ ...aider, rules: [{ rule: "x", state: "idle", when: [{ in: "last 0" }] }] }] },
        /not a part of the screen/
      ],
      [{ agents: [{ ...aider, rules: [{ rule: "x", state: "idle", when: [] }] }] }, /"when"/],
      [{ agents: [{ ...aider, rulez: [] }] }, /"rulez"/]
    ]
    for (const [content, said] of mistakes) {
      const { agents, problem } = load(content)
      assert.match(problem ?? "", said)
      assert.include(problem, "agents.json is not used")
      assert.strictEqual(agents, builtInAgents)
    }
  })
})

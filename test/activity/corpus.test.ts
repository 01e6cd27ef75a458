import { readdirSync } from "node:fs"
import { assert, describe, it } from "vitest"
import type { Label, Recording } from "../support/recorder/Recording.ts"
import { readRecording } from "../support/recorder/Recording.ts"
import { type Change, replay, type ReplayOptions, stateAt } from "./replay.ts"

const directory = new URL("../corpus/agents", import.meta.url).pathname
const names = readdirSync(directory)
  .filter((file) => file.endsWith(".json"))
  .map((file) => file.slice(0, -".json".length))
  .sort()

/** A change of state has to be seen within this time: the second in which it happens is nobody's. */
const seenWithin = 1

const labelAt = (labels: ReadonlyArray<Label>, seconds: number): Label | undefined =>
  labels.findLast(({ at }) => at <= seconds)

/** Each recording is played once, however many look at it. */
const played = new Map<string, { readonly recording: Recording; readonly changes: ReadonlyArray<Change> }>()
const play = (name: string, options: ReplayOptions = {}) => {
  const key = `${name} ${JSON.stringify(options)}`
  const known = played.get(key)
  if (known !== undefined) return known
  const recording = readRecording(directory, name)
  const result = { recording, changes: replay(recording, options) }
  played.set(key, result)
  return result
}

interface Score {
  readonly right: number
  readonly total: number
  readonly wrong: ReadonlyArray<string>
}

/** Compares what was said with the label four times a second. */
const score = ({ labels, name, seconds }: Recording, changes: ReadonlyArray<Change>): Score => {
  const wrong: Array<string> = []
  let total = 0
  for (let time = 1; time <= seconds; time += 0.25) {
    const label = labelAt(labels, time)
    if (label === undefined || time - label.at < seenWithin) continue
    total += 1
    const state = stateAt(changes, time * 1000)
    if (state !== label.state) wrong.push(`${name} at ${time} s: ${state}, not ${label.state} (${label.why})`)
  }
  return { right: total - wrong.length, total, wrong }
}

const scoreAll = (chosen: ReadonlyArray<string>, options: ReplayOptions = {}): Score => {
  const scores: Array<Score> = []
  for (const name of chosen) {
    const { changes, recording } = play(name, options)
    scores.push(score(recording, changes))
  }
  return {
    right: scores.reduce((sum, { right }) => sum + right, 0),
    total: scores.reduce((sum, { total }) => sum + total, 0),
    wrong: scores.flatMap(({ wrong }) => wrong)
  }
}

const share = ({ right, total }: Score) => right / total
const agents = names.filter((name) => !name.startsWith("shell-"))

describe("the recordings of agents and shells", { timeout: 600_000 }, () => {
  it("are of each agent, with everything that it can be about", () => {
    for (const agent of ["claude", "codex", "gemini", "shell"]) {
      const states = names
        .filter((name) => name.startsWith(`${agent}-`))
        .flatMap((name) => readRecording(directory, name).labels.map(({ state }) => state))
      assert.deepStrictEqual([...new Set(states)].sort(), ["idle", "waiting", "working"], agent)
    }
  })

  it("say at 99 of 100 times what the program was about, as its driver knows it", () => {
    const result = scoreAll(names)
    assert.isAbove(result.total, 3000)
    assert.isAtLeast(share(result), 0.99, result.wrong.join("\n"))
  })

  it("each says it at 95 of 100 times", () => {
    for (const name of names) {
      const result = scoreAll([name])
      assert.isAtLeast(share(result), 0.95, result.wrong.join("\n"))
    }
  })

  it("of agents say it at 99 of 100 times where processes can't be seen", () => {
    const result = scoreAll(
      agents.filter((name) => !name.endsWith("-a-shell") && name !== "claude-trust"),
      { noProcesses: true }
    )
    assert.isAtLeast(share(result), 0.99, result.wrong.join("\n"))
  })

  it("show each wait for the user within a second", () => {
    const late: Array<string> = []
    for (const name of names) {
      const { changes, recording } = play(name)
      for (const [index, label] of recording.labels.entries()) {
        const until = recording.labels[index + 1]?.at ?? recording.seconds
        if (label.state !== "waiting" || until - label.at < seenWithin) continue
        if (stateAt(changes, (label.at + seenWithin) * 1000) !== "waiting") late.push(`${name} at ${label.at} s`)
      }
    }
    assert.deepStrictEqual(late, [])
  })

  it("never show as idle what works for longer than a moment", () => {
    const idle: Array<string> = []
    for (const name of names) {
      const { changes, recording } = play(name)
      for (const { activity, at } of changes) {
        const label = labelAt(recording.labels, at / 1000)
        const next = recording.labels.find((other) => other.at > at / 1000)
        // The driver hears of the end a moment later than the screen shows it.
        const ends = next !== undefined && next.at - at / 1000 < seenWithin
        if (activity.state === "idle" && label?.state === "working" && !ends) idle.push(`${name} at ${at / 1000} s`)
      }
    }
    assert.deepStrictEqual(idle, [])
  })

  it("have nothing of the machine in them that they were made on", () => {
    for (const name of names) {
      const text = JSON.stringify(readRecording(directory, name))
      assert.notMatch(text, /\/(home|Users|work|root)\/|npmjs|registry|act-cli/, name)
    }
  })
})

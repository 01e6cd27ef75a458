import { assert, describe, it } from "vitest"
import { readRecording, type Recorded, type Recording } from "../support/recorder/Recording.ts"
import { replay } from "./replay.ts"

const directory = new URL("../corpus/agents", import.meta.url).pathname
const minutes = 30

/** The longest stretch of work of a recording, again and again until it has been half an hour. */
const stretched = (recording: Recording): Recording => {
  const { events, labels, seconds } = recording
  const stretches = labels.flatMap(({ at, state }, index) =>
    state === "working" ? [{ from: at + 1, to: (labels[index + 1]?.at ?? seconds) - 1 }] : []
  )
  const longest = stretches.reduce((a, b) => (b.to - b.from > a.to - a.from ? b : a))
  const before = events.filter(([time]) => time < longest.from)
  const work = events.filter(([time]) => time >= longest.from && time < longest.to)
  const length = longest.to - longest.from
  const rounds = Math.ceil((minutes * 60) / length)
  const again = Array.from({ length: rounds }, (_, round) =>
    work.map((event) => event.with(0, event[0] + round * length) as unknown as Recorded)
  )
  return { ...recording, events: [...before, ...again.flat()], seconds: longest.from + rounds * length }
}

describe("half an hour of work", () => {
  for (const name of ["claude-long", "codex-long", "gemini-long"]) {
    it(`is never shown as anything else, by what ${name} does`, () => {
      const recording = stretched(readRecording(directory, name))
      assert.isAbove(recording.seconds, minutes * 60)
      const changes = replay(recording)
      const worksFrom = changes.findLastIndex(({ activity }) => activity.state === "working")
      assert.strictEqual(worksFrom, changes.length - 1, JSON.stringify(changes))
      assert.isBelow(changes[worksFrom]!.at, 60_000)
    }, 600_000)
  }
})

import { assert } from "vitest"
import { describeRecorded } from "../../support/recorded.ts"
import { type DialectHome, makeDialectHome } from "./home.ts"

/**
 * Golden transcripts of the foreign wire: each `in` is a connection of its own, the `out` behind it what is answered on
 * it before it is closed, null where nothing is. `<id 1>` is the first id of a conversation, `<project>` a directory.
 * `HOB_RECORD=1` takes them down anew; look at the difference.
 */
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00/g

/** An id that clients ask for and that no session has. */
const MADE_UP = "67e55044-10b1-426f-9247-bb680e5fe0c8"

interface Entry {
  readonly dir: "in" | "out"
  readonly line: unknown
}

const converse = async (home: DialectHome, transcript: ReadonlyArray<Entry>): Promise<ReadonlyArray<Entry>> => {
  const ids: Array<string> = []
  const numberOf = (id: string) => (ids.includes(id) ? ids.indexOf(id) : ids.push(id) - 1) + 1
  const surroundings = [
    ["<project>", home.project],
    ["<home>", home.env["HOME"]!]
  ] as const
  const fill = (text: string) =>
    surroundings
      .reduce((filled, [name, value]) => filled.replaceAll(name, value), text)
      .replace(/<id (\d+)>/g, (_, number: string) => ids[Number(number) - 1] ?? "")
  const hide = (text: string) => {
    const hidden = surroundings.reduce((rest, [name, value]) => rest.replaceAll(value, name), text)
    return hidden.replace(TIME, "<time>").replace(UUID, (id) => (id === MADE_UP ? id : `<id ${numberOf(id)}>`))
  }
  const heard: Array<Entry> = []
  for (const entry of transcript) {
    if (entry.dir === "out") continue
    heard.push(entry)
    const line = typeof entry.line === "string" ? entry.line : JSON.stringify(entry.line)
    const answer = await home.client.say(`${fill(line)}\n`)
    assert.match(answer, /^$|^[^\n]+\n$/)
    heard.push({ dir: "out", line: answer === "" ? null : (JSON.parse(hide(answer)) as unknown) })
  }
  return heard
}

describeRecorded("claude-sessions answers as recorded", "claude-sessions", makeDialectHome, converse)

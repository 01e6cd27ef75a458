import { assert } from "vitest"
import { describeRecorded } from "../../support/recorded.ts"
import type { Conversation } from "./client.ts"
import { makePhotonHome, type PhotonHome } from "./home.ts"

/**
 * Golden transcripts of the foreign wire. `on` names the connection on which a line is said or heard; an `in` line goes
 * on when everything has been heard that follows it in the file. `<event 1>` is the first event's number of a
 * conversation, `<time>` an instant. `HOB_RECORD=1` takes down anew what is heard, as many lines as there are; look at the difference.
 */
interface Entry {
  readonly on: string
  readonly dir: "in" | "out"
  readonly line: unknown
}

const converse = async (home: PhotonHome, transcript: ReadonlyArray<Entry>): Promise<ReadonlyArray<Entry>> => {
  const events: Array<string> = []
  const numberOf = (id: string) => (events.includes(id) ? events.indexOf(id) : events.push(id) - 1) + 1
  const fill = (text: string) =>
    text.replace(/"<event (\d+)>"/g, (_, number: string) => events[Number(number) - 1] ?? "0")
  const hide = (text: string) =>
    text
      .replace(/"(acquiredAt|expiresAt|nextRun|createdAt)":\d{13}\b/g, '"$1":"<time>"')
      .replace(/"eventId":(\d+)/g, (_, id: string) => `"eventId":"<event ${numberOf(id)}>"`)
      .replace(/"(ch|replay)_(\d+)"/g, (_, kind: string, id: string) => `"${kind}_<event ${numberOf(id)}>"`)
  const connections = new Map<string, Conversation>()
  const heard: Array<Entry> = []
  for (const { dir, line, on } of transcript) {
    const connection = connections.get(on) ?? (await home.client.open())
    connections.set(on, connection)
    if (dir === "in") {
      heard.push({ on, dir, line })
      connection.say(fill(typeof line === "string" ? line : JSON.stringify(line)))
    } else heard.push({ on, dir, line: JSON.parse(hide(await connection.line())) as unknown })
  }
  // Nothing else was heard.
  for (const [on, connection] of connections) {
    if (connection.ended) continue
    const answer = await connection.ask({ type: "ping", id: "the end" }).catch(() => undefined)
    if (answer !== undefined) assert.deepStrictEqual(answer, { type: "pong", id: "the end" }, on)
    connection.socket.destroy()
  }
  return heard
}

describeRecorded("photon answers as recorded", "photon", makePhotonHome, converse)

import { connect } from "node:net"
import { once } from "node:events"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { repository } from "../../capture/support.ts"
import { readTranscript, writeTranscript } from "../../support/transcript.ts"
import { root } from "../../support/tree.ts"
import { type GitifyHome, makeGitifyHome } from "./home.ts"

/**
 * A golden transcript of the foreign wire. Each `in` line is a request on a connection of its own, written without an
 * end, as gitify-prompt's client does it; the `out` line behind it is its answer. `<session 1>` is the first session's id,
 * `<root>` the temporary directory, `<repo>` a repository. `HOB_RECORD=1` takes down anew what is answered.
 */
const recording = process.env["HOB_RECORD"] === "1"

interface Entry {
  readonly dir: "in" | "out"
  readonly line: unknown
}

let home: GitifyHome
beforeAll(async () => {
  home = makeGitifyHome()
  await home.ok(["dialect", "enable", "gitify"])
}, 120_000)
afterAll(() => home.destroy(), 120_000)

/** What comes in the first read, which ends with the line. */
const ask = async (text: string): Promise<string> => {
  const socket = connect(home.socket)
  socket.write(text)
  const [bytes] = (await once(socket, "data")) as [Buffer]
  socket.destroy()
  const answer = bytes.toString()
  assert.strictEqual(answer.indexOf("\n"), answer.length - 1, answer)
  return answer
}

describe("gitify-prompt's clients are answered as recorded", () => {
  it("the nine commands, and what is none", async () => {
    const path = join(root, "test/transcripts/gitify/commands.ndjson")
    const transcript = readTranscript(path)
    const repo = repository(join(home.root, "repo"))
    const sessions: Array<string> = []
    const numberOf = (id: string) => (sessions.includes(id) ? sessions.indexOf(id) : sessions.push(id) - 1) + 1
    const hide = (text: string) =>
      text
        .replaceAll(repo, "<repo>")
        .replaceAll(home.root, "<root>")
        .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<time>")
        .replace(/(?<=capture |"(?:sessionId|id)":")[0-9a-f]{16}/g, (id) => `<session ${numberOf(id)}>`)
    const fill = (text: string) =>
      text
        .replaceAll("<repo>", repo)
        .replaceAll("<root>", home.root)
        .replace(/<session (\d+)>/g, (_, number: string) => sessions[Number(number) - 1] ?? "0")
    const heard: Array<Entry> = []
    for (const { dir, line } of transcript) {
      if (dir === "out") continue
      const answer = await ask(fill(typeof line === "string" ? line : JSON.stringify(line)))
      heard.push({ dir, line }, { dir: "out", line: JSON.parse(hide(answer)) as unknown })
    }
    if (recording) writeTranscript(path, heard)
    else assert.deepStrictEqual(heard, transcript)
  })
})

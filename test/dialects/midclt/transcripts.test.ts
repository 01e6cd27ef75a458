import { basename, join } from "node:path"
import { assert, describe, it } from "vitest"
import { readTranscript, writeTranscript } from "../../support/transcript.ts"
import { files, root } from "../../support/tree.ts"
import { makeMidcltHome } from "./home.ts"

/**
 * Golden transcripts of the foreign wire, character for character: each `in` line is a request on a connection of its own,
 * and what follows it is all that is heard until that is closed. `HOB_RECORD=1` takes down anew what is heard.
 */
const recording = process.env["HOB_RECORD"] === "1"

interface Entry {
  readonly dir: "in" | "out"
  readonly line: string
}

describe("midclt's daemon answers as recorded", () => {
  const transcripts = files("test/transcripts/midclt").filter((file) => file.endsWith(".ndjson"))

  it("there are transcripts", () => assert.isAbove(transcripts.length, 3))

  for (const file of transcripts) {
    it(
      basename(file, ".ndjson"),
      async () => {
        const path = join(root, file)
        const transcript = readTranscript(path) as ReadonlyArray<Entry>
        const home = await makeMidcltHome()
        try {
          const heard: Array<Entry> = []
          for (const entry of transcript.filter(({ dir }) => dir === "in")) {
            heard.push(entry)
            const exchange = home.client.open().say(`${entry.line}\n`)
            await exchange.closed
            for (const line of exchange.lines) heard.push({ dir: "out", line })
          }
          if (recording) writeTranscript(path, heard)
          else assert.deepStrictEqual(heard, transcript)
        } finally {
          await home.destroy()
        }
      },
      120_000
    )
  }
})

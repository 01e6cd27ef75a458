import { basename, join } from "node:path"
import { assert, describe, it } from "vitest"
import { readTranscript, writeTranscript } from "./transcript.ts"
import { files, root } from "./tree.ts"

const recording = process.env["HOB_RECORD"] === "1"

/**
 * A test for each golden transcript of a foreign wire in `test/transcripts/<of>`: what is heard, in a home of its own, is
 * what was recorded. `HOB_RECORD=1` takes down anew what is heard; look at the difference.
 */
export const describeRecorded = <Entry, Home extends { readonly destroy: () => Promise<unknown> }>(
  what: string,
  of: string,
  makeHome: () => Promise<Home>,
  converse: (home: Home, transcript: ReadonlyArray<Entry>) => Promise<ReadonlyArray<Entry>>
): unknown =>
  describe(what, () => {
    const transcripts = files(`test/transcripts/${of}`).filter((file) => file.endsWith(".ndjson"))

    it("there are transcripts", () => assert.isAbove(transcripts.length, 3))

    for (const file of transcripts) {
      it(
        basename(file, ".ndjson"),
        async () => {
          const path = join(root, file)
          const transcript = readTranscript(path) as ReadonlyArray<unknown> as ReadonlyArray<Entry>
          const home = await makeHome()
          try {
            const heard = await converse(home, transcript)
            if (recording) writeTranscript(path, heard as never)
            else assert.deepStrictEqual(heard, transcript)
          } finally {
            await home.destroy()
          }
        },
        120_000
      )
    }
  })

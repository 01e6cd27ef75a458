import { describeRecorded } from "../../support/recorded.ts"
import { makeMidcltHome, type MidcltHome } from "./home.ts"

/**
 * Golden transcripts of the foreign wire, character for character: each `in` line is a request on a connection of its own,
 * and what follows it is all that is heard until that is closed. `HOB_RECORD=1` takes down anew what is heard.
 */
interface Entry {
  readonly dir: "in" | "out"
  readonly line: string
}

describeRecorded<Entry, MidcltHome>(
  "midclt's daemon answers as recorded",
  "midclt",
  makeMidcltHome,
  async (home, transcript) => {
    const heard: Array<Entry> = []
    for (const entry of transcript.filter(({ dir }) => dir === "in")) {
      heard.push(entry)
      const exchange = home.client.open().say(`${entry.line}\n`)
      await exchange.closed
      for (const line of exchange.lines) heard.push({ dir: "out", line })
    }
    return heard
  }
)

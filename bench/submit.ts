/**
 * How many of 500 messages, of 1 byte to 64 kB, arrive as one message, once and whole, at stand-ins for full-screen
 * programs with the habits of real ones (test/support/tui/editor.ts).
 *
 *     node bench/submit.ts [messages]
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { submit } from "../src/screens/submit/submit.ts"
import { startAddressee } from "../test/support/tui/addressee.ts"
import { message } from "../test/support/tui/messages.ts"

const total = Number(process.argv[2] ?? 500)
const habits = [
  [],
  ["bracketed"],
  ["bracketed", "marker", "alternate"],
  ["bracketed", "swallow"],
  ["bracketed", "swallow", "marker", "spinner"],
  ["bracketed", "slow", "alternate"],
  ["burst"],
  ["burst", "slow", "spinner"]
]
const directory = mkdtempSync(join(tmpdir(), "hob-bench-"))
const editor = join(import.meta.dirname, "../test/support/tui/editor.ts")
const perProgram = Math.ceil(total / habits.length)

const measure = async (own: ReadonlyArray<string>, index: number) => {
  const file = join(directory, String(index))
  const run = startAddressee([process.execPath, editor, file, ...own], file)
  let right = 0
  let enters = 0
  const took: Array<number> = []
  try {
    while (!run.to.view().lines.join("\n").includes("ready")) await new Promise((resolve) => setTimeout(resolve, 50))
    for (let number = 0; number < perProgram; number++) {
      // Every order of magnitude alike.
      const text = message(Math.round(65_536 ** (number / Math.max(1, perProgram - 1))), number)
      const before = run.messages().length
      const start = performance.now()
      const sent = await submit(run.to, text, 60_000).catch(() => null)
      took.push(performance.now() - start)
      enters += sent?.enters ?? 0
      const got = run.messages().slice(before)
      if (sent !== null && got.length === 1 && got[0] === text) right++
    }
  } finally {
    run.end()
  }
  took.sort((a, b) => a - b)
  console.log(
    `${(own.join(", ") || "plain").padEnd(40)} ${right} of ${perProgram}   Enter ${(enters / perProgram).toFixed(2)} times   median ${took[Math.floor(took.length / 2)]!.toFixed(0)} ms`
  )
  return right
}

try {
  const right = await Promise.all(habits.map(measure))
  console.log(`${right.reduce((sum, count) => sum + count, 0)} of ${perProgram * habits.length} arrived as one message`)
} finally {
  rmSync(directory, { recursive: true, force: true })
}

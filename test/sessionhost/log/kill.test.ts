import { spawn } from "node:child_process"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { assert, it } from "vitest"
import { findLog } from "../../../src/sessionhost/log/findLog.ts"
import { random, readAll, readEntries, temporary } from "./support.ts"

const KILLS = 200
const AT_ONCE = 4

/** Starts a writer, kills it somewhere in its work, and returns what it had said was in the log by then. */
const writeAndKill = (directory: string, seed: number, afterLines: number): Promise<{ acked: number; acks: number }> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "killedWriter.ts"), directory, String(seed)], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    let said = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text
      if (said.split("\n").length > afterLines) child.kill("SIGKILL")
    })
    child.on("close", (code, signal) => {
      if (signal !== "SIGKILL") return reject(new Error(`the writer ended by itself: ${code}`))
      const lines = said.split("\n").slice(0, -1)
      resolve({ acked: Number(lines.at(-1)), acks: lines.length })
    })
  })

it(`nothing that the log had is lost over ${KILLS} kills of its writer, and nothing is wrong`, async () => {
  using root = temporary()
  const next = random(4)
  let acks = 0
  const one = async (seed: number) => {
    const directory = join(root.path, String(seed))
    mkdirSync(directory)
    const killed = await writeAndKill(directory, seed, 1 + next(120))
    acks += killed.acks
    const { bytes, end, gaps, wrong } = readAll(findLog(directory, null))
    assert.deepStrictEqual({ gaps, wrong }, { gaps: [], wrong: [] })
    assert.strictEqual(bytes, end)
    assert.isAtLeast(end, killed.acked)
    assert.isTrue(readEntries(findLog(directory, null)).every(({ type }) => type === "record"))
  }
  for (let kill = 0; kill < KILLS; kill += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => one(kill + index)))
  }
  assert.isAtLeast(acks, 8_000)
}, 600_000)

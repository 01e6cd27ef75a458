import { spawn } from "node:child_process"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { assert, it } from "vitest"
import { findLog } from "../../../src/sessionhost/log/findLog.ts"
import { bundle } from "../../support/bundle.ts"
import { random, readAll, readEntries, temporary } from "./support.ts"

/** `HOB_LOG_KILLS=200 vitest run test/sessionhost/log/kill` for as many as you like. */
const KILLS = Number(process.env["HOB_LOG_KILLS"] ?? 60)
const AT_ONCE = 4
/** A writer is killed after 60 on average. */
const FEWEST_ACKS = 40

/** Starts a writer, kills it somewhere in its work, and returns what it had said was in the log by then. */
const writeAndKill = (
  program: string,
  directory: string,
  seed: number,
  afterLines: number
): Promise<{ acked: number; acks: number }> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, directory, String(seed)], {
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
  const program = await bundle(join(import.meta.dirname, "killedWriter.ts"), root.path)
  const next = random(4)
  let acks = 0
  const one = async (seed: number) => {
    const directory = join(root.path, String(seed))
    mkdirSync(directory)
    const killed = await writeAndKill(program, directory, seed, 1 + next(120))
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
  assert.isAtLeast(acks, KILLS * FEWEST_ACKS)
}, 600_000)

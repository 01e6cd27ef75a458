/**
 * Run as a process: writes the test's output to a new log in each directory it is told on standard input, as fast as it
 * can, saying after each append how much the log has, until it is killed.
 */
import { writeSync } from "node:fs"
import { Direction } from "../../../src/protocol/sessionFrames.ts"
import { LogWriter } from "../../../src/sessionhost/log/LogWriter.ts"
import { random, sample } from "./support.ts"

const [directory, seed] = process.argv.slice(2)
const next = random(Number(seed))
const writer = new LogWriter({
  directory: directory!,
  limits: { segmentBytes: 40_000, maxBytes: 1e9, logInput: false },
  listener: { lost: () => process.exit(1), restored: () => {} }
})
for (;;) {
  const large = next(10) === 0
  writer.append(Direction.output, [sample(writer.end(), 1 + next(large ? 30_000 : 300))], Date.now())
  writeSync(1, `${writer.end()}\n`)
}

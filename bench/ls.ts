/**
 * What a listing costs: `hob ls` with a running daemon, the whole command through bin/hob, as a multiple of `node -e 0`
 * of the same Node binary.
 *
 *     node bench/ls.ts [pairs] [sessions]
 *
 * The two take turns. Each pair gives one ratio; told are the median and the middle half of them, and the ratio of the
 * two medians. Other forms of the command stand beside it for comparison.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"

const pairs = Number(process.argv[2] ?? 40)
const sessions = Number(process.argv[3] ?? 5)
const root = resolve(import.meta.dirname, "..")
const node = process.execPath
const hob = join(root, "bin", "hob")
const home = mkdtempSync(join(tmpdir(), "hob-bench-"))
const env = { ...process.env, HOB_HOME: join(home, "h") }

const run = (file: string, args: ReadonlyArray<string>): void => {
  const { error, status, stderr } = spawnSync(file, args, { env, stdio: ["ignore", "ignore", "pipe"] })
  if (error !== undefined || status !== 0) {
    throw new Error(`${file} ${args.join(" ")}: ${error?.message ?? `exit ${status}`}\n${stderr}`)
  }
}

const millis = (file: string, args: ReadonlyArray<string>): number => {
  const began = process.hrtime.bigint()
  run(file, args)
  return Number(process.hrtime.bigint() - began) / 1e6
}

/** The value below which this share of them lies. */
const quantile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!

const contestants: ReadonlyArray<readonly [name: string, file: string, args: ReadonlyArray<string>]> = [
  ["hob ls", hob, ["ls"]],
  ["hob ls --json", hob, ["ls", "--json"]],
  ["hob status", hob, ["status"]],
  ["dist/hob.cjs ls, without the shell", node, [join(root, "dist/hob.cjs"), "ls"]],
  ["hob version (the command tree)", hob, ["version"]]
]

try {
  run(hob, ["start"])
  for (let count = 0; count < sessions; count++) run(hob, ["run", "--detach", "--", "sleep", "10000"])
  for (const [, file, args] of contestants) run(file, args)
  const bare: Array<number> = []
  const times = contestants.map((): Array<number> => [])
  for (let pair = 0; pair < pairs; pair++) {
    bare.push(millis(node, ["-e", "0"]))
    contestants.forEach(([, file, args], index) => times[index]!.push(millis(file, args)))
  }
  const base = quantile(bare, 0.5)
  process.stdout.write(`${pairs} pairs, ${sessions} sessions; node -e 0: ${base.toFixed(1)} ms (${process.version})\n`)
  contestants.forEach(([name], index) => {
    const ratios = times[index]!.map((time, pair) => time / bare[pair]!)
    const spread = `${quantile(ratios, 0.25).toFixed(2)} to ${quantile(ratios, 0.75).toFixed(2)}`
    const medians = (quantile(times[index]!, 0.5) / base).toFixed(2)
    process.stdout.write(
      `${name.padEnd(36)} ${quantile(ratios, 0.5).toFixed(2)} × (middle half ${spread}; of medians ${medians})\n`
    )
  })
} finally {
  spawnSync(hob, ["stop", "--all"], { env, stdio: "ignore" })
  rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}

/**
 * How long 100 MB of ASCII takes through a session with one attached client and its log, as a multiple of a bare loop
 * that reads the same program's terminal, and beside tmux with one attached client.
 *
 *     node bench/throughput.ts [rounds] [megabytes]
 *
 * All take turns within each round; the time is from the first byte to the last at the last reader. The bare reader,
 * and the terminal behind tmux's and hob's printing client, is support/ptyReader.c. Needs a C compiler; tmux is left
 * out when it isn't there. BENCH_SOURCE=1 runs the session-host from source though there is a build.
 */
import { execFile, execFileSync } from "node:child_process"
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { type BenchHost, hostProgram, startHost } from "./support/host.ts"
import { median, spread } from "./support/statistics.ts"

const run = promisify(execFile)
const [rounds, megabytes] = [Number(process.argv[2] ?? 5), Number(process.argv[3] ?? 100)]
const directory = mkdtempSync(join(tmpdir(), "hob-bench-"))
const file = join(directory, "text")
const ptyReader = join(directory, "ptyReader")
const client = join(import.meta.dirname, "support/dataClient.ts")

const writeText = () => {
  const lines = Array.from({ length: 1_000 }, (_, line) => `${line} `.padEnd(79, "the quick brown fox ") + "\n").join(
    ""
  )
  const fd = openSync(file, "w")
  for (let bytes = 0; bytes < megabytes * 1e6; bytes += lines.length) writeSync(fd, lines)
  closeSync(fd)
}

const read = async (...command: ReadonlyArray<string>) => {
  const { stdout, stderr } = await run(ptyReader, command, {
    env: { ...process.env, TERM: "xterm-256color", TMUX: "" }
  })
  return { seconds: Number(stdout.split(" ")[0]), said: stderr }
}

// The program waits for the Enter that the client presses.
const session = async (host: BenchHost) => host.ticket(await host.run(["sh", "-c", `read go; exec cat ${file}`]))

const check = (said: string) => {
  const counted = JSON.parse(said) as { seconds: number; bytes: number; skipped: number }
  if (counted.bytes + counted.skipped < megabytes * 1e6) throw new Error(`${counted.bytes} bytes came`)
  skipped.push(counted.skipped)
  return counted.seconds
}
const skipped: Array<number> = []

const tmux = () => {
  try {
    return execFileSync("tmux", ["-V"], { encoding: "utf8" }).trim()
  } catch {
    return null
  }
}

writeText()
execFileSync("cc", ["-O2", "-o", ptyReader, join(import.meta.dirname, "support/ptyReader.c"), "-lutil"])
const host = await startHost()
const socket = host.paths.hostSocket
const tmuxVersion = tmux()

const cases: Record<string, () => Promise<number>> = {
  "bare reader (C)": async () => (await read("cat", file)).seconds,
  "hob, a client that counts": async () => {
    const { stderr } = await run(process.execPath, [client, socket, await session(host), "count"])
    return check(stderr)
  },
  "hob, a client that prints to a terminal": async () => {
    const log = join(directory, "said")
    const command = `exec "$0" "$@" 2>${log}`
    const node = [process.execPath, client, socket, await session(host), "print"]
    const { seconds } = await read("sh", "-c", command, ...node)
    check(execFileSync("cat", [log], { encoding: "utf8" }))
    return seconds
  },
  ...(tmuxVersion === null
    ? {}
    : {
        [`${tmuxVersion}, attached`]: async () =>
          (await read("tmux", "-L", `hob-bench-${process.pid}`, "-f", "/dev/null", "new-session", `cat ${file}`))
            .seconds
      })
}

const seconds = new Map<string, Array<number>>(Object.keys(cases).map((name) => [name, []]))
try {
  for (let round = 0; round <= rounds; round++) {
    for (const [name, measure] of Object.entries(cases)) {
      const took = await measure()
      // The first round warms up.
      if (round > 0) seconds.get(name)!.push(took)
    }
  }
} finally {
  await host.stop()
  rmSync(directory, { recursive: true, force: true })
}

const bare = seconds.get("bare reader (C)")!
console.log(
  `${megabytes} MB of ASCII, median of ${rounds} rounds (lowest to highest), Node ${process.version}, ${hostProgram()}`
)
for (const [name, took] of seconds) {
  const ratios = took.map((value, round) => value / bare[round]!)
  const rate = `${(megabytes / median(took)).toFixed(0)} MB/s`
  console.log(`${name.padEnd(42)} ${rate.padStart(9)}   × bare ${spread(ratios)}`)
}
console.log(`skipped by an attached client that was behind: ${(Math.max(...skipped) / 1e6).toFixed(1)} MB at most`)

/**
 * How long 100 MB of ASCII, 20 MB of full-screen redraws, and 20 MB of Chinese and emoji take through a session with
 * one attached client and its log, as a multiple of a bare loop that reads the same program's terminal, and beside
 * tmux with one attached client.
 *
 *     node bench/throughput.ts [rounds] [ascii|tui|utf8 …]
 *
 * All take turns within each round; the time is from the first byte to the last at the last reader. The bare reader,
 * and the terminal behind tmux's and hob's printing client, is support/ptyReader.c. Needs a C compiler; tmux is left
 * out when it isn't there. BENCH_SOURCE=1 runs the session-host from source though there is a build.
 */
import { execFile, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { type BenchHost, hostProgram, startHost } from "./support/host.ts"
import { median, spread } from "./support/statistics.ts"
import { type StreamName, writeStream } from "./support/streams.ts"

const run = promisify(execFile)
const streams = { ascii: 100, tui: 20, utf8: 20 } as const
const rounds = Number(process.argv[2] ?? 5)
const chosen = process.argv.slice(3) as Array<StreamName>
const directory = mkdtempSync(join(tmpdir(), "hob-bench-"))
const file = join(directory, "text")
const ptyReader = join(directory, "ptyReader")
const client = join(import.meta.dirname, "support/dataClient.ts")

/** Bytes in the present stream. */
let size = 0

const read = async (...command: ReadonlyArray<string>) => {
  const { stdout } = await run(ptyReader, command, {
    env: { ...process.env, TERM: "xterm-256color", TMUX: "" }
  })
  return { seconds: Number(stdout.split(" ")[0]) }
}

// The program waits for an Enter, which is pressed once the client is there.
const session = (host: BenchHost) => host.run(["sh", "-c", `read go; exec cat ${file}`])

interface Counted {
  readonly seconds: number
  readonly bytes: number
  readonly skipped: number
}

/** A client that must not miss a byte. */
const countAll = async (host: BenchHost) => {
  const id = await session(host)
  const args = [client, host.paths.hostSocket, await host.ticket(id, "follow"), "watch"]
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] })
  let said = ""
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text))
  await once(child.stdout, "data")
  await host.ask("send", { session: id, data: Buffer.from("\r").toString("base64") })
  await once(child, "close")
  const { bytes, seconds } = JSON.parse(said) as Counted
  if (bytes < size) throw new Error(`${bytes} bytes came`)
  return seconds
}

/** A terminal skips to the present when it is 8 MiB behind; how much it did is told. */
const print = async (host: BenchHost) => {
  const log = join(directory, "said")
  const node = [process.execPath, client, host.paths.hostSocket, await host.ticket(await session(host)), "print"]
  const { seconds } = await read("sh", "-c", `exec "$0" "$@" 2>${log}`, ...node)
  const { bytes, skipped } = JSON.parse(readFileSync(log, "utf8")) as Counted
  if (bytes + skipped < size) throw new Error(`${bytes} bytes came, ${skipped} were skipped`)
  skips.push(skipped / 1e6)
  return seconds
}
let skips: Array<number> = []

const tmux = () => {
  try {
    return execFileSync("tmux", ["-V"], { encoding: "utf8" }).trim()
  } catch {
    return null
  }
}

execFileSync("cc", ["-O2", "-o", ptyReader, join(import.meta.dirname, "support/ptyReader.c"), "-lutil"])
const host = await startHost()
const tmuxVersion = tmux()

const bareName = "bare reader (C)"
const cases: Record<string, () => Promise<number>> = {
  [bareName]: async () => (await read("cat", file)).seconds,
  "hob, a client that counts every byte": () => countAll(host),
  "hob, a client that prints to a terminal": () => print(host),
  ...(tmuxVersion === null
    ? {}
    : {
        [`${tmuxVersion}, attached`]: async () =>
          (await read("tmux", "-L", `hob-bench-${process.pid}`, "-f", "/dev/null", "new-session", `cat ${file}`))
            .seconds
      })
}

const measureStream = async (name: StreamName) => {
  size = writeStream(name, file, streams[name])
  skips = []
  const seconds = new Map<string, Array<number>>(Object.keys(cases).map((title) => [title, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const [title, measure] of Object.entries(cases)) {
      const took = await measure()
      // The first round warms up.
      if (round > 0) seconds.get(title)!.push(took)
    }
  }
  console.log(`\n${(size / 1e6).toFixed(0)} MB of ${name}`)
  const bare = seconds.get(bareName)!
  for (const [title, took] of seconds) {
    const ratios = took.map((value, round) => value / bare[round]!)
    const rate = `${(size / 1e6 / median(took)).toFixed(0)} MB/s`
    console.log(`${title.padEnd(42)} ${rate.padStart(9)}   × bare ${spread(ratios)}`)
  }
  console.log(`skipped on the way to the terminal, by hob: ${spread(skips, 1)} MB; tmux does not say what it skips`)
}

console.log(`median of ${rounds} rounds (lowest to highest), Node ${process.version}, ${hostProgram()}`)
try {
  for (const name of chosen.length > 0 ? chosen : (Object.keys(streams) as Array<StreamName>)) await measureStream(name)
} finally {
  await host.stop()
  rmSync(directory, { recursive: true, force: true })
}

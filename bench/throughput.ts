/**
 * How long 100 MB of ASCII, 20 MB of full-screen redraws, and 20 MB of Chinese and emoji take through a session with
 * one attached client, its log, and its emulator, as a multiple of a bare loop that reads the same program's terminal,
 * and beside tmux with one attached client.
 *
 *     node bench/throughput.ts [rounds] [ascii|tui|utf8 …]
 *
 * Targets: `hob attach` within 1.9 (ascii) and 2.2 (tui, utf8) of the bare reader, within 1.0 (ascii) and 0.4 (tui,
 * utf8) of tmux. All take turns within each round; the time is from the key that lets the program begin to the last
 * byte at the last reader. That reader, of the bare program and of the terminal behind tmux's and hob's client, is
 * support/ptyReader.c. What hob's processes go on to compute when the client has everything is waited for before the
 * next turn. Needs a C compiler; tmux is left out when it isn't there. Uses the built hob; BENCH_PROF are flags for its
 * Node, such as `--cpu-prof`.
 */
import { execFile, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { call } from "../src/client/wire/bare.ts"
import type { DataTicket } from "../src/protocol/sessions.ts"
import { binary, makeHome } from "../test/support/home.ts"
import { median, spread } from "./support/statistics.ts"
import { type StreamName, writeStream } from "./support/streams.ts"
import { tmuxVersion } from "./support/tmux.ts"

const run = promisify(execFile)
const streams = { ascii: 100, tui: 20, utf8: 20 } as const
const rounds = Number(process.argv[2] ?? 5)
const chosen = process.argv.slice(3) as Array<StreamName>
const directory = mkdtempSync(join(tmpdir(), "hob-bench-"))
const file = join(directory, "text")
const ptyReader = join(directory, "ptyReader")
const client = join(import.meta.dirname, "support/dataClient.ts")
const profiling = process.env["BENCH_PROF"]
const home = makeHome(profiling === undefined ? {} : { NODE_OPTIONS: profiling })

/** Bytes in the present stream. */
let size = 0

/** Seconds, and how many bytes came. */
const read = async (...command: ReadonlyArray<string>): Promise<Measured> => {
  const env = { ...home.env, TERM: "xterm-256color", TMUX: "" }
  const { stdout } = await run(ptyReader, command, { env })
  const [seconds, bytes] = stdout.split(" ").map(Number) as [number, number]
  return { seconds, missing: Math.max(0, size - bytes) }
}

interface Measured {
  readonly seconds: number
  /** Bytes that were never shown. */
  readonly missing: number
}

const program = ["sh", "-c", `printf READY; read go; exec cat ${file}`]

/** Runs `measure` with a session of the program, and waits until its screen and history are known as well. */
const withSession = async (measure: (session: string) => Promise<Measured>): Promise<Measured> => {
  const id = (await home.ok(["run", "--detach", "--", ...program])).trim()
  const measured = await measure(id)
  await home.hob(["wait", id])
  await home.ok(["screen", id])
  await home.ok(["rm", id])
  return measured
}

/** A client that must not miss a byte. */
const countAll = async (session: string): Promise<Measured> => {
  const { path, ticket } = (await call(home.paths.socket, "sessions.attach", { session, mode: "follow" })) as DataTicket
  const child = spawn(process.execPath, [client, path, ticket, "watch"], { stdio: ["ignore", "pipe", "pipe"] })
  let said = ""
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text))
  await once(child.stdout, "data")
  const began = performance.now()
  await call(home.paths.socket, "sessions.send", { session, data: Buffer.from("\r").toString("base64") })
  await once(child, "close")
  const { bytes } = JSON.parse(said) as { readonly bytes: number }
  if (bytes < size) throw new Error(`${bytes} bytes came`)
  return { seconds: (performance.now() - began) / 1000, missing: 0 }
}

execFileSync("cc", ["-O2", "-o", ptyReader, join(import.meta.dirname, "support/ptyReader.c"), "-lutil"])

const bareName = "bare reader (C)"
const cases: Record<string, () => Promise<Measured>> = {
  [bareName]: () => read(...program),
  "hob, a client that counts every byte": () => withSession(countAll),
  "hob attach": () => withSession((session) => read(binary, "attach", session)),
  ...(tmuxVersion === null
    ? {}
    : {
        [`${tmuxVersion}, attached`]: () =>
          read("tmux", "-L", `hob-bench-${process.pid}`, "-f", "/dev/null", "new-session", ...program)
      })
}

const measureStream = async (name: StreamName) => {
  size = writeStream(name, file, streams[name])
  const measured = new Map<string, Array<Measured>>(Object.keys(cases).map((title) => [title, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const [title, measure] of Object.entries(cases)) {
      const took = await measure()
      // The first round warms up.
      if (round > 0) measured.get(title)!.push(took)
    }
  }
  console.log(`\n${(size / 1e6).toFixed(0)} MB of ${name}`)
  const against = (took: ReadonlyArray<Measured>, peer: ReadonlyArray<Measured>) =>
    spread(took.map(({ seconds }, round) => seconds / peer[round]!.seconds))
  const bare = measured.get(bareName)!
  const tmux = measured.get(`${tmuxVersion}, attached`)
  for (const [title, took] of measured) {
    const rate = `${(size / 1e6 / median(took.map(({ seconds }) => seconds))).toFixed(0)} MB/s`
    const beside = tmux === undefined ? "" : `× tmux ${against(took, tmux).padEnd(22)}`
    const missing = median(took.map((each) => each.missing)) / 1e6
    const skipped = missing < 0.1 ? "" : `${missing.toFixed(0)} MB not shown`
    console.log(`${title.padEnd(38)}${rate.padStart(9)}   × bare ${against(took, bare).padEnd(22)}${beside}${skipped}`)
  }
}

console.log(`median of ${rounds} rounds (lowest to highest), Node ${process.version}`)
try {
  for (const name of chosen.length > 0 ? chosen : (Object.keys(streams) as Array<StreamName>)) await measureStream(name)
} finally {
  if (profiling !== undefined) await home.hob(["stop", "--all"])
  await home.destroy()
  rmSync(directory, { recursive: true, force: true })
}

/**
 * What a client that never reads costs: how long a program takes to print 100 MB with a frozen client attached, as a
 * multiple of the same with a client that reads, and how much larger the session-host gets.
 *
 *     node bench/frozen-client.ts [rounds] [megabytes]
 *
 * The cases take turns within each round. A client that reads is there in both, so that the time is that of its last
 * byte. Linux only: memory is read from /proc. BENCH_SOURCE=1 runs the session-host from source though there is a build.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { hostProgram, startHost } from "./support/host.ts"
import { median, spread } from "./support/statistics.ts"

const [rounds, megabytes] = [Number(process.argv[2] ?? 5), Number(process.argv[3] ?? 100)]
const client = join(import.meta.dirname, "support/dataClient.ts")
const line = "the quick brown fox jumps over the lazy dog, and the lazy dog lets it jump over"
const host = await startHost()
const socket = host.paths.hostSocket

const residentMegabytes = () =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${host.pid}/status`, "utf8"))?.[1]) / 1024

const start = async (ticket: string, what: string) => {
  const child = spawn(process.execPath, [client, socket, ticket, what], { stdio: ["ignore", "pipe", "pipe"] })
  let said = ""
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text))
  await once(child.stdout, "data")
  return { child, said: once(child, "close").then(() => said) }
}

const measure = async (frozen: number) => {
  const session = await host.run(["sh", "-c", `read go; yes "${line}" | head -c ${megabytes * 1e6}`])
  const clients = await Promise.all(
    Array.from({ length: frozen }, async () => start(await host.ticket(session), "freeze"))
  )
  const reader = await start(await host.ticket(session, "follow"), "watch")
  const before = residentMegabytes()
  await host.ask("send", { session, data: Buffer.from("\r").toString("base64") })
  const said = await reader.said
  const grown = residentMegabytes() - before
  for (const { child } of clients) child.kill("SIGKILL")
  const { seconds, bytes, skipped } = JSON.parse(said) as { seconds: number; bytes: number; skipped: number }
  if (bytes < megabytes * 1e6 || skipped > 0) throw new Error(`${bytes} bytes came, ${skipped} were skipped`)
  return { seconds, grown }
}

const cases = { "nobody frozen": 0, "one frozen client": 1, "ten frozen clients": 10 }
const results = Object.keys(cases).map((name) => ({ name, seconds: [] as Array<number>, grown: [] as Array<number> }))
try {
  for (let round = 0; round <= rounds; round++) {
    for (const [index, frozen] of Object.values(cases).entries()) {
      const { seconds, grown } = await measure(frozen)
      // The first round warms up.
      if (round === 0) continue
      results[index]!.seconds.push(seconds)
      results[index]!.grown.push(grown)
    }
  }
} finally {
  await host.stop()
}
console.log(
  `${megabytes} MB, median of ${rounds} rounds (lowest to highest), Node ${process.version}, ${hostProgram()}`
)
for (const { grown, name, seconds } of results) {
  const ratios = seconds.map((value, round) => value / results[0]!.seconds[round]!)
  const rate = `${(megabytes / median(seconds)).toFixed(0)} MB/s`
  console.log(
    `${name.padEnd(20)} ${rate.padStart(9)}   × reading ${spread(ratios)}   host grew by ${spread(grown, 1)} MB`
  )
}

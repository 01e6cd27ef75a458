/**
 * What a daemon, a session-host and a screens process cost while nothing happens: 20 idle sessions, a minute.
 *
 *     node bench/idle.ts [sessions] [seconds]
 *
 * Linux only: CPU, disk writes and wake-ups (voluntary context switches, of all threads) are read from /proc. The
 * daemon and the host run as `hob` starts them, from the build where there is one.
 */
import { execFile } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

const [sessions, seconds] = [Number(process.argv[2] ?? 20), Number(process.argv[3] ?? 60)]
const run = promisify(execFile)
const home = mkdtempSync(join(tmpdir(), "hob-bench-"))
const binary = join(import.meta.dirname, "../bin/hob")
const env = { PATH: process.env["PATH"], HOME: home, HOB_HOME: join(home, "h") }
const hob = async (...args: ReadonlyArray<string>) => (await run(binary, args, { env, cwd: home })).stdout

/** Kernel ticks are hundredths of a second on every Linux that Node runs on. */
const TICKS = 100

const usage = (pid: number) => {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ")
  const io = readFileSync(`/proc/${pid}/io`, "utf8")
  let wakeUps = 0
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8")
    wakeUps += Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1])
  }
  return {
    cpuSeconds: (Number(stat[11]) + Number(stat[12])) / TICKS,
    writtenBytes: Number(/^write_bytes: (\d+)/m.exec(io)?.[1]),
    wakeUps,
    residentMegabytes: Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024
  }
}

/** The host's child that isn't a session's program. */
const screensProcess = (host: number): Readonly<Record<string, number>> => {
  const children = readFileSync(`/proc/${host}/task/${host}/children`, "utf8").split(" ").filter(Boolean).map(Number)
  const found = children.find((pid) => /\bscreens\b/.test(readFileSync(`/proc/${pid}/cmdline`, "latin1")))
  return found === undefined ? {} : { screens: found }
}

interface Status {
  readonly pid: number
  readonly sessionHost: { readonly pid: number }
}

const sleep = (millis: number) => new Promise<void>((resolve) => setTimeout(resolve, millis))

try {
  for (let session = 0; session < sessions; session++)
    await hob("run", "--detach", "--", "sh", "-c", "echo ready; exec cat")
  const { pid, sessionHost } = JSON.parse(await hob("status", "--json")) as Status
  const processes = { daemon: pid, "session-host": sessionHost.pid, ...screensProcess(sessionHost.pid) }
  // What starting them left to do is not idleness, nor is putting emulators to sleep.
  await sleep(60_000)
  const before = Object.entries(processes).map(([name, pid]) => ({ name, pid, first: usage(pid) }))
  await sleep(seconds * 1_000)
  console.log(`${sessions} idle sessions, ${seconds} s, Node ${process.version}`)
  for (const { first, name, pid } of before) {
    const last = usage(pid)
    const share = (((last.cpuSeconds - first.cpuSeconds) / seconds) * 100).toFixed(3)
    const wakeUps = ((last.wakeUps - first.wakeUps) / seconds).toFixed(2)
    const written = last.writtenBytes - first.writtenBytes
    const memory = last.residentMegabytes.toFixed(0)
    console.log(
      `${name.padEnd(14)} ${share} % of a core   ${wakeUps} wake-ups/s   ${written} bytes written   ${memory} MB`
    )
  }
} finally {
  await hob("stop", "--all").catch((error: unknown) => console.error(error))
  rmSync(home, { recursive: true, force: true })
}

/**
 * What a daemon, a session-host and a screens process cost while nothing happens: 20 idle sessions, a minute.
 *
 *     node bench/idle.ts [sessions] [seconds]
 *
 * Linux only: CPU, disk writes and wake-ups (voluntary context switches, of all threads) are read from /proc. The
 * daemon and the host run as `hob` starts them, from the build where there is one.
 */
import { execFile } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { processesOf, type Status, usage } from "./support/processes.ts"

const [sessions, seconds] = [Number(process.argv[2] ?? 20), Number(process.argv[3] ?? 60)]
const run = promisify(execFile)
const home = mkdtempSync(join(tmpdir(), "hob-bench-"))
const binary = join(import.meta.dirname, "../bin/hob")
const env = { PATH: process.env["PATH"], HOME: home, HOB_HOME: join(home, "h") }
const hob = async (...args: ReadonlyArray<string>) => (await run(binary, args, { env, cwd: home })).stdout

const sleep = (millis: number) => new Promise<void>((resolve) => setTimeout(resolve, millis))

try {
  for (let session = 0; session < sessions; session++)
    await hob("run", "--detach", "--", "sh", "-c", "echo ready; exec cat")
  const processes = processesOf(JSON.parse(await hob("status", "--json")) as Status)
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

/** hob's own processes of a home, as /proc sees them. Linux only. */
import { readdirSync, readFileSync } from "node:fs"

/** Kernel ticks are hundredths of a second on every Linux that Node runs on. */
const TICKS = 100

export interface Usage {
  readonly cpuSeconds: number
  /** Bytes that went to a disk. */
  readonly writtenBytes: number
  /** Voluntary context switches of all threads. */
  readonly wakeUps: number
  readonly residentMegabytes: number
}

export const usage = (pid: number): Usage => {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ")
  const io = readFileSync(`/proc/${pid}/io`, "utf8")
  let wakeUps = 0
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8")
      wakeUps += Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1])
    } catch {
      // A thread that ended meanwhile.
    }
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

/** What `hob status --json` says of them. */
export interface Status {
  readonly pid: number
  readonly sessionHost: { readonly pid: number }
}

/** Pids by name. */
export const processesOf = ({ pid, sessionHost }: Status): Readonly<Record<string, number>> => ({
  daemon: pid,
  "session-host": sessionHost.pid,
  ...screensProcess(sessionHost.pid)
})

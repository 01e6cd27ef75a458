import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { type Foreground, type ForegroundProcess, maxForegroundProcesses } from "../activity/foreground.ts"

/** Of a session's processes at most this many are looked at. */
const maxVisited = 256
const maxArguments = 12
const maxArgumentLength = 200

const text = (path: string): string | null => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return null
  }
}

interface Stat {
  readonly name: string
  readonly group: number
  readonly foregroundGroup: number
}

/** `pid (name) state ppid pgrp session tty_nr tpgid …`; see proc_pid_stat(5). */
const readStat = (pid: number): Stat | null => {
  const line = text(`/proc/${pid}/stat`)
  if (line === null) return null
  const end = line.lastIndexOf(")")
  const fields = line.slice(end + 2).split(" ")
  // A zombie has nothing to say.
  if (fields[0] === "Z") return null
  return {
    name: line.slice(line.indexOf("(") + 1, end),
    group: Number(fields[2]),
    foregroundGroup: Number(fields[5])
  }
}

/** Children of every thread: a program with several may start them from any. */
const childrenOf = (pid: number): ReadonlyArray<number> => {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      (text(`/proc/${pid}/task/${thread}/children`) ?? "").trim().split(" ").filter(Boolean).map(Number)
    )
  } catch {
    return []
  }
}

/**
 * Numbers of system calls that may wait for input: read(2) of a descriptor, select(2) on descriptors below a number, and
 * those that wait for one of several things, which can't be seen from here.
 */
const systemCalls: Partial<Record<NodeJS.Architecture, SystemCalls>> = {
  x64: { read: 0, select: [23, 270], several: [7, 232, 271, 281, 425, 426, 441] },
  arm64: { read: 63, select: [72], several: [22, 73, 425, 426, 441] }
}
interface SystemCalls {
  readonly read: number
  readonly select: ReadonlyArray<number>
  readonly several: ReadonlyArray<number>
}
const calls = systemCalls[process.arch]

const isTerminal = (pid: number, descriptor: number): boolean => {
  try {
    return /^\/dev\/(pts\/\d+|tty\w*|console)$/.test(readlinkSync(`/proc/${pid}/fd/${descriptor}`))
  } catch {
    return false
  }
}

/** A shell without an editor fills its buffer at the prompt, and reads byte by byte for `read`. */
const BUFFER_BYTES = 8192

type Reading = Pick<ForegroundProcess, "reading" | "reads">

/**
 * Whether a process is blocked until somebody types, and how. `syscall` says what it is in, for whoever may trace it;
 * `wchan`, for every process of the same user, where in the kernel it sleeps, which a few other waits have in common.
 */
const readingOf = (pid: number): Reading => {
  const syscall = text(`/proc/${pid}/syscall`)
  if (syscall !== null && calls !== undefined) {
    const [number = -1, first = -1, , count] = syscall.trim().split(" ").map(Number)
    if (number === calls.read) {
      const reads = first > 2 || count === BUFFER_BYTES ? "editor" : "plainly"
      return isTerminal(pid, first) ? { reading: true, reads } : { reading: false }
    }
    if (calls.select.includes(number)) {
      // Descriptors below 1: standard input alone.
      return { reading: first === 1 ? isTerminal(pid, 0) : null, reads: "editor" }
    }
    return calls.several.includes(number) ? { reading: null, reads: "editor" } : { reading: false }
  }
  const where = text(`/proc/${pid}/wchan`) ?? ""
  if (where === "n_tty_read" || where === "wait_woken") return { reading: isTerminal(pid, 0) }
  if (/poll|select/.test(where)) return { reading: null, reads: "editor" }
  return { reading: where === "" || where === "0" ? null : false }
}

const describe = (pid: number, stat: Stat): ForegroundProcess => ({
  pid,
  name: stat.name,
  argv: (text(`/proc/${pid}/cmdline`) ?? "")
    .split("\0")
    .slice(0, maxArguments)
    .filter(Boolean)
    .map((argument) => argument.slice(0, maxArgumentLength)),
  ...readingOf(pid)
})

/**
 * Who has the terminal of the session whose program is `pid`; null where that can't be told: no /proc (macOS), the
 * program has ended, or it has no terminal. Costs about 30 µs per process and thread of the session.
 */
export const readForeground = (pid: number): Foreground | null => {
  const own = readStat(pid)
  if (own === null || own.foregroundGroup <= 0) return null
  const found: Array<ForegroundProcess> = []
  const queue: Array<readonly [number, Stat]> = [[pid, own]]
  for (let visited = 0; visited < queue.length && visited < maxVisited; visited++) {
    const [id, stat] = queue[visited]!
    if (stat.group === own.foregroundGroup) {
      if (id === own.foregroundGroup) found.unshift(describe(id, stat))
      else if (found.length < maxForegroundProcesses) found.push(describe(id, stat))
    }
    for (const child of childrenOf(id)) {
      const childStat = readStat(child)
      if (childStat !== null) queue.push([child, childStat])
    }
  }
  return { own: own.group === own.foregroundGroup, processes: found.slice(0, maxForegroundProcesses) }
}

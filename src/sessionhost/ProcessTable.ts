import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { uptime } from "node:os"
import { join } from "node:path"
import { birthmarkOf, parseBirthmark } from "./birthmark.ts"

/** One process as `/proc/<pid>/stat` tells it. */
export interface ProcessInfo {
  readonly pid: number
  readonly state: string
  readonly parent: number
  readonly group: number
  readonly session: number
  /** Device number of its terminal, 0 without one. */
  readonly terminal: number
  /** Clock ticks since boot. With the pid it names a process for good: pids come again. */
  readonly start: number
}

/** Null for what is not a line of `/proc/<pid>/stat`. A process's name can hold anything, spaces and `)` too. */
export const parseStat = (text: string): ProcessInfo | null => {
  const open = text.indexOf(" (")
  const close = text.lastIndexOf(") ")
  if (open < 0 || close < open) return null
  const fields = text.slice(close + 2).split(" ")
  const number = (index: number) => Number(fields[index])
  const info: ProcessInfo = {
    pid: Number(text.slice(0, open)),
    state: fields[0]!,
    parent: number(1),
    group: number(2),
    session: number(3),
    terminal: number(4),
    start: number(19)
  }
  return Object.values(info).some((value) => Number.isNaN(value)) ? null : info
}

/** What the processes of one session have in common, and where to look for it. */
export interface SessionTraits {
  /** The session's program; it leads a session of the system. */
  readonly root: { readonly pid: number; readonly start: number }
  /** When it was waited for, in ticks; Infinity before. From then on its id, and its session's, may be used again. */
  readonly ended: number
  /** `NAME=value` in the environment of every process that did not shed it. */
  readonly marker: string | null
  /** What only this session's processes have open: the terminal's path, or the other ends of the pipes. */
  readonly files: ReadonlyArray<string>
  /** Device number of the session's terminal, 0 without one or once it is closed: its number is free then. */
  readonly terminal: number
}

/** In the environment of a daemon that was started from inside a session: it is nobody's descendant. */
const daemonMarker = "HOB_READY_FD="
const tellsOfDaemon = (environment: ReadonlyArray<string>): boolean =>
  environment.some((entry) => entry.startsWith(daemonMarker))
/** Processes looked into and found to be foreign are not looked into again for so long. */
const foreignMillis = 500
/** Descriptors of one process that are looked at. */
const mostFiles = 32
/** Sessions that are killed together look together: a look is shared for so long, or so many times what it took. */
const SHARED_MILLIS = 20
const SHARED_TIMES = 4
/** Nobody has shared one for so long. */
const ALONE_MILLIS = 100

/** All processes at one time; what else is read of one is read once. */
interface Look {
  readonly processes: ReadonlyArray<ProcessInfo>
  readonly environment: (pid: number) => ReadonlyArray<string>
  readonly birthmark: (pid: number) => string | null
  readonly holds: (pid: number, files: ReadonlyArray<string>) => boolean
}

const once = <A>(read: (pid: number) => A): ((pid: number) => A) => {
  const known = new Map<number, A>()
  return (pid) => {
    const before = known.get(pid)
    if (before !== undefined || known.has(pid)) return before as A
    const found = read(pid)
    known.set(pid, found)
    return found
  }
}

/**
 * Finds processes by what `/proc` tells. A snapshot reads one small file per process; of those that started after the
 * session, the environment and open files too.
 */
export class ProcessTable {
  readonly #directory: string
  readonly #self: number
  #sharedAt = -Infinity
  /** The last one, when it was begun, and how long it is shared. */
  #look: { readonly look: Look; readonly at: number; readonly until: number } | null = null

  constructor(directory = "/proc", self = process.pid) {
    this.#directory = directory
    this.#self = self
  }

  /** The process that has this pid now, a zombie too. */
  read(pid: number): ProcessInfo | null {
    const text = this.#file(pid, "stat")
    return text === null ? null : parseStat(text)
  }

  /** Whether this very process is alive. */
  alive({ pid, start }: { readonly pid: number; readonly start: number }): boolean {
    const now = this.read(pid)
    return now !== null && now.start === start && !isDead(now)
  }

  /**
   * How a process of this user ended that has not been waited for, as wait(2) packs it; `running` while it runs, `gone`
   * when there is no such process.
   */
  zombieStatus(pid: number): number | "running" | "gone" {
    const text = this.#file(pid, "stat")
    const info = text === null ? null : parseStat(text)
    if (info === null) return "gone"
    return isDead(info) ? Number(text!.trimEnd().split(" ").at(-1)) : "running"
  }

  /** Ids of all processes, or null where there is no /proc. */
  pids(): ReadonlyArray<number> | null {
    try {
      const names = readdirSync(this.#directory)
      const pids = names.map(Number).filter((pid) => pid > 0)
      return pids.length === 0 ? null : pids
    } catch {
      return null
    }
  }

  /**
   * The living processes of a session: those of its system session and terminal, those that carry its marker or its
   * birthmark or hold its files, and all their descendants. `foreign` remembers between calls, by pid, until when a process need not be
   * looked at. A look that was taken after the time `after`, and lately, is shared with who asked for it; by default none
   * is. Null where there is no /proc.
   */
  members(
    traits: SessionTraits,
    foreign: Map<number, number>,
    now: number,
    after = Infinity
  ): ReadonlyArray<ProcessInfo> | null {
    const look = this.#lookAfter(after, now, foreign)
    if (look === null) return null
    const found = new Map<number, ProcessInfo>()
    const others: Array<ProcessInfo> = []
    const { ended, root } = traits
    for (const info of look.processes) {
      const { pid } = info
      if ((foreign.get(pid) ?? 0) > now || isDead(info)) continue
      if (info.start < root.start) foreign.set(pid, now + foreignMillis)
      // Just forked, it is in our own session still.
      else if (pid === root.pid && info.start === root.start) found.set(pid, info)
      else if (info.session === root.pid && info.start <= ended) found.set(pid, info)
      else if (traits.terminal !== 0 && info.terminal === traits.terminal) found.set(pid, info)
      else others.push(info)
    }
    const daemons = new Set<number>()
    const born = new Map<number, ProcessInfo>()
    const birthmark = traits.marker === null ? null : birthmarkOf(traits.marker.slice(traits.marker.indexOf("=") + 1))
    for (const info of others) {
      const environment = look.environment(info.pid)
      if (tellsOfDaemon(environment)) daemons.add(info.pid)
      else if (traits.marker !== null && environment.includes(traits.marker)) found.set(info.pid, info)
      // Somebody at another terminal may have opened this one.
      else if (info.terminal === 0 && traits.files.length > 0 && look.holds(info.pid, traits.files)) {
        found.set(info.pid, info)
      } else if (birthmark !== null && look.birthmark(info.pid) === birthmark) born.set(info.pid, info)
      // Nothing to be read: it may be in the middle of execve(2) and has to be looked at again.
      else if (environment.length > 0) foreign.set(info.pid, now + foreignMillis)
    }
    // What a daemon starts that was itself started from inside the session bears the mark too.
    const isOfDaemon = ({ parent }: ProcessInfo): boolean =>
      daemons.has(parent) || (born.has(parent) && isOfDaemon(born.get(parent)!))
    for (const info of born.values()) if (!isOfDaemon(info)) found.set(info.pid, info)
    addRelatives(found, others, daemons, root.pid)
    return [...found.values()]
  }

  #lookAfter(after: number, now: number, foreign: ReadonlyMap<number, number>): Look | null {
    const last = this.#look
    if (last !== null && last.at > after && now <= last.until) {
      this.#sharedAt = now
      return last.look
    }
    // Who looks alone again and again needs none of those that are not its own; such a look is good for nobody else.
    const isAlone = foreign.size > 0 && now - this.#sharedAt > ALONE_MILLIS
    const isLeftOut = (pid: number) => pid === this.#self || (isAlone && (foreign.get(pid) ?? 0) > now)
    const began = performance.now()
    const pids = this.pids()
    if (pids === null) return null
    const look: Look = {
      // All at once: who looks later, when one has forked and ended, would find neither it nor its child.
      processes: pids.flatMap((pid) => (isLeftOut(pid) ? [] : (this.read(pid) ?? []))),
      environment: once((pid) => this.#environment(pid)),
      birthmark: once((pid) => this.birthmark(pid)),
      holds: (pid, files) => {
        const open = openFiles(pid)
        return files.some((file) => open.has(file))
      }
    }
    const openFiles = once((pid) => this.#openFiles(pid))
    if (isAlone) return look
    const took = performance.now() - began
    this.#look = { look, at: now, until: now + took + Math.max(SHARED_MILLIS, SHARED_TIMES * took) }
    return look
  }

  /** Whether it is a daemon or session-host: never part of the session from inside which it was started. */
  isDaemon(pid: number): boolean {
    return tellsOfDaemon(this.#environment(pid))
  }

  /** The mark that a process was born with, null without one. */
  birthmark(pid: number): string | null {
    return parseBirthmark(this.#file(pid, "limits") ?? "")
  }

  /** Ids of processes that are stopped and have one of these files open. */
  stoppedWith(files: ReadonlyArray<string>): ReadonlyArray<number> {
    return (this.pids() ?? []).filter((pid) => {
      if (this.read(pid)?.state !== "T") return false
      const open = this.#openFiles(pid)
      return files.some((file) => open.has(file))
    })
  }

  #environment(pid: number): ReadonlyArray<string> {
    return (
      this.#file(pid, "environ")
        ?.split("\0")
        .filter((entry) => entry !== "") ?? []
    )
  }

  /** Targets of the descriptors 0, 1 and 2 of a process, such as `/dev/pts/3` or `socket:[12]`. */
  standardFiles(pid: number): ReadonlyArray<string> {
    return ["0", "1", "2"].flatMap((fd) => this.#link(pid, fd) ?? [])
  }

  #openFiles(pid: number): ReadonlySet<string> {
    try {
      const open = readdirSync(join(this.#directory, String(pid), "fd")).slice(0, mostFiles)
      return new Set(open.flatMap((fd) => this.#link(pid, fd) ?? []))
    } catch {
      // Gone, or another user's.
      return new Set()
    }
  }

  #link(pid: number, fd: string): string | null {
    try {
      return readlinkSync(join(this.#directory, String(pid), "fd", fd))
    } catch {
      return null
    }
  }

  #file(pid: number, name: string): string | null {
    try {
      return readFileSync(join(this.#directory, String(pid), name), "latin1")
    } catch {
      return null
    }
  }
}

/** Adds children of those found, and all of a system session whose leader is found or of whom the root's number is proven. */
const addRelatives = (
  found: Map<number, ProcessInfo>,
  others: ReadonlyArray<ProcessInfo>,
  except: ReadonlySet<number>,
  root: number
): void => {
  const sessions = new Set<number>()
  const add = (info: ProcessInfo) => {
    found.set(info.pid, info)
    if (info.session === info.pid || info.session === root) sessions.add(info.session)
  }
  for (const info of found.values()) add(info)
  for (let before = -1; before !== found.size;) {
    before = found.size
    for (const info of others) {
      if (found.has(info.pid) || except.has(info.pid)) continue
      if (found.has(info.parent) || sessions.has(info.session)) add(info)
    }
  }
}

/** Linux counts the starts of processes in hundredths of a second, whatever its clock does. */
const ticksPerSecond = 100

/** Now, as {@link ProcessInfo.start} counts. */
export const ticksNow = (): number => Math.ceil(uptime() * ticksPerSecond)

const isDead = ({ state }: ProcessInfo): boolean => state === "Z" || state === "X"

/** That of this process: sessions share what it finds. */
export const processTable = new ProcessTable()

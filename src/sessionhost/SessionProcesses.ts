import { cgroups } from "./cgroup/Cgroups.ts"
import type { SessionCgroup } from "./cgroup/SessionCgroup.ts"
import { type ProcessInfo, processTable, type ProcessTable, type SessionTraits, ticksNow } from "./ProcessTable.ts"

/** Rounds of looking in one call: what forked between the look and the signal is found by the next. */
const killRounds = 16
/** Not begun after so long: other sessions are to be served, and whoever kills looks again. */
const killMillis = 250
const MARKER = "HOB_SESSION_ID="
/** A stopped process gets these only when it is continued. */
const wantsContinue = new Set<NodeJS.Signals>(["SIGTERM", "SIGHUP"])

/** {@link SessionTraits} as they can be written down: `ended` is null while the program has not been waited for. */
export type WrittenTraits = Omit<SessionTraits, "ended"> & { readonly ended: number | null }

export interface SessionProcessesOptions {
  readonly pid: number
  readonly env: Readonly<Record<string, string>>
  /** The slave's path and device number; null for a program on pipes, which is asked for its own ends of them. */
  readonly terminal: { readonly path: string; readonly device: number } | null
  readonly table?: ProcessTable
  /** By default the one that was made for the session of `env`. */
  readonly cgroup?: SessionCgroup | null
}

/** The processes of one session: its program and all that came of it, in whatever group or session they are now. */
export class SessionProcesses {
  readonly #table: ProcessTable
  readonly #cgroup: SessionCgroup | null
  readonly #foreign = new Map<number, number>()
  /** A process that was forked before is found by a look that was begun after. */
  #lookedAt = performance.now()
  #traits: SessionTraits

  /** The cgroup is by default the one that was made for the session that the marker names. */
  constructor(traits: SessionTraits, table = processTable, cgroup?: SessionCgroup | null) {
    this.#table = table
    this.#traits = traits
    const id = traits.marker?.slice(MARKER.length) ?? null
    this.#cgroup = cgroup !== undefined ? cgroup : id === null ? null : cgroups.of(id)
  }

  /** To be made right after the program was started. */
  static of({ cgroup, env, pid, table = processTable, terminal }: SessionProcessesOptions): SessionProcesses {
    const root = table.read(pid)
    const id = env["HOB_SESSION_ID"]
    const traits: SessionTraits = {
      // One that has ended already has no start; then none of its descendants is older than that.
      root: { pid, start: root?.start ?? 0 },
      ended: Infinity,
      marker: id ? `${MARKER}${id}` : null,
      files:
        terminal === null ? table.standardFiles(pid).filter((file) => file.startsWith("socket:")) : [terminal.path],
      terminal: terminal?.device ?? 0
    }
    const processes = new SessionProcesses(traits, table, cgroup)
    processes.#cgroup?.join(pid)
    return processes
  }

  /** Those whose traits were written down by {@link SessionProcesses.written}. */
  static restored(traits: WrittenTraits): SessionProcesses {
    return new SessionProcesses({ ...traits, ended: traits.ended ?? Infinity })
  }

  written(): WrittenTraits {
    const { ended } = this.#traits
    return { ...this.#traits, ended: ended === Infinity ? null : ended }
  }

  /** Says that the program has been waited for. */
  programEnded(): void {
    this.#traits = { ...this.#traits, ended: ticksNow() }
  }

  /** Says that the terminal or the pipes are closed: what they were called may be another session's from now on. */
  filesClosed(): void {
    this.#traits = { ...this.#traits, files: [], terminal: 0 }
  }

  /** Ids of those that run. */
  survivors(): ReadonlyArray<number> {
    const members = this.#members()
    if (members !== null) return members.map(({ pid }) => pid)
    return this.#signalGroup(0) ? [this.#traits.root.pid] : []
  }

  /** Sends `signal` to all of them. */
  signalAll(signal: NodeJS.Signals): void {
    if (signal === "SIGKILL") return this.#killAll()
    const members = this.#members()
    if (members === null) return void this.#signalGroup(signal)
    this.#signalEach(members, signal)
    if (wantsContinue.has(signal)) this.#signalEach(members, "SIGCONT")
  }

  /** Stops all before it kills any: what is killed at once makes room for what forks, and that would go on for ever. */
  #killAll(): void {
    // Atomic, and nothing gets away from it; the rounds are for what is not in the cgroup.
    this.#killGroup()
    const stopped = new Map<string, ProcessInfo>()
    const began = performance.now()
    for (let round = 0; round < killRounds && performance.now() - began < killMillis; round++) {
      const members = this.#members()
      if (members === null) return void this.#signalGroup("SIGKILL")
      const fresh = members.filter(({ pid, start }) => !stopped.has(`${pid} ${start}`))
      if (fresh.length === 0) break
      this.#signalEach(fresh, "SIGSTOP")
      for (const info of fresh) stopped.set(`${info.pid} ${info.start}`, info)
    }
    this.#signalEach([...stopped.values()], "SIGKILL")
  }

  #members(): ReadonlyArray<ProcessInfo> | null {
    const now = performance.now()
    if (now - this.#lookedAt > 1_000) this.#foreign.clear()
    const members = this.#table.members(this.#traits, this.#foreign, now, this.#lookedAt)
    this.#lookedAt = performance.now()
    return members === null ? null : [...members, ...this.#inGroup(new Set(members.map(({ pid }) => pid)))]
  }

  /** Living processes of the cgroup that are not known otherwise; but a daemon that could not leave it, and what that started. */
  #inGroup(known: ReadonlySet<number>): ReadonlyArray<ProcessInfo> {
    const pids = this.#cgroup?.pids() ?? []
    const living = new Map(pids.flatMap((pid) => this.#living(pid)))
    const daemons = new Set([...living.keys()].filter((pid) => !known.has(pid) && this.#table.isDaemon(pid)))
    const isOfDaemon = (pid: number): boolean => {
      for (let at = living.get(pid); at !== undefined; at = living.get(at.parent)) if (daemons.has(at.pid)) return true
      return false
    }
    return [...living.values()].filter(({ pid }) => !known.has(pid) && !isOfDaemon(pid))
  }

  #living(pid: number): ReadonlyArray<readonly [number, ProcessInfo]> {
    const info = pid === process.pid ? null : this.#table.read(pid)
    return info === null || info.state === "Z" || info.state === "X" ? [] : [[pid, info]]
  }

  #killGroup(): void {
    const pids = this.#cgroup?.pids() ?? []
    // One that could not leave: the others are then ended one by one.
    if (pids.some((pid) => pid === process.pid || this.#table.isDaemon(pid))) return
    if (pids.length > 0) this.#cgroup?.kill()
  }

  /** Groups of the program's own session at once, so that nobody can fork between; the others one by one. */
  #signalEach(members: ReadonlyArray<ProcessInfo>, signal: NodeJS.Signals): void {
    const groups = new Set<number>()
    for (const member of members) {
      if (groups.has(member.group) || !this.#table.alive(member)) continue
      const whole = member.session === this.#traits.root.pid
      if (whole) groups.add(member.group)
      send(whole ? -member.group : member.pid, signal)
    }
  }

  /** Without /proc: the program's own group is all that can be reached. */
  #signalGroup(signal: NodeJS.Signals | 0): boolean {
    return send(-this.#traits.root.pid, signal)
  }
}

const send = (pid: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(pid, signal)
  } catch {
    // It ended between, or belongs to another user now.
    return false
  }
}

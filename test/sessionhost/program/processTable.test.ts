import { spawnSync } from "node:child_process"
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it, onTestFinished, vi } from "vitest"
import {
  parseStat,
  ProcessTable,
  processTable,
  type SessionTraits,
  ticksNow
} from "../../../src/sessionhost/ProcessTable.ts"
import { SessionProcesses } from "../../../src/sessionhost/SessionProcesses.ts"
import { startPipes } from "../../../src/sessionhost/pipe.ts"
import { environment, run, temporaryDirectory } from "./run.ts"

interface Fake {
  readonly pid: number
  readonly name?: string
  readonly state?: string
  readonly parent?: number
  readonly group?: number
  readonly session?: number
  readonly terminal?: number
  readonly start?: number
  /** Null: not to be read. */
  readonly environment?: ReadonlyArray<string> | null
  readonly files?: ReadonlyArray<string>
}

const SELF = 10
const ROOT = 100
const TERMINAL = 34_819
const root: Fake = { pid: ROOT, parent: SELF, group: ROOT, session: ROOT, terminal: TERMINAL, start: 5000 }
const traits: SessionTraits = {
  root: { pid: ROOT, start: 5000 },
  ended: Infinity,
  marker: "HOB_SESSION_ID=a",
  files: ["/dev/pts/3"],
  terminal: TERMINAL
}

const statLine = ({ group, name = "sh", parent = 1, pid, session, start = 6000, state = "S", terminal = 0 }: Fake) =>
  `${pid} (${name}) ${state} ${parent} ${group ?? pid} ${session ?? pid} ${terminal} -1 4194560 ${"0 ".repeat(12)}${start} 0 0\n`

/** A /proc that holds these. */
const tableOf = (processes: ReadonlyArray<Fake>): ProcessTable => {
  const directory = temporaryDirectory()
  for (const name of ["self", "sys", "1x"]) mkdirSync(join(directory, name))
  for (const fake of processes) {
    const own = join(directory, String(fake.pid))
    mkdirSync(join(own, "fd"), { recursive: true })
    writeFileSync(join(own, "stat"), statLine(fake))
    const { environment = ["PATH=/bin"] } = fake
    if (environment !== null) writeFileSync(join(own, "environ"), environment.map((entry) => `${entry}\0`).join(""))
    for (const [fd, target] of (fake.files ?? []).entries()) symlinkSync(target, join(own, "fd", String(fd)))
  }
  return new ProcessTable(directory, SELF)
}

/** Which of these belong to the session. */
const membersOf = (
  processes: ReadonlyArray<Fake>,
  of: SessionTraits = traits,
  foreign = new Map<number, number>(),
  now = 0
) => {
  const members = tableOf(processes).members(of, foreign, now)
  return members!.map(({ pid }) => pid).sort((a, b) => a - b)
}

describe("the time", () => {
  it("is told as /proc tells the starts of processes", () => {
    const before = ticksNow()
    const child = spawnSync("/bin/cat", ["/proc/self/stat"], { encoding: "latin1" })
    const { start } = parseStat(child.stdout)!
    // A tick more or less is rounding.
    expect(start).toBeGreaterThanOrEqual(before - 2)
    expect(start).toBeLessThanOrEqual(ticksNow())
  })
})

describe("a line of /proc/<pid>/stat", () => {
  it("is read whatever the process calls itself", () => {
    for (const name of ["sh", "a b", ") R 1 2 3 (", "((", "", ") S", "\n"]) {
      expect(parseStat(statLine({ ...root, name }))).toEqual({
        pid: ROOT,
        state: "S",
        parent: SELF,
        group: ROOT,
        session: ROOT,
        terminal: TERMINAL,
        start: 5000
      })
    }
  })

  it("that is no such line is nothing", () => {
    for (const text of ["", "100", "100 (sh", "100 (sh) S 1", "x (sh) S 1 1 1 0", "100 sh S 1 1 1 0"]) {
      expect(parseStat(text)).toBe(null)
    }
  })
})

describe("the processes of a session", () => {
  it("are those of its system session, of its terminal, with its marker, with its files, and all their descendants", () => {
    const others: ReadonlyArray<Fake> = [
      { pid: 101, parent: ROOT, session: ROOT },
      { pid: 102, parent: 1, session: 90, terminal: TERMINAL },
      { pid: 103, parent: 1, environment: ["X=1", "HOB_SESSION_ID=a"] },
      { pid: 104, parent: 1, files: ["/dev/null", "/dev/pts/3"] },
      { pid: 105, parent: 103 },
      { pid: 106, parent: 107 },
      { pid: 107, parent: 105 },
      { pid: 108, parent: 1, session: 103 }
    ]
    const strangers: ReadonlyArray<Fake> = [
      { pid: 1, parent: 0, start: 1 },
      { pid: SELF, environment: ["HOB_SESSION_ID=a"], files: ["/dev/pts/3"] },
      { pid: 200, parent: SELF },
      { pid: 201, parent: 200, environment: ["HOB_SESSION_ID=ab", "XHOB_SESSION_ID=a"] },
      { pid: 202, files: ["/dev/pts/33"], terminal: 5 },
      { pid: 203, environment: null }
    ]
    expect(membersOf([root, ...others, ...strangers])).toEqual([ROOT, 101, 102, 103, 104, 105, 106, 107, 108])
  })

  it("are its program from its fork on, before it has left our session and executed anything", () => {
    const forked = { ...root, group: SELF, session: SELF, terminal: 0, environment: ["OURS=1"] }
    expect(membersOf([{ pid: SELF, start: 1 }, forked, { pid: 101, parent: SELF, session: SELF }])).toEqual([ROOT])
  })

  it("are never older than its program, and never zombies", () => {
    const old = { start: 4999, environment: ["HOB_SESSION_ID=a"] }
    expect(membersOf([root, { pid: 101, ...old }, { pid: 102, parent: ROOT, ...old }])).toEqual([ROOT])
    expect(
      membersOf([
        { ...root, state: "Z" },
        { pid: 101, session: ROOT, state: "X" },
        { pid: 102, session: ROOT }
      ])
    ).toEqual([102])
  })

  it("are not those of another process that was given the same id", () => {
    const again = { ...root, start: 9000, terminal: 0, parent: 1 }
    const itsChild = { pid: 101, parent: ROOT, session: ROOT, start: 9001 }
    expect(membersOf([again, itsChild], { ...traits, ended: 8000 })).toEqual([])
  })

  it("of a program that was waited for are in its system session only as far as that is proven to be its own", () => {
    const ended = { ...traits, ended: 7000 }
    const before = { pid: 101, session: ROOT, start: 6999 }
    const after = { pid: 102, session: ROOT, start: 7001 }
    const marked = { pid: 103, session: ROOT, start: 7002, environment: ["HOB_SESSION_ID=a"] }
    expect(membersOf([before], ended)).toEqual([101])
    expect(membersOf([after], ended)).toEqual([])
    expect(membersOf([before, after], ended)).toEqual([101, 102])
    expect(membersOf([after, marked], ended)).toEqual([102, 103])
  })

  it("are not somebody at another terminal who has opened this one", () => {
    expect(membersOf([root, { pid: 101, terminal: 7, files: ["/dev/pts/3"] }])).toEqual([ROOT])
  })

  it("are not those at a terminal of the same number after the session's own is closed", () => {
    const after = { ...traits, files: [], terminal: 0 }
    expect(
      membersOf(
        [
          { pid: 101, terminal: TERMINAL },
          { pid: 102, files: ["/dev/pts/3"] }
        ],
        after
      )
    ).toEqual([])
  })

  it("are not a daemon of hob that was started in it, nor the daemon's children", () => {
    const daemon = { pid: 101, parent: ROOT, environment: ["HOB_SESSION_ID=a", "HOB_READY_FD=3"] }
    expect(membersOf([root, daemon, { pid: 102, parent: 101 }])).toEqual([ROOT])
  })

  it("that were foreign are looked into again only after a while, but at once if they could not be read", () => {
    const foreign = new Map<number, number>()
    expect(
      membersOf([root, { pid: 101 }, { pid: 102, environment: [] }, { pid: 103, start: 1 }], traits, foreign, 1000)
    ).toEqual([ROOT])
    expect([...foreign.keys()]).toEqual([103, 101])
    const later = ["HOB_SESSION_ID=a"]
    const now = [root, { pid: 101, environment: later }, { pid: 102, environment: later }]
    expect(membersOf(now, traits, foreign, 1400)).toEqual([ROOT, 102])
    expect(membersOf(now, traits, foreign, 1501)).toEqual([ROOT, 101, 102])
  })

  it("can't be told where there is no /proc", () => {
    expect(new ProcessTable("/nowhere").members(traits, new Map(), 0)).toBe(null)
    expect(new ProcessTable(temporaryDirectory()).members(traits, new Map(), 0)).toBe(null)
  })
})

describe("signals to a session", () => {
  const sentTo = (processes: ReadonlyArray<Fake>, signal: NodeJS.Signals) => {
    const kill = vi.spyOn(process, "kill").mockReturnValue(true)
    onTestFinished(() => kill.mockRestore())
    const terminal = { path: "/dev/pts/3", device: TERMINAL }
    const env = { HOB_SESSION_ID: "a" }
    SessionProcesses.of({ pid: ROOT, env, terminal, table: tableOf(processes) }).signalAll(signal)
    return kill.mock.calls
  }

  it("go to the groups of its own system session as wholes, and to all others one by one", () => {
    const marked = { environment: ["HOB_SESSION_ID=a"] }
    const processes: ReadonlyArray<Fake> = [
      root,
      { pid: 101, parent: ROOT, session: ROOT, group: ROOT },
      { pid: 102, parent: ROOT, session: ROOT, group: 102 },
      { pid: 103, ...marked, group: 90, session: 80 },
      { pid: 104, ...marked, group: 104, session: 104 }
    ]
    expect(sentTo(processes, "SIGINT").toSorted(([a], [b]) => a - b)).toEqual([
      [-102, "SIGINT"],
      [-ROOT, "SIGINT"],
      [103, "SIGINT"],
      [104, "SIGINT"]
    ])
  })

  it("never go to our own group, in which a program is before it leaves our session", () => {
    const forked = { ...root, group: SELF, session: SELF, terminal: 0 }
    expect(sentTo([{ pid: SELF, start: 1 }, forked], "SIGKILL")).toEqual([
      [ROOT, "SIGSTOP"],
      [ROOT, "SIGKILL"]
    ])
  })

  it("go to the program's group where there is no /proc", () => {
    const kill = vi.spyOn(process, "kill").mockReturnValue(true)
    onTestFinished(() => kill.mockRestore())
    const table = new ProcessTable("/nowhere")
    const processes = SessionProcesses.of({ pid: ROOT, env: {}, terminal: null, table })
    processes.signalAll("SIGTERM")
    expect(processes.survivors()).toEqual([ROOT])
    expect(kill.mock.calls).toEqual([
      [-ROOT, "SIGTERM"],
      [-ROOT, 0]
    ])
  })
})

describe("a look at all processes", () => {
  const other: SessionTraits = { ...traits, root: { pid: 200, start: 5000 }, marker: "HOB_SESSION_ID=b", terminal: 7 }
  const of = (table: ProcessTable, whose: SessionTraits, now: number, after?: number) =>
    table.members(whose, new Map(), now, after)!.map(({ pid }) => pid)

  it("is shared by those who ask within some milliseconds, and taken anew for who has seen it or comes later", () => {
    const table = tableOf([root, { pid: 200, session: 200, terminal: 7, start: 5000 }])
    const looks = vi.spyOn(table, "pids")
    expect(of(table, traits, 1000, 900)).toEqual([ROOT])
    // Another session, in the same round.
    expect(of(table, other, 1010, 900)).toEqual([200])
    expect(looks).toHaveBeenCalledTimes(1)
    // Not for one that was started since, nor for who has acted on it, nor for ever.
    of(table, other, 1011, 1005)
    expect(looks).toHaveBeenCalledTimes(2)
    of(table, traits, 1012, 1011)
    expect(looks).toHaveBeenCalledTimes(3)
    of(table, traits, 1100, 900)
    expect(looks).toHaveBeenCalledTimes(4)
    of(table, traits, 1100)
    expect(looks).toHaveBeenCalledTimes(5)
  })

  it("leaves out what is known to be foreign for who looks alone, and is then not shared", () => {
    const table = tableOf([root, { pid: 101 }, { pid: 200, session: 200, terminal: 7, start: 5000 }])
    const foreign = new Map<number, number>()
    const reads = vi.spyOn(table, "read")
    const look = (now: number, after: number) => table.members(traits, foreign, now, after)!.map(({ pid }) => pid)
    expect(look(1000, 900)).toEqual([ROOT])
    expect(reads).toHaveBeenCalledTimes(3)
    expect([...foreign.keys()].sort()).toEqual([101, 200])
    expect(look(1010, 1005)).toEqual([ROOT])
    expect(reads).toHaveBeenCalledTimes(4)
    // What it left out is there for others.
    expect(of(table, other, 1011, 1005)).toEqual([200])
  })

  it("serves thirty sessions that are ended together, each of which still finds its own", async () => {
    const started = Array.from({ length: 30 }, (_, at) =>
      run(startPipes, "/bin/sh", ["-c", "sleep 1000 & setsid sleep 1000 & echo up; wait"], {
        env: { ...environment, HOB_SESSION_ID: `${at}`.padStart(8, "0") + "-0000-4000-8000-000000000000" }
      })
    )
    await Promise.all(started.map(({ says }) => says("up")))
    const looks = vi.spyOn(processTable, "pids")
    onTestFinished(() => looks.mockRestore())
    const began = performance.now()
    for (const { program } of started) program.signalAll("SIGTERM")
    // One for each stretch of some milliseconds, and not one for each session.
    const most = 2 + (performance.now() - began) / 15
    expect(looks.mock.calls.length).toBeLessThanOrEqual(Math.max(2, Math.ceil(most)))
    await Promise.all(started.map(({ exit }) => exit))
    for (const { program } of started) program.signalAll("SIGKILL")
    await Promise.all(started.map(({ closed }) => closed))
    for (const { program } of started) expect(program.survivors()).toEqual([])
  })
})

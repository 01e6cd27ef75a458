import { assert, describe, it } from "vitest"
import { examine } from "../../../src/cli/doctor/checks.ts"
import { type Finding, worst } from "../../../src/cli/doctor/finding.ts"
import type { FileFact, SessionFact, Snapshot } from "../../../src/cli/doctor/snapshot.ts"
import { doctorPage } from "../../../src/cli/render/doctor.ts"
import { makePaths } from "../../../src/config/paths.ts"
import { PROTOCOL_VERSION, type DaemonStatus } from "../../../src/protocol/daemon.ts"
import { HOST_PROTOCOL_VERSION } from "../../../src/protocol/sessionHost.ts"

const now = Date.UTC(2026, 5, 1)
const paths = makePaths({ HOB_HOME: "/srv/h" })

const file = (path: string, rest: Partial<FileFact> = {}): FileFact => ({
  path,
  what: "a file",
  kind: "file",
  wanted: "file",
  uid: 1000,
  mode: 0o600,
  allowed: 0o600,
  modified: now,
  state: "in place",
  ...rest
})
const directory = (path: string, rest: Partial<FileFact> = {}) =>
  file(path, { kind: "directory", wanted: "directory", mode: 0o700, allowed: 0o700, ...rest })

const status: DaemonStatus = {
  version: "1.0.0",
  protocol: PROTOCOL_VERSION,
  capabilities: [],
  pid: 42,
  startedAt: "2026-05-31T00:00:00.000Z",
  home: paths.home,
  socket: paths.socket,
  node: "v26.0.0",
  connections: 1,
  concerns: [{ name: "sessions", state: "up", restarts: 0, lastFailure: null }],
  sessionHost: { pid: 43, startedAt: "2026-05-31T00:00:00.000Z", protocol: HOST_PROTOCOL_VERSION },
  sessions: { running: 2, total: 3 }
}

/** A machine on which nothing is wrong. */
const well: Snapshot = {
  paths,
  env: {},
  platform: "linux",
  uid: 1000,
  now,
  files: [directory(paths.home), directory(paths.sessions), file(paths.lock)],
  sessions: [],
  daemon: { status, problem: null, locked: true, hostLocked: true, record: { pid: 42, alive: true } },
  sockets: [{ path: paths.socket, what: "the daemon's", state: "answers", problem: null, kept: false }],
  installation: {
    version: "1.0.0",
    node: "v26.0.0",
    program: "/bin/node",
    packages: [{ name: "effect", wanted: "4.1.0", found: "4.1.0" }],
    terminalProblem: null
  },
  system: {
    openFiles: { limit: 20_000, of: "daemon" },
    processes: { used: 10, limit: 1000 },
    terminals: { used: 3, limit: 4096 },
    disk: { freeBytes: 1e12, freeFiles: 1e6, totalFiles: 2e6 },
    controllers: ["memory", "pids"],
    timeZone: { name: "UTC", valid: true }
  },
  shell: { found: "/opt/hob/bin/hob", own: "/opt/hob/bin/hob", name: null, completions: null },
  config: { mistakes: [], warnings: [], maxSessions: 1000, detachKey: "C-\\" },
  dialects: [],
  service: null
}

/** What is found beside what is well, as `level check`. */
const wrong = (change: Partial<Snapshot>): ReadonlyArray<Finding> =>
  examine({ ...well, ...change }).filter(({ level }) => level !== "ok")
const said = (change: Partial<Snapshot>): ReadonlyArray<string> =>
  wrong(change).map(({ check, level }) => `${level} ${check}`)
const stopped = { ...well.daemon, status: null, problem: "nobody listens", locked: false, record: null }
const system = (change: Partial<Snapshot["system"]>) => ({ system: { ...well.system, ...change } })
const installed = (change: Partial<Snapshot["installation"]>) => ({ installation: { ...well.installation, ...change } })
const files = (...more: ReadonlyArray<FileFact>) => ({ files: [...well.files, ...more] })
const running = (change: Partial<DaemonStatus>) => ({ daemon: { ...well.daemon, status: { ...status, ...change } } })
const session = (change: Partial<SessionFact>): Partial<Snapshot> => ({
  sessions: [
    { id: "1", directory: "/srv/h/sessions/1", known: true, exit: "ended", temporary: [], torn: [], ...change }
  ]
})

describe("hob doctor finds", () => {
  it("nothing where nothing is wrong, and each group says so", () => {
    assert.deepStrictEqual(said({}), [])
    const groups = new Set(examine(well).map(({ check }) => check.split(".")[0]))
    for (const group of ["daemon", "versions", "files", "sessions", "config", "limits", "clock", "shell", "service"]) {
      assert.isTrue(groups.has(group), group)
    }
  })

  it("a home that is not there yet, and a daemon that does not run, to be well", () => {
    assert.deepStrictEqual(
      said({ files: [directory(paths.home, { kind: "missing", uid: -1, mode: 0 })], daemon: stopped }),
      []
    )
  })

  it("files that are open to others, closed to their owner, somebody else's, or of the wrong kind", () => {
    const open = wrong(
      files(
        file("/srv/h/a", { mode: 0o644 }),
        file("/srv/h/b", { mode: 0o660 }),
        directory("/srv/h/c", { mode: 0o755 })
      )
    )
    assert.deepStrictEqual(
      open.map(({ fix, level, mend }) => [level, mend, fix?.length]),
      [
        ["problem", "chmod 0600 /srv/h/a /srv/h/b", 2],
        ["problem", "chmod 0700 /srv/h/c", 1]
      ]
    )
    assert.deepStrictEqual(said(files(file("/srv/h/a", { mode: 0o400 }))), ["problem files.mode"])
    const [foreign] = wrong(files(file("/srv/h/a", { uid: 0, mode: 0o644 })))
    assert.deepStrictEqual(
      [foreign!.check, foreign!.mend, foreign!.fix],
      ["files.owner", "sudo chown 1000 /srv/h/a", undefined]
    )
    const [link] = wrong(files(file(paths.lock, { kind: "link" })))
    assert.deepStrictEqual([link!.check, link!.fix], ["files.kind", undefined])
    assert.deepStrictEqual(said(files(file(paths.config, { mode: 0o644, allowed: 0o755 }))), [])
  })

  it("processes of other builds than the one that is installed", () => {
    const host = { ...status.sessionHost!, version: "1.0.0", build: "aaaa", upgradable: true }
    const running = (rest: Partial<DaemonStatus>): Partial<Snapshot> => ({
      installation: { ...well.installation, build: "aaaa" },
      daemon: { ...well.daemon, status: { ...status, build: "aaaa", sessionHost: host, ...rest } }
    })
    const mends = (rest: Partial<DaemonStatus>) => wrong(running(rest)).map(({ check, mend }) => `${check}: ${mend}`)
    assert.deepStrictEqual(mends({}), [])
    assert.deepStrictEqual(mends({ build: "bbbb", sessionHost: { ...host, build: "bbbb" } }), [
      "versions.daemon: hob upgrade"
    ])
    assert.deepStrictEqual(mends({ version: "1.1.0", sessionHost: { ...host, version: "1.1.0" } }), [
      "versions.daemon: hob upgrade --downgrade"
    ])
    assert.deepStrictEqual(mends({ sessionHost: { ...host, version: "0.9.0" } }), ["versions.host: hob upgrade"])
    assert.deepStrictEqual(mends({ sessionHost: { ...host, version: "0.9.0", upgradable: false } }), [
      "versions.host: undefined"
    ])
    const screens = { pid: 44, version: "0.9.0" }
    assert.deepStrictEqual(mends({ sessionHost: { ...host, screens } }), ["versions.screens: kill 44"])
  })

  it("a home whose sockets have too long a path", () => {
    assert.deepStrictEqual(said({ paths: { ...paths, hostSocket: `/${"x".repeat(120)}` } }), [
      "problem files.socket-path"
    ])
  })

  it("what a process that died has left: its record, its socket, half a file, a damaged store", () => {
    const dead = { ...stopped, record: { pid: 42, alive: false } }
    const refused = { ...well.sockets[0]!, state: "refused" as const }
    const [record, socket] = wrong({ daemon: dead, sockets: [refused] })
    assert.deepStrictEqual([record!.check, record!.fix], ["stale.record", [{ type: "remove", path: paths.lockInfo }]])
    assert.deepStrictEqual(
      [socket!.check, socket!.fix],
      ["stale.socket", [{ type: "remove-socket", path: paths.socket }]]
    )
    assert.deepStrictEqual(said({ daemon: dead, sockets: [{ ...refused, kept: true }] }), ["warning stale.record"])
    const unusable = { ...refused, state: "unusable" as const, problem: "EACCES" }
    assert.deepStrictEqual(said({ sockets: [unusable] }), ["problem sockets.unusable"])
    const half = (modified: number) => files(file("/srv/h/hob.db.new", { state: "temporary", modified }))
    assert.deepStrictEqual(said(half(now - 3_600_000)), ["warning stale.temporary"])
    assert.deepStrictEqual(said(half(now - 1000)), [], "somebody may be writing it")
    const aside = wrong(files(file("/srv/h/hob.db.damaged-1", { state: "aside" })))[0]!
    assert.deepStrictEqual([aside.check, aside.fix], ["stale.damaged-store", undefined])
  })

  it("a daemon that does not answer, whose parts are down, or whose store is", () => {
    assert.deepStrictEqual(said({ daemon: { ...well.daemon, status: null, problem: "no answer" } }), [
      "problem daemon.answers"
    ])
    assert.deepStrictEqual(said({ daemon: { ...stopped, locked: true } }), ["problem daemon.answers"])
    const down = {
      name: "sessions",
      state: "restarting",
      restarts: 3,
      lastFailure: { at: "", reason: "fell" }
    } as const
    assert.deepStrictEqual(said(running({ concerns: [down] })), ["problem daemon.concern"])
    const storage = {
      path: "/d",
      state: "full",
      problem: { reason: "no space", since: "" },
      durability: "power-loss",
      damage: []
    } as const
    assert.deepStrictEqual(said(running({ storage })), ["problem daemon.store"])
  })

  it("versions that don't belong together", () => {
    assert.deepStrictEqual(said(installed({ node: "v22.1.0" })), ["problem versions.node", "warning versions.node"])
    assert.deepStrictEqual(said(running({ version: "0.9.0" })), ["warning versions.daemon"])
    assert.deepStrictEqual(said(running({ node: "v24.0.0" })), ["warning versions.node"])
    assert.deepStrictEqual(said(running({ protocol: 99 })), ["problem versions.protocol"])
    const sessionHost = { ...status.sessionHost!, protocol: 99 }
    assert.deepStrictEqual(said(running({ sessionHost })), ["warning versions.host"])
    const packages = [{ name: "effect", wanted: "4.1.0", found: "3.0.0" }]
    assert.deepStrictEqual(said(installed({ packages })), ["problem versions.package"])
    assert.deepStrictEqual(said(installed({ terminalProblem: "no binary" })), ["problem versions.node-pty"])
  })

  it("sessions' directories that can't be read, and what a dead session-host left in them", () => {
    assert.deepStrictEqual(said(session({ known: false })), ["warning sessions.damaged"])
    assert.deepStrictEqual(said(session({ exit: "damaged" })), ["warning sessions.damaged"])
    assert.deepStrictEqual(said(session({ torn: ["x.out"] })), ["warning sessions.torn"])
    const [left] = wrong(session({ temporary: ["exit.json.new"] }))
    assert.deepStrictEqual([left!.check, left!.mend], ["sessions.leftover", "rm /srv/h/sessions/1/exit.json.new"])
    // The room that is kept for the end of a session that runs.
    assert.deepStrictEqual(said(session({ exit: "none", temporary: ["exit.json.new"] })), [])
  })

  it("every mistake of the configuration", () => {
    const config = {
      ...well.config,
      mistakes: ["a is wrong", "b is wrong"],
      warnings: ["the variable HOB_X means nothing"]
    }
    assert.deepStrictEqual(said({ config }), [
      "problem config.mistake",
      "problem config.mistake",
      "warning config.variable"
    ])
  })

  it("limits of the system that hob comes close to", () => {
    const openFiles = (limit: number | null) => system({ openFiles: { limit, of: "daemon" } })
    assert.deepStrictEqual(said(openFiles(1024)), ["warning limits.open-files"])
    assert.deepStrictEqual(said(openFiles(200)), ["problem limits.open-files"])
    assert.deepStrictEqual(said(openFiles(null)), [])
    const processes = system({ processes: { used: 950, limit: 1000 } })
    assert.deepStrictEqual(said(processes), ["warning limits.processes"])
    const roots = { files: well.files.map((each) => ({ ...each, uid: 0 })), uid: 0 }
    assert.deepStrictEqual(said({ ...processes, ...roots }), [])
    assert.deepStrictEqual(said(system({ terminals: { used: 4000, limit: 4096 } })), ["warning limits.terminals"])
    assert.deepStrictEqual(said(system({ terminals: { used: 4096, limit: 4096 } })), ["problem limits.terminals"])
    const disk = (freeBytes: number, freeFiles: number, totalFiles = 1e6) =>
      system({ disk: { freeBytes, freeFiles, totalFiles } })
    assert.deepStrictEqual(said(disk(5e8, 1e5)), ["warning limits.disk"])
    assert.deepStrictEqual(said(disk(5e6, 1e5)), ["problem limits.disk"])
    assert.deepStrictEqual(said(disk(1e12, 5000)), ["warning limits.inodes"])
    assert.deepStrictEqual(said(disk(1e12, 10)), ["problem limits.inodes"])
    assert.deepStrictEqual(said(disk(1e12, 0, 0)), [], "a disk that counts no files")
    const held = (controllers: ReadonlyArray<string>) =>
      examine({ ...well, ...system({ controllers }) }).find(({ check }) => check === "limits.sessions")!.message
    assert.match(
      held(["memory", "cpu", "pids"]),
      /^A session is held to --max-memory, --max-cpu, --max-processes by the kernel[^;]*$/
    )
    assert.match(held([]), /--max-cpu, --max-processes by looking, or not at all/)
  })

  it("a clock that is wrong", () => {
    assert.include(said({ now: Date.UTC(1970, 0, 2) }), "problem clock.time")
    assert.deepStrictEqual(said(files(file("/srv/h/a", { modified: now + 7 * 86_400_000 }))), ["warning clock.time"])
    assert.deepStrictEqual(said(system({ timeZone: { name: "Mars/Base", valid: false } })), ["warning clock.zone"])
  })

  it("a shell that finds no hob, or another one, or completes an older one", () => {
    const shell = (change: Partial<Snapshot["shell"]>) => ({ shell: { ...well.shell, ...change } })
    assert.deepStrictEqual(said(shell({ found: null })), ["warning shell.path"])
    assert.deepStrictEqual(said(shell({ found: "/usr/bin/hob" })), ["warning shell.path"])
    const completions = (current: boolean) => shell({ name: "bash", completions: { path: "/c", current } })
    assert.deepStrictEqual(said(completions(false)), ["warning shell.completions"])
    assert.deepStrictEqual(said(completions(true)), [])
    assert.deepStrictEqual(said(shell({ name: "zsh", completions: null })), [])
  })

  it("terminals inside terminals, and a detach key that the outer one keeps", () => {
    const config = { ...well.config, detachKey: "C-b d" }
    assert.deepStrictEqual(said({ env: { TMUX: "x" }, config }), ["warning nesting.detach-key"])
    assert.deepStrictEqual(said({ env: { STY: "x" }, config }), [])
    assert.isTrue(examine({ ...well, env: { HOB_SESSION_ID: "s" } }).some(({ check }) => check === "nesting.session"))
  })

  it("dialects that are not answered", () => {
    const dialect = {
      name: "claude-sessions",
      args: [],
      state: "refused",
      socket: "/s",
      reason: "pid 7 answers",
      since: null
    } as const
    assert.deepStrictEqual(said({ dialects: [dialect] }), ["problem dialects.down"])
    assert.deepStrictEqual(said({ dialects: [{ ...dialect, state: "disabled" }] }), [])
  })

  it("a service that has failed, is not enabled, is another version's, or ends sessions at logout", () => {
    const unit = {
      name: "hob.socket",
      enabled: true,
      state: "active",
      active: true,
      failed: false,
      pid: null as number | null
    }
    const service = {
      manager: "systemd",
      home: "/srv/h",
      installed: true,
      units: [unit],
      linger: true,
      files: [{ path: "/u/hob.socket", present: true, differences: [] as ReadonlyArray<string> }]
    } as const
    assert.deepStrictEqual(said({ service }), [])
    assert.deepStrictEqual(said({ service: { ...service, linger: false } }), ["warning service.linger"])
    const units = (change: Partial<typeof unit>) => ({ service: { ...service, units: [{ ...unit, ...change }] } })
    assert.deepStrictEqual(said(units({ failed: true, active: false })), ["problem service.unit"])
    assert.deepStrictEqual(said(units({ enabled: false })), ["warning service.unit"])
    assert.deepStrictEqual(said(units({ active: false })), ["warning service.unit"])
    assert.deepStrictEqual(said(units({ name: "hob.service", active: false, pid: 42 })), [], "its socket starts it")
    const named = { ...unit, name: "hob.service" }
    const running = (pid: number | null) => ({ service: { ...service, units: [unit, { ...named, pid }] } })
    assert.deepStrictEqual(said(running(42)), [])
    assert.deepStrictEqual(said(running(43)), ["warning service.daemon"])
    assert.deepStrictEqual(said(running(null)), ["warning service.daemon"])
    const differing = [{ ...service.files[0], differences: ["- a"] }]
    assert.deepStrictEqual(said({ service: { ...service, files: differing } }), ["warning service.files"])
  })
})

describe("its findings", () => {
  it("each say what to do, unless there is nothing one can do about it", () => {
    const bad = wrong({
      ...files(file("/srv/h/a", { mode: 0o644 })),
      ...session({ known: false }),
      ...system({ disk: { freeBytes: 1, freeFiles: 1, totalFiles: 9 }, openFiles: { limit: 1, of: "daemon" } }),
      daemon: stopped
    })
    assert.isAbove(bad.length, 4)
    for (const { check, mend } of bad) assert.isString(mend, check)
  })

  it("are shown by group, with what mends them, and counted", () => {
    const findings: ReadonlyArray<Finding> = [
      { check: "a.x", level: "ok", message: "fine" },
      { check: "b.y", level: "warning", message: "odd", mend: "look" },
      { check: "b.z", level: "problem", message: "bad\u001b[31m", mend: "rm /x", fix: [{ type: "remove", path: "/x" }] }
    ]
    assert.strictEqual(
      doctorPage(findings),
      [
        "a",
        "  ok       fine",
        "b",
        "  warning  odd",
        "             look",
        "  PROBLEM  bad",
        "           * rm /x",
        "",
        "1 problem, 1 warning. `hob doctor --fix` does what is marked with *."
      ].join("\n")
    )
    assert.deepStrictEqual(
      [worst(findings), worst(findings.slice(0, 2)), worst(findings.slice(0, 1))],
      ["problem", "warning", "ok"]
    )
  })
})

import { assert, describe, it } from "vitest"
import { parseDuration } from "../../src/cli/duration.ts"
import { shellCode } from "../../src/cli/outcome.ts"
import { sessionPage, sessionTable } from "../../src/cli/render/session.ts"
import { statusPage } from "../../src/cli/render/status.ts"
import { age, bytes, commandLine, oneLine } from "../../src/cli/render/text.ts"
import { lineStart } from "../../src/cli/verbs/output.ts"
import type { DaemonStatus } from "../../src/protocol/daemon.ts"
import type { Session } from "../../src/protocol/sessions.ts"

const now = Date.parse("2026-03-01T12:00:00.000Z")
const session: Session = {
  id: "11112222-3333-4444-8555-666677778888" as Session["id"],
  name: "build",
  tags: ["ci", "nightly"],
  command: ["make", "-j8", "all the things"],
  cwd: "/srv/app",
  kind: "pty",
  state: "running",
  activity: { state: "waiting", since: "2026-03-01T11:59:48.000Z", agent: "claude" },
  title: null,
  pid: 4711,
  cols: 80,
  rows: 24,
  createdAt: "2026-03-01T11:58:30.000Z",
  exit: null,
  closedAt: null,
  output: { oldest: 0, end: 1_234_567 },
  logLostBytes: 0,
  clients: 2,
  limits: {},
  restart: null,
  restartedFrom: null,
  restartedAs: null,
  input: null
}
const ended: Session = {
  ...session,
  id: "99992222-3333-4444-8555-666677778888" as Session["id"],
  name: null,
  tags: [],
  command: ["printf", "\x1b]0;owned\x07\n"],
  kind: "pipe",
  state: "exited",
  activity: null,
  pid: null,
  exit: { code: null, signal: "SIGKILL", at: "2026-03-01T11:59:00.000Z", reason: null },
  closedAt: "2026-03-01T11:59:00.000Z",
  output: { oldest: 4096, end: 5000 },
  logLostBytes: 2048,
  clients: 0
}

describe("what the commands print", () => {
  it("a table of sessions, each in one line whatever its command", () => {
    assert.strictEqual(
      sessionTable([session, ended], now, null),
      [
        "ID        NAME   STATE    ACTIVITY  AGE  CLIENTS  OUTPUT  TAGS        COMMAND",
        "11112222  build  running  waiting   1m   2        1.2 MB  ci,nightly  make -j8 'all the things'",
        "99992222  -      SIGKILL  -         1m   -        5.0 kB  -           printf ' '"
      ].join("\n")
    )
  })

  it("a table without tags where none has any, and what ended a session where that was a limit", () => {
    const limited = { ...ended, exit: { ...ended.exit!, reason: "memory-limit" } }
    assert.strictEqual(
      sessionTable([limited], now, null),
      [
        "ID        NAME  STATE                   ACTIVITY  AGE  CLIENTS  OUTPUT  COMMAND",
        "99992222  -     SIGKILL (memory-limit)  -         1m   -        5.0 kB  printf ' '"
      ].join("\n")
    )
  })

  it("limits, with what holds each, and restarts", () => {
    const id = "aaaa2222-3333-4444-8555-666677778888" as Session["id"]
    const page = sessionPage(
      {
        ...session,
        limits: {
          memory: { bytes: 1.5 * 1024 ** 3, by: "cgroup" },
          cpu: { percent: 50, by: "cgroup" },
          processes: { count: 20, by: "watcher" },
          ttl: { millis: 5_400_000, endsAt: "2026-03-01T13:28:30.000Z" },
          idleStop: { millis: 90_000 }
        },
        restart: { policy: "on-failure", max: 10, count: 2, at: null, stopped: null },
        restartedFrom: { id, because: "reboot" }
      },
      now
    )
    assert.include(page, "max memory:     1.5G, held by cgroup")
    assert.include(page, "max cpu:        50%, held by cgroup")
    assert.include(page, "max processes:  20, held by watcher")
    assert.include(page, "ttl:            1.5h, until 2026-03-01T13:28:30.000Z")
    assert.include(page, "idle-stop:      1.5m")
    assert.include(page, "restart:        on-failure, 2 of 10 in a row")
    assert.include(page, `new:            in the place of ${id}, which was lost when the machine was started anew`)
  })

  it("a table that is cut to the terminal's width", () => {
    const lines = sessionTable([session], now, 40).split("\n")
    assert.deepStrictEqual(
      lines.map((line) => line.length),
      [40, 40]
    )
    assert.isTrue(lines.every((line) => line.endsWith("…")))
  })

  it("a session's page", () => {
    assert.strictEqual(
      sessionPage(session, now),
      [
        "id:         11112222-3333-4444-8555-666677778888",
        "name:       build",
        "state:      running",
        "command:    make -j8 'all the things'",
        "directory:  /srv/app",
        "kind:       pty 80x24",
        "started:    2026-03-01T11:58:30.000Z (1m ago)",
        "activity:   waiting (claude), for 12s",
        "pid:        4711",
        "tags:       ci, nightly",
        "clients:    2",
        "output:     1.2 MB"
      ].join("\n")
    )
    const page = sessionPage(ended, now)
    for (const line of [
      "state:       exited: SIGKILL",
      "kind:        pipe",
      "ended:       2026-03-01T11:59:00.000Z (1m ago)",
      "output:      5.0 kB, kept from byte 4096",
      "not logged:  2.0 kB: the disk was full or failed"
    ]) {
      assert.include(page.split("\n"), line)
    }
  })

  it("the daemon's health, with what went wrong", () => {
    const status: DaemonStatus = {
      version: "1.2.3",
      protocol: 1,
      capabilities: [],
      pid: 42,
      startedAt: "2026-03-01T10:00:00.000Z",
      home: "/h",
      socket: "/h/run/hob.sock",
      node: "v26.0.0",
      connections: 3,
      concerns: [
        { name: "sessions", state: "up", restarts: 0, lastFailure: null },
        {
          name: "connections",
          state: "restarting",
          restarts: 1,
          lastFailure: { at: "2026-03-01T11:59:50.000Z", reason: "it\nfell over" }
        }
      ],
      sessionHost: null,
      sessions: { running: 1, total: 2 },
      storage: {
        path: "/h/hob.db",
        state: "full",
        problem: { reason: "no space", since: "2026-03-01T11:00:00.000Z" },
        durability: "process-crash",
        damage: [{ kind: "row", detail: "a row", at: "2026-03-01T11:00:00.000Z" }]
      },
      previousRun: { pid: 41, version: "1.2.2", startedAt: "2026-02-27T12:00:00.000Z", endedAt: null }
    }
    assert.strictEqual(
      statusPage(status, now),
      [
        "hob 1.2.3 is running.",
        "",
        "  daemon:        pid 42, since 2026-03-01T10:00:00.000Z (2h), hob 1.2.3",
        "  session-host:  not running: the next session starts it",
        "  sessions:      1 running, 2 listed",
        "  connections:   3",
        "  home:          /h",
        "  socket:        /h/run/hob.sock",
        "  node:          v26.0.0",
        "  store:         full for 1h: no space (/h/hob.db)",
        "  damage:        a row (1h ago)",
        "  before:        pid 41 was killed or crashed; it had started 2d ago",
        "",
        "  sessions:     up",
        "  connections:  restarting, 1 restart (last: it fell over, 10s ago)"
      ].join("\n")
    )
  })

  it("a session-host of another build, why it was not replaced, and its screens process", () => {
    const base = { version: "1.2.3", protocol: 1, capabilities: [], pid: 42, startedAt: "2026-03-01T10:00:00.000Z" }
    const where = { home: "/h", socket: "/h/run/hob.sock", node: "v26.0.0", connections: 1, concerns: [] }
    const host = {
      pid: 43,
      startedAt: "2026-03-01T10:00:00.000Z",
      protocol: 2,
      version: "1.2.2",
      build: "abcdef012345"
    }
    const failure = { reason: "refused", detail: "it\ncan't." } as const
    const from = { version: "1.2.2" }
    const page = (sessionHost: NonNullable<DaemonStatus["sessionHost"]>) =>
      statusPage({ ...base, ...where, sessionHost, sessions: { running: 1, total: 1 } }, now).split("\n")
    const older = page({
      ...host,
      relation: "older",
      lastUpgrade: { at: "2026-03-01T11:00:00.000Z", from, to: { version: "1.2.3" }, asked: false, failure },
      screens: { pid: 44, version: "1.2.2", build: null }
    })
    for (const line of [
      "  session-host:  pid 43, since 2026-03-01T10:00:00.000Z (2h), hob 1.2.2 (build abcdef01)",
      "                 older than the daemon: `hob upgrade` replaces it, under its sessions",
      "                 was not replaced 1h ago: it can't.",
      "  screens:       pid 44, hob 1.2.2"
    ]) {
      assert.include(older, line)
    }
    assert.include(page({ ...host, relation: "older", upgrading: true }), "                 is being replaced in place")
    assert.include(page({ ...host, relation: "newer" }).join("\n"), "`hob upgrade --downgrade`")
    assert.notInclude(page({ ...host, relation: "same" }).join("\n"), "replace")
  })

  it("ages, sizes, commands and names, as people read them", () => {
    const ages = [
      "2026-03-01T12:00:05Z",
      "2026-03-01T11:59:01Z",
      "2026-03-01T11:59:00Z",
      "2026-03-01T11:00:00Z",
      "2026-02-27T11:00:00Z"
    ]
    assert.deepStrictEqual(
      ages.map((at) => age(at, now)),
      ["0s", "59s", "1m", "1h", "2d"]
    )
    assert.deepStrictEqual([0, 999, 1000, 12_345, 9_960_000, 123e9].map(bytes), [
      "0 B",
      "999 B",
      "1.0 kB",
      "12 kB",
      "10.0 MB",
      "123 GB"
    ])
    assert.strictEqual(commandLine(["a", "b c", "it's", "", "$x", "k=v"]), `a 'b c' 'it'\\''s' '' '$x' k=v`)
    assert.strictEqual(oneLine("a\r\n\tb\x1b[31mc\x9b2Jd"), "a bcd")
  })

  it("exit codes as a shell reports them", () => {
    const table = [
      [{ code: 0, signal: null }, 0],
      [{ code: 255, signal: null }, 255],
      [{ code: null, signal: "SIGINT" }, 130],
      [{ code: null, signal: "SIGKILL" }, 137],
      [{ code: null, signal: "SIGTERM" }, 143]
    ] as const
    for (const [exit, code] of table) assert.strictEqual(shellCode(exit), code)
  })

  it("durations as they may be written", () => {
    const table: ReadonlyArray<readonly [string, number | undefined]> = [
      ["0", 0],
      ["5", 5000],
      ["500ms", 500],
      ["5s", 5000],
      ["1.5m", 90_000],
      [".5s", 500],
      ["2h", 7_200_000],
      ["366d", 366 * 86_400_000],
      ["367d", undefined],
      ["-1", undefined],
      ["5 s", undefined],
      ["s", undefined],
      ["", undefined],
      ["1e3", undefined]
    ]
    for (const [text, millis] of table) assert.strictEqual(parseDuration(text), millis, text)
  })

  it("the last lines of a text, with and without an end to the last one", () => {
    const start = (text: string, count: number) => lineStart(Buffer.from(text), count)
    assert.deepStrictEqual(
      [start("a\nb\nc\n", 1), start("a\nb\nc\n", 2), start("a\nb\nc", 1), start("a\nb\nc", 2)],
      [4, 2, 4, 2]
    )
    assert.deepStrictEqual(
      [start("a\nb\n", 2), start("a\nb\n", 9), start("", 1), start("a\n", 0)],
      [null, null, null, 2]
    )
    assert.deepStrictEqual([start("\n\n\n", 1), start("\n\n\n", 2)], [2, 1])
  })
})

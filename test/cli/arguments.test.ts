import { assert, describe, it, vi } from "vitest"
import { makePaths } from "../../src/config/paths.ts"
import { makeContext } from "../../src/cli/context.ts"
import { hotAction } from "../../src/cli/hot.ts"
import { runTree } from "../../src/cli/tree.ts"

/** What the verbs were called with, instead of doing it. */
const calls = vi.hoisted((): Array<readonly [verb: string, options: unknown, mayStart: boolean]> => [])
const verb = vi.hoisted(() => (name: string) => (context: { readonly mayStart: boolean }, options: unknown) => {
  calls.push([name, options, context.mayStart])
  return Promise.resolve(0)
})
const paths = makePaths({ HOB_HOME: "/nonexistent/hob" })

/** What would be on standard error. */
const errors = vi.hoisted((): Array<string> => [])

vi.mock("../../src/cli/stdio.ts", () => ({ print: () => {}, printError: (text: string) => void errors.push(text) }))
vi.mock("../../src/cli/verbs/attach.ts", () => ({ attach: verb("attach") }))
vi.mock("../../src/cli/verbs/config.ts", () => ({
  configCheck: verb("config check"),
  configPath: verb("config path"),
  configReload: verb("config reload"),
  configShow: verb("config show")
}))
vi.mock("../../src/cli/verbs/export.ts", () => ({ exportLog: verb("export") }))
vi.mock("../../src/cli/verbs/kill.ts", () => ({ kill: verb("kill") }))
vi.mock("../../src/cli/verbs/list.ts", () => ({ list: verb("ls") }))
vi.mock("../../src/cli/verbs/logs.ts", () => ({ logs: verb("logs") }))
vi.mock("../../src/cli/verbs/output.ts", () => ({ output: verb("output") }))
vi.mock("../../src/cli/verbs/remove.ts", () => ({ remove: verb("rm") }))
vi.mock("../../src/cli/verbs/restart.ts", () => ({ restart: verb("restart") }))
vi.mock("../../src/cli/verbs/run.ts", () => ({ run: verb("run") }))
vi.mock("../../src/cli/verbs/send.ts", async (original) => ({ ...(await original<object>()), send: verb("send") }))
vi.mock("../../src/cli/verbs/show.ts", () => ({ show: verb("show") }))
vi.mock("../../src/cli/verbs/start.ts", () => ({ start: verb("start") }))
vi.mock("../../src/cli/verbs/status.ts", () => ({ status: verb("status") }))
vi.mock("../../src/cli/verbs/stop.ts", () => ({ stop: verb("stop") }))
vi.mock("../../src/cli/verbs/wait.ts", () => ({ wait: verb("wait") }))

const run = {
  name: null,
  cwd: null,
  env: [],
  tags: [],
  pipe: false,
  detach: false,
  json: false,
  nest: false,
  limits: {},
  restart: null,
  restartMax: null,
  template: null,
  command: []
}
const output = { session: "a", follow: false, since: null, tail: null, plain: false }
const wait = { session: "a", for: null, timeout: null, json: false }
const kill = { sessions: ["a"], tags: [], signal: null, grace: null, self: false, json: false }
const rm = { sessions: ["a"], tags: [], force: false, self: false }
const attach = { session: "a", readOnly: false, take: false, nest: false }
const send = { session: "a", text: [], keys: [], stdin: false, eof: false }
const list = { all: false, json: false, quiet: false, tags: [] }

/** `hot`: the plain path understands it too, and the same. */
const table: ReadonlyArray<readonly [line: ReadonlyArray<string>, verb: string, options: unknown, how?: "hot"]> = [
  [["ls"], "ls", list, "hot"],
  [["ls", "--all", "--json"], "ls", { ...list, all: true, json: true }, "hot"],
  [["ls", "-a", "-q"], "ls", { ...list, all: true, quiet: true }, "hot"],
  [["ls", "-aq"], "ls", { ...list, all: true, quiet: true }],
  [["ls", "--all=true"], "ls", { ...list, all: true }],
  [["ls", "--tag", "x", "-t", "y"], "ls", { ...list, tags: ["x", "y"] }, "hot"],
  [["status"], "status", { json: false }, "hot"],
  [["status", "--json"], "status", { json: true }, "hot"],
  [["show", "a", "--json"], "show", { session: "a", json: true }, "hot"],
  [["show", "--json", "1"], "show", { session: "1", json: true }, "hot"],
  [["attach", "a"], "attach", attach, "hot"],
  [["attach", "--take", "a"], "attach", { ...attach, take: true }, "hot"],
  [["attach", "-r", "a"], "attach", { ...attach, readOnly: true }, "hot"],
  [["attach", "--read-only", "on"], "attach", { ...attach, session: "on", readOnly: true }, "hot"],
  [["attach", "a", "--nest"], "attach", { ...attach, nest: true }, "hot"],
  [["wait", "--exit", "a"], "wait", wait, "hot"],
  [["wait", "a", "--exit", "--timeout", "90s"], "wait", { ...wait, timeout: 90_000 }, "hot"],
  [["wait", "a", "--timeout=2m", "--json"], "wait", { ...wait, timeout: 120_000, json: true }, "hot"],
  [["wait", "a", "--match", "^ok"], "wait", { ...wait, for: { match: "^ok", onlyNew: false } }, "hot"],
  [["wait", "a", "-m", "x", "--new"], "wait", { ...wait, for: { match: "x", onlyNew: true } }, "hot"],
  [["wait", "a", "--idle", "2s"], "wait", { ...wait, for: { idleMillis: 2000 } }, "hot"],
  [["wait", "a", "--state", "waiting"], "wait", { ...wait, for: { activity: ["waiting"] } }, "hot"],
  [["wait", "a", "--state=idle,waiting"], "wait", { ...wait, for: { activity: ["idle", "waiting"] } }, "hot"],
  [["kill", "a"], "kill", kill, "hot"],
  [
    ["kill", "a", "b", "-s", "INT", "--grace", "0"],
    "kill",
    { ...kill, sessions: ["a", "b"], signal: "INT", grace: 0 },
    "hot"
  ],
  [["kill", "--tag", "x"], "kill", { ...kill, sessions: [], tags: ["x"] }, "hot"],
  [["kill", "a", "--self"], "kill", { ...kill, self: true }, "hot"],
  [["output", "a"], "output", output, "hot"],
  [["output", "-f", "a"], "output", { ...output, follow: true }, "hot"],
  [["output", "a", "--tail", "20", "--plain"], "output", { ...output, tail: 20, plain: true }, "hot"],
  [["output", "a", "-n", "0"], "output", { ...output, tail: 0 }, "hot"],
  [["output", "a", "--since=4096"], "output", { ...output, since: 4096 }, "hot"],
  [["send", "a", "git status"], "send", { ...send, text: ["git status"] }, "hot"],
  [["send", "a", "git", "status"], "send", { ...send, text: ["git", "status"] }, "hot"],
  [["send", "a", "-"], "send", { ...send, stdin: true }, "hot"],
  [["send", "a", "--eof"], "send", { ...send, eof: true }, "hot"],
  [["send", "--eof", "a", "-"], "send", { ...send, eof: true, stdin: true }, "hot"],
  [["send", "a", "ls", "-", "la"], "send", { ...send, text: ["ls", "-", "la"] }, "hot"],
  [["send", "a", "go", "--key", "Enter"], "send", { ...send, text: ["go"], keys: ["Enter"] }, "hot"],
  [["send", "a", "--key", "C-c"], "send", { ...send, keys: ["C-c"] }, "hot"],
  [
    ["send", "a", "--key", "Escape", ":", "w", "q", "Enter"],
    "send",
    { ...send, keys: ["Escape", ":", "w", "q", "Enter"] },
    "hot"
  ],
  [["send", "a", "-k", "y", "-k", "Enter"], "send", { ...send, keys: ["y", "Enter"] }, "hot"],
  [["send", "a", "--key=C-c", "Enter"], "send", { ...send, keys: ["C-c", "Enter"] }, "hot"],
  [["send", "a", "--", "--help"], "send", { ...send, text: ["--help"] }, "hot"],
  [["run"], "run", run, "hot"],
  [
    ["run", "--max-memory", "2G", "--max-cpu=50%", "--max-processes", "9", "--ttl", "2h", "--idle-stop", "30m", "a"],
    "run",
    {
      ...run,
      command: ["a"],
      limits: {
        memoryBytes: 2 * 1024 ** 3,
        cpuPercent: 50,
        processes: 9,
        ttlMillis: 7_200_000,
        idleStopMillis: 1_800_000
      }
    },
    "hot"
  ],
  [
    ["run", "--template", "web", "--restart-max", "0", "--nest"],
    "run",
    { ...run, template: "web", restartMax: 0, nest: true },
    "hot"
  ],
  [["run", "--restart", "on-failure", "a"], "run", { ...run, restart: "on-failure", command: ["a"] }],
  [["run", "--", "ls", "-la"], "run", { ...run, command: ["ls", "-la"] }, "hot"],
  [["run", "ls", "-la", "--json"], "run", { ...run, command: ["ls", "-la", "--json"] }, "hot"],
  [
    ["run", "-d", "--", "sh", "-c", "a -- b", "--", "x"],
    "run",
    { ...run, detach: true, command: ["sh", "-c", "a -- b", "--", "x"] },
    "hot"
  ],
  [["run", "sh", "--", "x"], "run", { ...run, command: ["sh", "--", "x"] }, "hot"],
  [["run", "--detach", "on"], "run", { ...run, detach: true, command: ["on"] }, "hot"],
  [
    [
      "run",
      "--name",
      "web",
      "--cwd",
      "/srv",
      "--env",
      "A=1",
      "-e",
      "B=-2",
      "--tag",
      "x",
      "-t",
      "y",
      "--pipe",
      "-d",
      "--",
      "serve"
    ],
    "run",
    {
      ...run,
      name: "web",
      cwd: "/srv",
      env: ["A=1", "B=-2"],
      tags: ["x", "y"],
      pipe: true,
      detach: true,
      command: ["serve"]
    },
    "hot"
  ],
  [["rm", "a", "b"], "rm", { ...rm, sessions: ["a", "b"] }],
  [["rm", "--force", "1"], "rm", { ...rm, sessions: ["1"], force: true }],
  [["rm", "-f", "a"], "rm", { ...rm, force: true }],
  [["export", "a"], "export", { session: "a", format: "jsonl" }],
  [["export", "a", "--format", "raw"], "export", { session: "a", format: "raw" }],
  [["start"], "start", { foreground: false }],
  [["start", "--foreground"], "start", { foreground: true }],
  [["stop"], "stop", { all: false, force: false, self: false }],
  [["stop", "--all", "--force"], "stop", { all: true, force: true, self: false }],
  [["restart"], "restart", { force: false }],
  [["logs"], "logs", { follow: false, lines: 50, host: false }],
  [["logs", "-f", "-n", "3"], "logs", { follow: true, lines: 3, host: false }],
  [["config", "show", "--json"], "config show", { json: true }],
  [["config", "path"], "config path", undefined],
  [["config", "check"], "config check", { json: false }],
  [["config", "reload"], "config reload", { json: false }]
]

const viaTree = async (line: ReadonlyArray<string>) => {
  calls.length = 0
  const code = await runTree(line, paths)
  return { code, called: calls.slice() }
}

const told = async (...line: ReadonlyArray<string>) => {
  errors.length = 0
  await runTree(line, paths)
  return errors.join("\n")
}

/** Whether a daemon may be started when HOB_NO_START is this. */
const mayStartWith = (value: string) =>
  makeContext(paths, { HOB_NO_START: value }, { noStart: false, settings: [] }).mayStart

describe("arguments", () => {
  it("mean through the command tree what the table says", async () => {
    for (const [line, verb, options] of table) {
      const { called, code } = await viaTree(line)
      assert.deepStrictEqual([code, called], [0, [[verb, options, true]]], `hob ${line.join(" ")}`)
    }
  })

  it("mean the same on the path without the tree, which takes all that are written plainly", async () => {
    for (const [line, verb, options, how] of table) {
      calls.length = 0
      const hot = hotAction(line)
      assert.strictEqual(hot !== null, how === "hot", `hob ${line.join(" ")}`)
      await hot?.action(makeContext(paths, {}, { noStart: hot.noStart, settings: [] }))
      if (how === "hot") assert.deepStrictEqual(calls.slice(), [[verb, options, true]], `hob ${line.join(" ")}`)
    }
  })

  it("--no-start holds before and after the command, and so does HOB_NO_START", async () => {
    for (const line of [
      ["--no-start", "ls"],
      ["ls", "--no-start"],
      ["rm", "--no-start", "a"],
      ["--no-start", "rm", "a"]
    ]) {
      assert.deepStrictEqual((await viaTree(line)).called[0]?.[2], false, line.join(" "))
    }
    for (const line of [
      ["--no-start", "ls"],
      ["ls", "--no-start"]
    ])
      assert.isTrue(hotAction(line)?.noStart)
    assert.deepStrictEqual(["1", "yes", "0", ""].map(mayStartWith), [false, false, true, true])
  })

  it("`-c` reaches the context from before and after the command", () => {
    assert.isNull(hotAction(["-c", "a.b=1", "ls"]))
    assert.isNull(hotAction(["ls", "-c", "a.b=1"]))
  })

  it("with a mistake are left to the tree, which tells it with exit code 2 and does nothing", async () => {
    const mistakes: ReadonlyArray<ReadonlyArray<string>> = [
      ["lss"],
      ["ls", "--alll"],
      ["ls", "extra"],
      ["show"],
      ["show", "a", "b"],
      ["attach"],
      ["wait", "a", "--timeout", "soon"],
      ["wait", "a", "--timeout"],
      ["kill"],
      ["kill", "a", "--grace", "-1"],
      ["output", "a", "--since", "x"],
      ["output", "a", "--since", "-1"],
      ["output", "a", "--since", "1", "--tail", "1"],
      ["export", "a", "--format", "xml"],
      ["run", "--nme", "x", "--", "ls"],
      ["run", "--name"],
      ["config", "shwo"],
      ["completions", "tcsh"],
      ["toString"],
      ["__proto__"]
    ]
    for (const line of mistakes) {
      assert.isNull(hotAction(line), `hob ${line.join(" ")}`)
      const { called, code } = await viaTree(line)
      assert.deepStrictEqual([code, called], [2, []], `hob ${line.join(" ")}`)
    }
  })

  it("with a mistake are answered by what is wrong, what was meant, and where to read more", async () => {
    const table: ReadonlyArray<readonly [line: string, told: string]> = [
      ["lss", 'hob: "lss" is not a command. Did you mean `hob ls`?\n`hob --help` lists them.'],
      ["config shwo", 'hob: "shwo" is not a command. Did you mean `hob config show`?\n`hob config --help` lists them.'],
      ["ls --alll", "hob: --alll is not a flag of `hob ls`. Did you mean `--all`?\n`hob ls --help` explains it."],
      ["lss --alll x", 'hob: "lss" is not a command. Did you mean `hob ls`?\n`hob --help` lists them.'],
      ["show", "hob: <session> is missing.\n`hob show --help` explains it."],
      ["show a b", 'hob: Too much: "b".\n`hob show --help` explains it.'],
      [
        "wait a --timeout x",
        "hob: --timeout x: must be a duration such as 500ms, 5s, 2m or 1h.\n`hob wait --help` explains it."
      ],
      ["run --name", "hob: --name needs a value: NAME.\n`hob run --help` explains it."],
      ["output a --since 1 --tail 1", "hob: --since and --tail exclude one another.\n`hob output --help` explains it."]
    ]
    for (const [line, expected] of table) assert.strictEqual(await told(...line.split(" ")), expected)
  })
})

import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { ExitCode } from "../../src/cli/exit.ts"
import type { LogLine, Session } from "../../src/protocol/sessions.ts"
import { type Home, isAlive, makeHome, until } from "../support/home.ts"

describe("the commands, as scripts use them", () => {
  let home: Home
  beforeAll(() => {
    home = makeHome({ CLAUDECODE: "1", CALLERS: "own" })
  })
  afterAll(() => home.destroy())

  const start = async (...args: ReadonlyArray<string>): Promise<string> =>
    (await home.ok(["run", "--detach", ...args])).trim()

  /** A command's failure: its exit code, and its sentence on standard error with nothing on standard output. */
  const failure = async (...args: ReadonlyArray<string>) => {
    const { code, stderr, stdout } = await home.hob(args)
    assert.strictEqual(stdout, "", `hob ${args.join(" ")}`)
    return [code, stderr.split("\n")[0]] as const
  }

  it("hob run prints what the command prints and ends as it ends", async () => {
    const ran = await home.hob(["run", "--", "sh", "-c", "echo out; exit 3"])
    assert.deepStrictEqual([ran.code, ran.stdout], [3, "out\r\n"])
    assert.match(ran.stderr, /^\[session [0-9a-f]{8}\]\n\[session [0-9a-f]{8} ended: exit 3\]\n$/)
    const killed = await home.hob(["run", "--", "sh", "-c", "kill -9 $$"])
    assert.strictEqual(killed.code, 137)
  })

  it("hob run tells a missing command from one that can't be executed", async () => {
    assert.strictEqual((await home.hob(["run", "no-such-command"])).code, ExitCode.commandNotFound)
    const file = join(home.paths.home, "not-executable")
    writeFileSync(file, "", { mode: 0o600 })
    assert.strictEqual((await home.hob(["run", file])).code, ExitCode.notExecutable)
    assert.strictEqual((await home.hob(["run", "--cwd", "/no/such/directory", "ls"])).code, ExitCode.failure)
    assert.strictEqual((await home.hob(["run", ""])).code, ExitCode.failure)
    assert.strictEqual((await home.hob(["run", "--env", "novalue", "ls"])).code, ExitCode.usage)
  })

  it("hob run gives the caller's environment and directory, less what is denied, and its own", async () => {
    const where = join(home.paths.home, "..", "where it runs")
    mkdirSync(where)
    const script = 'echo "$PWD|$CALLERS|${CLAUDECODE-none}|$ADDED|${HOB_SESSION_ID:+in a session}"'
    const line = await home.ok(["run", "--cwd", where, "--env", "ADDED=a=b", "--", "sh", "-c", script])
    assert.strictEqual(line, `${where}|own|none|a=b|in a session\r\n`)
  })

  it("a session is found by its id, by the beginning of its id, and by its name", async () => {
    const id = await start("--name", "found", "--tag", "one", "--tag", "two", "--", "sleep", "1000")
    assert.match(id, /^[0-9a-f-]{36}$/)
    for (const ref of [id, id.slice(0, 13), "found"]) {
      assert.strictEqual((await home.json<Session>(["show", ref])).id, id)
    }
    const page = await home.ok(["show", "found"])
    assert.match(page, /^name: +found$/m)
    assert.match(page, /^tags: +one, two$/m)
    assert.match(page, /^command: +sleep 1000$/m)
    assert.deepStrictEqual(await failure("show", "nobody"), [
      ExitCode.noSuchSession,
      'hob: No session matches "nobody". `hob ls --all` lists them.'
    ])
    assert.deepStrictEqual((await failure("run", "--name", "found", "true"))[0], ExitCode.failure)
    const { code, stderr } = await home.hob(["attach", "found"])
    assert.strictEqual(code, ExitCode.failure)
    assert.include(stderr, "needs a terminal")
  })

  it("what is wrong with an argument is said in words of the command line", async () => {
    assert.deepStrictEqual(await failure("show", ""), [
      ExitCode.usage,
      "hob: <session>: must be 1 to 128 characters: an id, the beginning of one, or a name."
    ])
    assert.deepStrictEqual(await failure("run", "--name", "a b", "true"), [
      ExitCode.usage,
      "hob: --name: must be 1 to 64 of letters, digits, '.', '_', '-', beginning with a letter or digit."
    ])
    assert.match((await failure("show", "x"))[1]!, /Of an id at least 2 characters are needed/)
  })

  it("a wrong signal, a wrong regular expression and --new without one are wrong usage, whatever finds out", async () => {
    await start("--name", "misused", "--", "sleep", "1000")
    for (const args of [
      ["wait", "misused", "--match", "("],
      ["wait", "misused", "--new"],
      ["wait", "misused", "--new", "--idle", "1s"],
      ["search", "--regex", "("],
      ["kill", "misused", "--signal", "NONE"]
    ]) {
      assert.strictEqual((await failure(...args))[0], ExitCode.usage, args.join(" "))
    }
    assert.strictEqual((await home.json<Session>(["show", "misused"])).state, "running")
  })

  it("who waited in vain is told for what, and who asks what an ended one is about, where to look", async () => {
    await start("--name", "vain", "--", "sh", "-c", "read x")
    assert.deepStrictEqual(await failure("wait", "vain", "--match", "a.b", "--new", "--timeout", "10ms"), [
      ExitCode.timedOut,
      'hob: vain: time is up, and there was no new line that matches "a.b".'
    ])
    await home.ok(["kill", "vain"])
    const conditions = ["--match", "x", "--state", "waiting,working", "--idle", "1h"]
    assert.deepStrictEqual(await failure("wait", "vain", ...conditions), [
      ExitCode.failure,
      'hob: vain has ended, and there was no line that matches "x", and no pause of 1h in its output, and no time when it was waiting or working.'
    ])
    const { code, stderr } = await home.hob(["explain", "vain"])
    assert.strictEqual(code, ExitCode.failure)
    assert.match(stderr, /`hob show vain` .* `hob screen vain` /)
  })

  it("hob config reload brings what was written into the file into force, templates as well, or says what is wrong", async () => {
    const script = 'echo "$PWD"'
    const web = { command: ["sh", "-c", script], cwd: "~/below" }
    const own = join(home.paths.home, "own home")
    mkdirSync(join(own, "below"), { recursive: true })
    try {
      writeFileSync(home.paths.config, JSON.stringify({ templates: { web }, sessions: { maxCount: 900 } }))
      assert.strictEqual(await home.ok(["config", "reload"]), "Changed: sessions.maxCount, templates.\n")
      assert.strictEqual(await home.ok(["config", "reload"]), "Nothing has changed.\n")
      // Below the HOME that the program itself sees.
      assert.strictEqual(
        await home.ok(["run", "--template", "web", "--env", `HOME=${own}`]),
        `${join(own, "below")}\r\n`
      )
      writeFileSync(home.paths.config, JSON.stringify({ templates: { web: { command: "npm run dev" } } }))
      const [code, said] = await failure("config", "reload")
      assert.strictEqual(code, ExitCode.failure)
      assert.include(said, '"templates.web.command" must be a list')
    } finally {
      rmSync(home.paths.config)
      await home.ok(["config", "reload"])
    }
  })

  it("every heading of a help page stands alone", async () => {
    for (const command of [["tag"], ["dialect"], ["config"], ["completions"], ["service"]]) {
      const page = await home.ok([...command, "--help"])
      assert.match(page, /^SUBCOMMANDS$/m)
      assert.notMatch(page, /[^\n]\n[A-Z][A-Z ]+$/m)
    }
  })

  it("hob config check tells every mistake, on standard error or as JSON", async () => {
    const flags = ["-c", "no.such=1", "-c", "sessions.maxCount=0"]
    const { code, stderr, stdout } = await home.hob(["config", "check", ...flags])
    assert.deepStrictEqual([code, stdout], [ExitCode.usage, ""])
    assert.match(stderr, /^hob: flag: "no.such" .*\nhob: flag: "sessions.maxCount" .*\n2 mistakes\. /)
    const asJson = await home.hob(["config", "check", "--json", ...flags])
    const keys = (JSON.parse(asJson.stdout) as { mistakes: ReadonlyArray<{ key: string }> }).mistakes
    assert.deepStrictEqual(
      [asJson.code, keys.map(({ key }) => key)],
      [ExitCode.usage, ["no.such", "sessions.maxCount"]]
    )
    assert.match(await home.ok(["config", "check"]), /no mistakes/)
  })

  it("the home and everything hob makes in it are closed to others, whatever the umask", async () => {
    for (const path of [home.paths.home, home.paths.cache, home.paths.logs, home.paths.sessions, home.paths.run]) {
      assert.strictEqual(statSync(path).mode & 0o777, 0o700, path)
    }
  })

  it("hob ls lists what runs, newest first; --all what has ended too; --quiet ids; --json everything", async () => {
    const first = await start("--name", "listed-1", "--", "sleep", "1000")
    const second = await start("--name", "listed-2", "--", "sh", "-c", "exit 5")
    await home.ok(["wait", "--exit", "listed-2"])
    const ids = async (...args: ReadonlyArray<string>) => (await home.ok(["ls", "--quiet", ...args])).trim().split("\n")
    assert.include(await ids(), first)
    assert.notInclude(await ids(), second)
    const all = await ids("--all")
    assert.isBelow(all.indexOf(second), all.indexOf(first))
    const table = await home.ok(["ls", "--all"])
    assert.match(table, /^ID +NAME +STATE +ACTIVITY +AGE +CLIENTS +OUTPUT +(TAGS +)?COMMAND\n/)
    assert.match(table, new RegExp(`^${second.slice(0, 8)}  listed-2 +exit 5 `, "m"))
    const { sessions } = await home.json<{ sessions: ReadonlyArray<Session> }>(["ls", "--all"])
    assert.deepStrictEqual(
      sessions.map(({ id }) => id),
      all
    )
  })

  it("hob send types text, keys, and standard input", async () => {
    await start("--name", "typed", "--", "sh", "-c", "cat; echo done")
    await home.ok(["send", "typed", "hello", "there", "--key", "Enter"])
    await home.ok(["send", "typed", "-"], { input: "from\nstdin\n" })
    await home.ok(["send", "typed", "--key", "x", "y", "Enter", "C-d"])
    assert.strictEqual(await home.ok(["wait", "--exit", "typed"]), "0\n")
    const lines = (await home.ok(["output", "typed", "--plain"])).split("\n")
    for (const line of ["hello there", "from", "stdin", "xy", "done"]) assert.include(lines, line)
    assert.deepStrictEqual((await failure("send", "typed", "late"))[0], ExitCode.failure)
    assert.deepStrictEqual((await failure("send", "typed", "--key", "Entr"))[0], ExitCode.usage)
    assert.deepStrictEqual((await failure("send", "typed"))[0], ExitCode.usage)
  })

  it("hob output gives bytes from an offset, the last lines, plain text, and follows to the end", async () => {
    await start(
      "--name",
      "printed",
      "--",
      "sh",
      "-c",
      "stty -onlcr; i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo $i; done; printf 'x\\ry'"
    )
    const all = `${Array.from({ length: 5000 }, (_, index) => `${index + 1}\n`).join("")}x\ry`
    assert.strictEqual(await home.ok(["output", "--follow", "printed"]), all)
    assert.strictEqual(await home.ok(["output", "printed"]), all)
    assert.strictEqual(await home.ok(["output", "printed", "--since", "10"]), all.slice(10))
    assert.strictEqual(await home.ok(["output", "printed", "--tail", "3"]), "4999\n5000\nx\ry")
    assert.strictEqual(await home.ok(["output", "printed", "--tail", "0"]), "")
    assert.strictEqual(await home.ok(["output", "printed", "--tail", "4900"]), all.slice(all.indexOf("102\n")))
    assert.strictEqual(await home.ok(["output", "printed", "--tail", "100000"]), all)
    // Without its carriage returns the next line begins below the end of the one before.
    assert.strictEqual(await home.ok(["output", "printed", "--tail", "2", "--plain", "-f"]), "5000\ny   x\n")
    assert.strictEqual(await home.ok(["export", "printed", "--format", "raw"]), all)
  })

  it("hob output --follow shows what comes while it comes", async () => {
    await start("--name", "followed", "--", "sh", "-c", "echo first; read line; echo second")
    const follower = home.start(["output", "-f", "followed"])
    let seen = ""
    follower.stdout!.setEncoding("utf8").on("data", (text: string) => (seen += text))
    const ended = new Promise<number | null>((done) => follower.once("close", done))
    await until("the first line came", () => seen.includes("first"))
    assert.notInclude(seen, "second")
    await home.ok(["send", "followed", "--key", "Enter"])
    assert.strictEqual(await ended, 0)
    assert.include(seen, "second")
  })

  it("a reader that goes away ends hob output as it would end any program", async () => {
    await start("--name", "much", "--", "sh", "-c", "yes | head -c 1000000")
    await home.ok(["wait", "--exit", "much"])
    const reader = home.start(["output", "much"])
    const ended = new Promise<number | null>((done) => reader.once("exit", done))
    reader.stdout!.once("data", () => reader.stdout!.destroy())
    assert.strictEqual(await ended, ExitCode.brokenPipe)
  })

  it("hob export writes lines that hold every byte, input too", async () => {
    const id = await start("--name", "exported", "--", "sh", "-c", "stty -echo; echo ready; read line; echo got $line")
    await until("it is ready", async () => (await home.ok(["output", "exported"])).includes("ready"))
    await home.ok(["send", "exported", "secret", "--key", "Enter"])
    await home.ok(["wait", "--exit", "exported"])
    const lines = (await home.ok(["export", "exported"]))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as LogLine)
    const text = (direction: LogLine["direction"]) =>
      Buffer.concat(
        lines.filter((line) => line.direction === direction).map((line) => Buffer.from(line.data, "base64"))
      ).toString()
    assert.strictEqual(text("input"), "secret\r")
    assert.strictEqual(text("output"), "ready\r\ngot secret\r\n")
    for (const line of lines) {
      assert.deepStrictEqual([line.session_id as string, line.size], [id, Buffer.from(line.data, "base64").length])
      assert.isFalse(Number.isNaN(Date.parse(line.timestamp)))
    }
  })

  it("hob wait prints the exit code, and gives up with its own", async () => {
    await start("--name", "waited", "--", "sh", "-c", "read line; exit 42")
    const [code, sentence] = await failure("wait", "--exit", "waited", "--timeout", "50ms")
    assert.deepStrictEqual([code, sentence], [ExitCode.timedOut, "hob: waited is still running."])
    await home.ok(["send", "waited", "--key", "Enter"])
    assert.strictEqual(await home.ok(["wait", "--exit", "waited"]), "42\n")
    assert.strictEqual((await home.json<Session>(["wait", "waited"])).exit?.code, 42)
  })

  it("hob wait goes on waiting while the daemon dies and is started again", async () => {
    await start("--name", "patient", "--", "sh", "-c", "read line; exit 6")
    const waiter = home.start(["wait", "--exit", "patient"])
    let printed = ""
    for (const stream of [waiter.stdout!, waiter.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => (printed += text))
    }
    const ended = new Promise<number | null>((done) => waiter.once("close", done))
    await until("it waits", async () => (await home.json<{ connections: number }>(["status"])).connections > 1)
    await home.killDaemon()
    await home.ok(["send", "patient", "--key", "Enter"])
    assert.deepStrictEqual([await ended, printed], [0, "6\n"])
  })

  it("hob kill and hob rm take several sessions; one that fails does not stop the others", async () => {
    await start("--name", "k1", "--", "sleep", "1000")
    await start("--name", "k2", "--", "sleep", "1000")
    const killed = await home.hob(["kill", "k1", "nobody", "k2"])
    assert.deepStrictEqual(
      [killed.code, killed.stdout],
      [ExitCode.noSuchSession, "k1 ended: SIGTERM\nk2 ended: SIGTERM\n"]
    )
    assert.include(killed.stderr, '"nobody"')
    await start("--name", "k3", "--", "sleep", "1000")
    assert.deepStrictEqual((await failure("rm", "k3"))[0], ExitCode.failure)
    assert.lengthOf((await home.ok(["rm", "--force", "k1", "k2", "k3"])).trim().split("\n"), 3)
    assert.strictEqual((await home.hob(["show", "k1"])).code, ExitCode.noSuchSession)
    assert.deepStrictEqual((await failure("kill", "--signal", "NONSENSE", "found"))[0], ExitCode.usage)
  })

  it("hob config shows values and where they come from, and finds mistakes", async () => {
    assert.strictEqual(await home.ok(["config", "path"]), `${home.paths.config}\n`)
    writeFileSync(home.paths.config, '{ "sessions": { "maxCount": 7 } }')
    const env = { HOB_SESSIONS_DETACH_KEY: "C-b d" }
    const shown = await home.ok(["config", "show", "-c", "daemon.logLevel=warn"], { env })
    assert.match(shown, /^sessions\.maxCount +7 +file; the running daemon has 1000$/m)
    assert.match(shown, /^sessions\.detachKey +"C-b d" +environment;/m)
    assert.match(shown, /^daemon\.logLevel +"warn" +flag;/m)
    assert.match(shown, /^sessions\.recentBytes +\d+ +default$/m)
    assert.match(await home.ok(["config", "check"]), /no mistakes; 1 of \d+/)
    writeFileSync(home.paths.config, '{ "sessions": { "maxCuont": 7 } }')
    for (const verb of ["check", "show"]) {
      const { code, stderr } = await home.hob(["config", verb])
      assert.strictEqual(code, ExitCode.failure)
      assert.match(stderr, /config\.json.*sessions\.maxCuont.*did you mean "sessions\.maxCount"/)
    }
    rmSync(home.paths.config)
  })

  it("hob completions prints scripts that shells accept, without a daemon", async () => {
    const elsewhere = { HOB_HOME: join(home.paths.home, "elsewhere") }
    for (const shell of ["bash", "zsh", "fish"]) {
      const script = await home.ok(["completions", shell], { env: elsewhere })
      for (const command of ["attach", "restart", "completions"]) assert.include(script, command)
    }
    assert.strictEqual((await home.hob(["status"], { env: elsewhere })).code, ExitCode.notRunning)
  })

  it("hob --help lists every command, hob COMMAND --help teaches it with examples", async () => {
    const help = await home.ok(["--help"])
    assert.strictEqual(await home.ok([]), help)
    const commands = [...help.matchAll(/^ {2}([a-z]+) {3,}\S/gm)].map((match) => match[1]!)
    for (const command of ["run", "ls", "attach", "start", "config", "version"]) assert.include(commands, command)
    for (const command of commands) {
      const page = await home.ok([command, "--help"])
      assert.include(page, "USAGE")
      // The pages of a group's own commands have examples.
      if (command !== "version" && !page.includes("SUBCOMMANDS"))
        assert.match(page, new RegExp(`EXAMPLES\\n[^]*hob ${command}`))
    }
    assert.include(help, "EXIT CODES")
  })

  it("hob version is that of the package", async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8")) as {
      version: string
    }
    for (const args of [["version"], ["--version"], ["-v"]]) assert.strictEqual(await home.ok(args), `${version}\n`)
  })

  it("hob logs prints the last lines and follows", async () => {
    const last = await home.ok(["logs", "-n", "1"])
    assert.lengthOf(last.trimEnd().split("\n"), 1)
    const follower = home.start(["logs", "-f", "-n", "0"])
    let seen = ""
    follower.stdout!.setEncoding("utf8").on("data", (text: string) => (seen += text))
    // Nothing tells when it has begun; what is written before is not shown.
    await until("a new line came", async () => {
      await home.ok(["restart"])
      return seen.includes("answers on")
    })
    follower.kill()
  })

  it("hob stop --all without a daemon ends the sessions that are left, unless it may start none", async () => {
    const own = makeHome()
    try {
      await own.ok(["run", "--detach", "--", "sleep", "1000"])
      const [pid, host] = [await own.daemonPid(), await own.hostPid()]
      process.kill(pid, "SIGKILL")
      await until("the daemon is gone", () => !isAlive(pid))
      const { code, stderr } = await own.hob(["stop", "--all", "--no-start"])
      assert.strictEqual(code, ExitCode.notRunning)
      assert.include(stderr, "session-host")
      assert.match(await own.ok(["stop", "--all"]), /^hob stopped\. 1 session ended\./)
      await until("the session-host is gone", () => !isAlive(host))
    } finally {
      await own.destroy()
    }
  })

  it("hob stop --all has nothing to do where nothing runs, also beside a socket that a dead session-host left", async () => {
    const own = makeHome()
    try {
      assert.strictEqual(await own.ok(["stop", "--all"]), "Nothing is running.\n")
      assert.isFalse(existsSync(own.paths.sessions))
      await own.ok(["run", "--detach", "--", "true"])
      const [pid, host] = [await own.daemonPid(), await own.hostPid()]
      for (const each of [pid, host]) process.kill(each, "SIGKILL")
      await until("both are gone", () => !isAlive(pid) && !isAlive(host))
      assert.isTrue(existsSync(own.paths.hostSocket))
      for (const extra of [[], ["--no-start"]]) {
        assert.strictEqual(await own.ok(["stop", "--all", ...extra]), "Nothing is running.\n")
      }
    } finally {
      await own.destroy()
    }
  })

  it("--no-start and HOB_NO_START hold for every command, and none starts a daemon for help", async () => {
    const env = { HOB_HOME: join(home.paths.home, "fresh") }
    const commands = [
      ["start"],
      ["restart"],
      ["ls"],
      ["run", "true"],
      ["show", "x"],
      ["send", "x", "y"],
      ["wait", "x"],
      ["output", "x"],
      ["kill", "x"],
      ["rm", "x"],
      ["export", "x"]
    ]
    for (const command of commands) {
      for (const [args, extra] of [
        [[...command.slice(0, 1), "--no-start", ...command.slice(1)], {}],
        [command, { HOB_NO_START: "1" }]
      ] as const) {
        const { code, stderr } = await home.hob(args, { env: { ...env, ...extra } })
        assert.strictEqual(code, ExitCode.notRunning, `hob ${args.join(" ")}: ${stderr}`)
      }
    }
    await home.ok(["run", "--help"], { env })
    assert.strictEqual((await home.hob(["status"], { env })).code, ExitCode.notRunning)
    assert.strictEqual((await home.hob(["logs"], { env })).code, ExitCode.notRunning)
  })
})

import { type ChildProcess, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { ExitCode } from "../../src/cli/exit.ts"
import { hotAction } from "../../src/cli/hot.ts"
import { messageJson } from "../../src/cli/messages.ts"
import { eventLine } from "../../src/cli/verbs/events.ts"
import { findDaemon } from "../../src/client/start.ts"
import type { ChannelEvent, ChannelInfo } from "../../src/protocol/channels.ts"
import { binary, type Home, isAlive, makeHome, until } from "../support/home.ts"
import { offered } from "./offered.ts"

describe("what is given as a message", () => {
  it("is JSON if it is JSON, as it is written, and else text; or as the flags say", () => {
    const big = '{"n": 12345678901234567890}'
    assert.strictEqual(messageJson(big, "either"), big)
    assert.strictEqual(messageJson("[1,\r\n 2]", "json"), "[1,  2]")
    assert.strictEqual(messageJson("hello", "either"), '"hello"')
    assert.strictEqual(messageJson("", "either"), '""')
    assert.strictEqual(messageJson("5", "text"), '"5"')
    assert.throws(() => messageJson("hello", "json"), /not JSON/)
  })

  it("the plain forms need no command tree", () => {
    for (const line of [
      "pub a:b message",
      "pub a -",
      "pub a --text 5 --json -N other",
      "sub a b:** --since 3-1 --json",
      "sub a --exec cat -n 3 --timeout 5s",
      "channels",
      "channels a:* --all --json",
      "events --since 1-1",
      "events sessions --no-start"
    ]) {
      assert.isNotNull(hotAction(line.split(" ")), line)
    }
    for (const line of ["pub", "pub a --text --parse b", "sub", "sub a --count x", "channels a b", "pub --help"]) {
      assert.isNull(hotAction(line.split(" ")), line)
    }
  })

  it("an event is a line: when, where, what, and what is said of it", () => {
    const at = "2026-01-01T00:00:00.000Z"
    const line = (channel: string, message: unknown) =>
      eventLine({ type: "event", id: "1-1", channel, at, message } as ChannelEvent, JSON.stringify(message)).slice(8)
    assert.strictEqual(
      line("sessions:s1", { event: "exited", id: "s1", name: "a\u001b[2Jb", tags: [], code: 3, signal: null }),
      "  sessions:s1  exited  name=ab code=3"
    )
    assert.strictEqual(line("jobs:x", "text"), '  jobs:x  "text"')
  })
})

describe("hob pub and hob sub", () => {
  let home: Home
  let started: Array<ChildProcess>
  beforeEach(() => {
    home = makeHome()
    started = []
  })
  afterEach(async () => {
    for (const child of started) child.kill("SIGKILL")
    await home.destroy()
  })

  /** `hob sub ARGS…`, once it listens: a channel of its own tells. */
  const listen = async (...args: ReadonlyArray<string>) => {
    const own = `listening:${started.length}`
    const child = home.start(["sub", own, ...args])
    started.push(child)
    const heard = { stdout: "", stderr: "" }
    child.stdout!.setEncoding("utf8").on("data", (text: string) => (heard.stdout += text))
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (heard.stderr += text))
    const ended = new Promise<string>((done) => child.once("close", (code, signal) => done(signal ?? String(code))))
    await until("it listens", async () => {
      const { channels } = await home.json<{ channels: ReadonlyArray<ChannelInfo> }>(["channels", own])
      return channels[0]?.subscribers === 1
    })
    return { child, ended, heard }
  }

  const killDaemon = async () => {
    const pid = await home.daemonPid()
    process.kill(pid, "SIGKILL")
    // Its socket may outlive its main thread by a moment.
    await until("the daemon is gone", async () => !isAlive(pid) && (await findDaemon(home.paths)) === null)
  }

  const keepOnDisk = (pattern: string) => {
    mkdirSync(home.paths.home, { mode: 0o700 })
    writeFileSync(home.paths.config, JSON.stringify({ channels: { rules: { [pattern]: { keep: "disk" } } } }), {
      mode: 0o600
    })
  }

  it("what is published is heard: channel and message on a line, or the event as it came", async () => {
    const text = await listen("build:*", "--count", "3")
    const json = await listen("build:**", "-n", "4", "--json")
    assert.strictEqual(await home.ok(["pub", "build:web", "two\nlines"]), "")
    await home.ok(["pub", "build:web", '{"n": 12345678901234567890}'])
    await home.ok(["pub", "build:web:deep", "only for **"])
    const answer = JSON.parse(await home.ok(["pub", "build:api", "5", "--text", "--json"])) as object
    assert.deepInclude(answer, { receivers: 2 })
    assert.strictEqual(await text.ended, "0")
    assert.strictEqual(
      text.heard.stdout,
      'build:web\ttwo lines\nbuild:web\t{"n": 12345678901234567890}\nbuild:api\t5\n'
    )
    assert.strictEqual(await json.ended, "0")
    const lines = json.heard.stdout.trimEnd().split("\n")
    assert.lengthOf(lines, 4)
    assert.include(lines[1]!, '"message":{"n": 12345678901234567890}')
    assert.deepInclude(JSON.parse(lines[3]!) as object, { type: "event", channel: "build:api", message: "5" })
    assert.deepStrictEqual([text.heard.stderr, json.heard.stderr], ["", ""])
  })

  it("the same name in two namespaces is two channels", async () => {
    await home.ok(["pub", "a", "here"])
    await home.ok(["pub", "a", "there", "-N", "other"])
    const heard = (...args: ReadonlyArray<string>) => home.ok(["sub", "a", "--since", "0-0", "--count", "1", ...args])
    assert.strictEqual(await heard(), "a\there\n")
    assert.strictEqual(await heard("--namespace", "other"), "a\tthere\n")
  })

  it("kill -9 of the daemon in the middle: events before and after arrive once, without a gap on disk", async () => {
    keepOnDisk("**")
    const { ended, heard } = await listen("kept:a", "--count", "4")
    await home.ok(["pub", "kept:a", "1"])
    await home.ok(["pub", "kept:a", "2"])
    await until("both are heard", () => heard.stdout.endsWith("\t2\n"))
    await killDaemon()
    await home.ok(["pub", "kept:a", "3"])
    await home.ok(["pub", "kept:a", "4"])
    assert.strictEqual(await ended, "0")
    assert.strictEqual(heard.stdout, "kept:a\t1\nkept:a\t2\nkept:a\t3\nkept:a\t4\n")
    assert.match(heard.stderr, /^hob: The connection was lost: .*\nhob: Connected again\.\n$/)
  })

  it("a gap is told on standard error, and with --json in its place among the events", async () => {
    const { child, heard } = await listen("a", "--json")
    await home.ok(["pub", "a", "1"])
    await until("it is heard", () => heard.stdout.endsWith("\n"))
    await killDaemon()
    await home.ok(["start"])
    await until("the gap is told", () => heard.stderr.includes("may be missing: hob was started anew"))
    await home.ok(["pub", "a", "2"])
    await until("the next is heard", () => heard.stdout.split("\n").length === 4)
    const types = heard.stdout
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { type: string }).type)
    assert.deepStrictEqual(types, ["event", "gap", "event"])
    child.kill("SIGINT")
  })

  it("each line of standard input is a message, in order; a line that is none is told by its number", async () => {
    const count = 900
    const lines = Array.from({ length: count }, (_, n) => `{"n":${n}}`)
    const answers = (await home.ok(["pub", "many", "-", "--json"], { input: lines.join("\n") })).trimEnd().split("\n")
    assert.lengthOf(answers, count)
    const heard = await home.ok(["sub", "many", "--since", "0-0", "--count", String(count)])
    assert.strictEqual(heard, lines.map((line) => `many\t${line}\n`).join(""))
    const input = Buffer.concat([Buffer.from("1\n"), Buffer.from([0xff, 0x0a]), Buffer.from('nojson\n"3"\n')])
    const { code, stderr } = await home.hob(["pub", "some", "-", "--parse"], { input })
    assert.strictEqual(code, ExitCode.failure)
    assert.match(stderr, /^hob: Line 2: It is not UTF-8\.\nhob: Line 3: The message is not JSON: .*\n$/)
    assert.strictEqual(await home.ok(["sub", "some", "--since", "0-0", "--count", "2"]), "some\t1\nsome\t3\n")
  })

  it("lines that hob does not take at all are told once, and none is published", async () => {
    const { code, stderr } = await home.hob(["pub", "locks:a", "-"], { input: "1\n2\n3\n" })
    assert.strictEqual(code, ExitCode.failure)
    assert.match(stderr, /^hob: Line 1 and those behind it: hob alone publishes to "locks:a".*\n$/)
    const tooLong = await home.hob(["pub", "a", "-"], { input: `1\n${"x".repeat(17 * 1024 * 1024)}\n` })
    assert.strictEqual(tooLong.code, ExitCode.failure)
    assert.match(
      tooLong.stderr,
      /^hob: Line 2 and those behind it: The line is longer than \d+ bytes\.\nPut what is large into a file.*\n$/
    )
  })

  it("--exec runs a command for each event, one after another; one that fails makes the exit code 1", async () => {
    const out = join(home.paths.home, "..", "out")
    const script = `read line; echo "$line|$HOB_CHANNEL|$HOB_EVENT_ID|$HOB_MESSAGE" >> '${out}'; test "$line" != two`
    const { ended, heard } = await listen("a:*", "--count", "3", "--exec", script)
    const input = "one\ntwo\nthree\n"
    const answers = (await home.ok(["pub", "a:b", "-", "--json"], { input })).trimEnd().split("\n")
    const ids = answers.map((line) => (JSON.parse(line) as { id: string }).id)
    assert.strictEqual(await ended, "1")
    const words = ["one", "two", "three"]
    assert.strictEqual(
      readFileSync(out, "utf8"),
      words.map((word, index) => `${word}|a:b|${ids[index]}|${word}\n`).join("")
    )
    assert.strictEqual(heard.stderr, `hob: The command ended with 1 for event ${ids[1]} of a:b.\n`)
  })

  it("with --exec a large message comes on standard input only", async () => {
    await home.ok(["pub", "a", "-"], { input: "x".repeat(200_000) })
    const command = 'wc -c; echo "${HOB_MESSAGE-none}"'
    const env = { HOB_MESSAGE: "of another" }
    const args = ["sub", "a", "--since", "0-0", "--count", "1", "--exec", command]
    assert.match(await home.ok(args, { env }), /^\s*200001\nnone\n$/)
  })

  it("ends quietly with its reader, by a signal as programs do, and in time", async () => {
    await home.ok(["pub", "a", "-"], { input: "1\n".repeat(100) })
    const piped = await listen("a", "--since", "0-0")
    piped.child.stdout!.destroy()
    await home.ok(["pub", "a", "-"], { input: "2\n".repeat(100) })
    assert.deepStrictEqual(
      [await piped.ended, piped.heard.stderr.replace(/^hob: Events behind 0-0 .*\n/, "")],
      [String(ExitCode.brokenPipe), ""]
    )
    const interrupted = await listen("a")
    interrupted.child.kill("SIGINT")
    assert.include(["SIGINT", "130"], await interrupted.ended)
    const late = await home.hob(["sub", "nothing", "--count", "1", "--timeout", "200ms"])
    assert.deepStrictEqual(
      [late.code, late.stdout, late.stderr],
      [ExitCode.timedOut, "", "hob: There were 0 of 1 events in that time.\n"]
    )
    assert.strictEqual((await home.hob(["sub", "nothing", "--timeout", "200ms"])).code, ExitCode.ok)
  })

  it("a star within a segment is a star, and that is said", async () => {
    const { child, heard } = await listen("a*")
    await until("it is said", () => heard.stderr.includes('"a*" is a name'))
    child.kill("SIGINT")
    const whole = await home.hob(["sub", "a:*", "**", "--count", "1", "--timeout", "100ms"])
    assert.notInclude(whole.stderr, "is a name")
  })

  it("a full device is told in a sentence", async () => {
    await home.ok(["pub", "a", "1"])
    for (const command of [["channels"], ["sub", "a", "--since", "0-0", "--count", "1"]]) {
      const { status, stderr } = spawnSync("sh", ["-c", 'exec "$0" "$@" > /dev/full', binary, ...command], {
        env: home.env,
        encoding: "utf8"
      })
      assert.strictEqual(status, ExitCode.failure)
      assert.match(stderr, /^hob: Nothing more could be printed: ENOSPC[^\n]*\n$/m)
      assert.notInclude(stderr, "    at ")
    }
  })

  it("mistakes are told in words of the command line", async () => {
    const told = async (...args: ReadonlyArray<string>) => {
      const { code, stderr } = await home.hob(args)
      return [code, stderr.split("\n")[0]]
    }
    assert.deepStrictEqual(await told("pub", "a::b", "x"), [2, "hob: <channel>: must be without empty segments."])
    assert.deepStrictEqual(await told("sub", "**:a"), [
      2,
      "hob: <pattern>: must be a pattern whose '**' is its last segment."
    ])
    assert.deepStrictEqual(await told("sub", "a", "--since", "x"), [2, 'hob: --since: must be an id such as "3-1204".'])
    assert.deepStrictEqual(await told("pub", "a", "x", "--text", "--parse"), [
      2,
      "hob: --text and --parse exclude one another."
    ])
    assert.match(String((await told("pub", "a", "x", "-N", "a/b"))[1]), /^hob: --namespace: must be /)
    assert.strictEqual((await told("events", "build:*"))[0], ExitCode.usage)
    assert.strictEqual(
      (await home.hob(["sub", "a", "--no-start"], { env: { HOB_HOME: `${home.paths.home}2` } })).code,
      3
    )
    assert.isFalse(existsSync(`${home.paths.home}2`))
  })

  it("channels and namespaces are listed and completed", async () => {
    await home.ok(["pub", "a:one", "1"])
    await home.ok(["pub", "b", "1", "--namespace", "other"])
    const list = async (...args: ReadonlyArray<string>) =>
      (await home.json<{ channels: ReadonlyArray<ChannelInfo> }>(["channels", ...args])).channels.map(
        (each) => each.channel
      )
    assert.deepStrictEqual(await list(), ["a:one"])
    assert.deepStrictEqual(await list("-N", "other"), ["b"])
    assert.deepStrictEqual(await list("--all"), ["a:one", "b"])
    assert.deepStrictEqual(await list("--all", "a:*"), ["a:one"])
    assert.match(
      await home.ok(["channels"]),
      /^LISTENERS +EVENTS +SIZE +KEEP +LAST +CHANNEL\n0 +1 +1 B +memory +\d+s +a:one\n$/
    )
    assert.strictEqual(await offered(home, "channels"), "a:one\t0 listeners\n")
    await listen("c:**")
    assert.match(await home.ok(["channels", "c:*"]), /^LISTENERS .*\n1( +-){4} +c:\*\*\n$/)
    const { patterns } = await home.json<{ patterns: ReadonlyArray<unknown> }>(["channels", "c:*"])
    assert.deepStrictEqual(patterns, [{ namespace: "default", pattern: "c:**", subscribers: 1 }])
    assert.strictEqual(await offered(home, "namespaces"), "default\ta namespace\nother\ta namespace\n")
  })
})

import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { ExitCode } from "../../src/cli/exit.ts"
import type { Job, JobRun } from "../../src/protocol/schedule.ts"
import type { Session } from "../../src/protocol/sessions.ts"
import { type Home, isAlive, makeHome, processesOf, until } from "../support/home.ts"

const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1")
  } catch {
    return ""
  }
}

describe("jobs", { timeout: 240_000 }, () => {
  let home: Home
  beforeEach(() => {
    home = makeHome()
  })
  afterEach(() => home.destroy())

  const file = (name: string) => join(home.paths.home, "..", name)
  const history = async (...args: ReadonlyArray<string>) =>
    (await home.json<{ runs: ReadonlyArray<JobRun> }>(["cron", "history", ...args])).runs
  const sessions = async () => (await home.json<{ sessions: ReadonlyArray<Session> }>(["ls", "--all"])).sessions
  /** A command that says which process it is, waits for the file `go`, and then ends as that says. */
  const waits = () =>
    `echo "$$" > ${file("pid")}; until [ -s ${file("go")} ]; do sleep 0.05; done; echo over; exit $(cat ${file("go")})`
  const began = () =>
    until("the command runs", () => existsSync(file("pid")) && readFileSync(file("pid"), "utf8") !== "")
  const ended = (...args: ReadonlyArray<string>) =>
    until("the run has ended", async () => {
      const [newest] = await history(...args)
      return newest !== undefined && newest.endedAt !== null
    })

  it("run commands at their slots, with parameters on standard input; what they print is in the history", async () => {
    const script = 'echo "$HOB_JOB_ID $HOB_JOB_SLOT $HOB_JOB_RUN $X"; cat; pwd'
    await home.ok([
      "cron",
      "add",
      "each second",
      "* * * * * *",
      "--args",
      '{"a":1}',
      "--env",
      "X=y",
      "--",
      "sh",
      "-c",
      script
    ])
    await until(
      "it has run twice",
      async () => (await history()).filter(({ state }) => state === "succeeded").length > 1
    )
    await home.ok(["cron", "rm", "each second"])
    await until("nothing runs", async () => (await history()).every(({ state }) => state !== "running"))
    const runs = await history("each second")
    assert.strictEqual(new Set(runs.map(({ slot }) => slot)).size, runs.length)
    // One that takes longer than a second is in the next one's way: that is told.
    for (const { state } of runs) assert.include(["succeeded", "skipped", "missed"], state)
    for (const { attempts, cause, error, exitCode, output, run, slot, state } of runs) {
      if (state !== "succeeded") continue
      assert.deepStrictEqual([attempts, cause, error, exitCode], [1, "slot", null, 0])
      assert.strictEqual(output, `each second ${slot} ${run} y\n{"a":1}\n${file("")}\n`.replace("/\n", "\n"))
    }
    await until("their sessions are removed", async () => (await sessions()).length === 0)
  })

  it("are not held up by the daemon's death: a command goes on, and its end is recorded once", async () => {
    await home.ok(["cron", "add", "a", "0 0 1 1 *", "--", "sh", "-c", waits()])
    const run: number = Number(await home.ok(["cron", "run", "a"]))
    await began()
    await home.killDaemon()
    assert.isTrue(isAlive(Number(readFileSync(file("pid"), "utf8"))))
    const [running] = await history()
    assert.deepStrictEqual([running?.run, running?.state], [run, "running"])
    const again = await home.hob(["cron", "run", "a"])
    assert.match(again.stderr, /runs already/)
    writeFileSync(file("go"), "3")
    await ended()
    const runs = await history()
    assert.lengthOf(runs, 1)
    assert.deepInclude(runs[0], { state: "failed", exitCode: 3, output: "over\n" })
    await until("its session is removed", async () => (await sessions()).length === 0)
  })

  it("that end while no daemon runs are recorded by the next one", async () => {
    await home.ok(["cron", "add", "a", "0 0 1 1 *", "--", "sh", "-c", waits()])
    await home.ok(["cron", "run", "a"])
    await began()
    await home.killDaemon()
    const pid = Number(readFileSync(file("pid"), "utf8"))
    writeFileSync(file("go"), "0")
    await until("the command has ended", () => !isAlive(pid))
    await ended()
    assert.deepInclude((await history())[0], { state: "succeeded", output: "over\n" })
    await until("its session is removed", async () => (await sessions()).length === 0)
  })

  it("whose session-host dies with them are run again where that is wanted", async () => {
    const script = `echo begun >> ${file("begun")}; ${waits()}`
    await home.ok(["cron", "add", "a", "0 0 1 1 *", "--guarantee", "at-least-once", "--", "sh", "-c", script])
    await home.ok(["cron", "run", "a"])
    await began()
    process.kill(await home.hostPid(), "SIGKILL")
    await until("it has begun again", () => readFileSync(file("begun"), "utf8") === "begun\nbegun\n")
    writeFileSync(file("go"), "0")
    await ended()
    assert.deepStrictEqual(
      (await history()).map(({ cause, state }) => [cause, state]),
      [
        ["again", "succeeded"],
        ["manual", "interrupted"]
      ]
    )
  })

  it("that take longer than they may are ended, with all that they started", async () => {
    const script = "sleep 1000 & wait"
    await home.ok(["cron", "add", "a", "@yearly", "--timeout", "2s", "--", "sh", "-c", script])
    const ran = await home.hob(["cron", "run", "a", "--wait"])
    assert.strictEqual(ran.code, ExitCode.timedOut, ran.stderr)
    assert.match(ran.stderr, /took longer than it may/)
    const left = processesOf(home.paths.home).filter((pid) => commandOf(pid).includes("sleep"))
    assert.deepStrictEqual(left, [])
  })

  it("call methods, and their answers are in the history", async () => {
    writeFileSync(
      file("work.mjs"),
      "export const add = ({ a, b }) => a + b\nexport const fail = () => { throw new Error('no luck') }\n"
    )
    await home.ok(["methods", "add", file("work.mjs")])
    await home.ok(["cron", "add", "sum", "@yearly", "add", "--args", '{"a":2,"b":3}'])
    assert.strictEqual(await home.ok(["cron", "run", "sum", "--wait"]), "5\n")
    await home.ok(["cron", "add", "fails", "@yearly", "fail", "--retry", "1"])
    const failed = await home.hob(["cron", "run", "fails", "--wait"])
    assert.deepStrictEqual([failed.code, failed.stderr], [ExitCode.failure, "hob: no luck\n"])
    assert.deepInclude((await history("fails"))[0], { state: "failed", attempts: 2 })
    await home.ok(["methods", "rm", file("work.mjs")])
    assert.match((await home.hob(["cron", "run", "sum", "--wait"])).stderr, /There is no method "add"/)
  })

  it("are told of on the channel jobs:<namespace>", async () => {
    await home.ok(["cron", "add", "a", "@yearly", "--", "true"])
    const listener = home.start(["sub", "jobs:default", "--json"])
    let heard = ""
    listener.stdout!.on("data", (chunk) => (heard += chunk))
    await until("somebody listens", async () => (await home.ok(["channels"])).includes("jobs:default"))
    await home.ok(["cron", "run", "a", "--wait"])
    await until("both are heard", () => heard.split("\n").length === 3)
    listener.kill()
    const messages = heard
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).message)
    assert.deepInclude(messages[0], {
      event: "job-started",
      jobId: "a",
      cause: "manual",
      slot: null,
      command: ["true"]
    })
    assert.deepInclude(messages[1], { event: "job-completed", jobId: "a", state: "succeeded", runCount: 1 })
  })

  it("are told from one another by what is wrong with them, on the command line", async () => {
    const refused = async (...args: ReadonlyArray<string>) => {
      const { code, stderr } = await home.hob(["cron", ...args])
      return [code, stderr] as const
    }
    for (const [args, code, why] of [
      [["add", "a", "0 0 31 2 *", "--", "true"], ExitCode.usage, /would never run/],
      [["add", "a", "* * * * *", "--tz", "Mars/Phobos", "--", "true"], ExitCode.usage, /no time zone "Mars\/Phobos"/],
      [["add", "a", "* * * * *"], ExitCode.usage, /What is the job to do/],
      [["add", "a", "* * * * *", "echo", "hi"], ExitCode.usage, /Quote the expression/],
      [["add", "a", "* * * * *", "nosuch"], ExitCode.noSuchSession, /There is no method "nosuch"/],
      [["add", "a", "* * * * *", "toString"], ExitCode.noSuchSession, /There is no method "toString"/],
      [["add", "a", "* * * * *", "--args", "{", "--", "true"], ExitCode.usage, /--args is no JSON/],
      [["add", "a", "* * * * *", "--args", "[1]", "--", "true"], ExitCode.usage, /--args must be an object/],
      [
        ["add", "a", "* * * * *", "--args", JSON.stringify({ a: "x".repeat(70_000) }), "--", "true"],
        ExitCode.usage,
        /65536 bytes/
      ],
      [["add", "a\nb", "* * * * *", "--", "true"], ExitCode.usage, /<job>: must be 1 to 128 characters/],
      [["add", "", "* * * * *", "--", "true"], ExitCode.usage, /<job>/],
      [["add", "a", "* * * * *", "--retry", "1000", "--", "true"], ExitCode.usage, /--retry/],
      [["rm", "a"], ExitCode.noSuchSession, /There is no job "a"/],
      [["history", "a"], ExitCode.noSuchSession, /There is no job "a"/],
      [["next", "? * * * *"], ExitCode.usage, /"\?" means nothing/],
      [["next", "* * * * *", "--count", "0"], ExitCode.usage, /from 1 to 1000/]
    ] as const) {
      const [actual, stderr] = await refused(...args)
      assert.match(stderr, why)
      assert.strictEqual(actual, code, stderr)
    }
    assert.deepStrictEqual((await home.json<{ jobs: ReadonlyArray<Job> }>(["cron", "ls"])).jobs, [])
  })

  it("hob cron next needs no daemon", async () => {
    const next = await home.json<{ next: ReadonlyArray<string> }>([
      "cron",
      "next",
      "30 2 29 2 *",
      "--tz",
      "+05:30",
      "--count",
      "2",
      "--no-start"
    ])
    assert.isTrue(next.next.every((at) => at.endsWith("-02-28T21:00:00.000Z")))
    assert.isFalse(existsSync(home.paths.socket))
  })
})

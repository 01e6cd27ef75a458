import type { ChildProcess } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { ExitCode } from "../../src/cli/exit.ts"
import { hotAction } from "../../src/cli/hot.ts"
import type { Acquired, Lock } from "../../src/protocol/locks.ts"
import { type Home, isAlive, makeHome, processesOf, until } from "../support/home.ts"
import { offered } from "./offered.ts"

const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8")
  } catch {
    return ""
  }
}

describe("hob lock", () => {
  let home: Home
  let started: Array<ChildProcess>
  beforeEach(() => {
    // Who comes back is waited for however busy the machine is.
    home = makeHome({ HOB_LOCKS_RESUME_MILLIS: "30000" })
    started = []
  })
  afterEach(async () => {
    for (const child of started) child.kill("SIGKILL")
    await home.destroy()
  })

  const guards = () => processesOf(home.paths.home).filter((pid) => commandOf(pid).includes("hob-lock-guard"))
  const file = (name: string) => join(home.paths.home, "..", name)
  const text = (name: string) => (existsSync(file(name)) ? readFileSync(file(name), "utf8") : "")
  const locks = async () => (await home.json<{ locks: ReadonlyArray<Lock> }>(["lock", "ls"])).locks

  /** `hob ARGS…`, left running. */
  const start = (...args: ReadonlyArray<string>) => {
    const child = home.start(args)
    started.push(child)
    const heard = { stdout: "", stderr: "" }
    child.stdout!.setEncoding("utf8").on("data", (chunk: string) => (heard.stdout += chunk))
    child.stderr!.setEncoding("utf8").on("data", (chunk: string) => (heard.stderr += chunk))
    const ended = new Promise<string>((done) => child.once("close", (code, signal) => done(signal ?? String(code))))
    return { child, ended, heard }
  }

  /** A command that runs until the file `go` is there, once it runs. */
  const holding = async (...flags: ReadonlyArray<string>) => {
    const script = `echo $$ > pid; while [ ! -e go ]; do sleep 0.05; done; echo finished`
    const command = start("lock", "a", ...flags, "--", "sh", "-c", script)
    await until("the command runs", () => text("pid").endsWith("\n"))
    return { ...command, pid: Number(text("pid")) }
  }
  const go = () => writeFileSync(file("go"), "")

  it("the plain forms need no command tree", () => {
    const hot = (line: string) => hotAction(line.split(" ")) !== null
    for (const line of [
      "lock a -- make",
      "lock a make --wait",
      "lock a --ttl 5s --wait 10s -N other -- make -j8",
      "lock --wait a -- make",
      "lock acquire a --wait --json",
      "lock release a --token 5",
      "lock renew a --holder h --ttl 1m",
      "lock ls --all --json"
    ]) {
      assert.isTrue(hot(line), line)
    }
    for (const line of [
      "lock",
      "lock a",
      "lock a --wait x -- make --bad",
      "lock acquire",
      "lock ls x",
      "lock a --ttl x y"
    ])
      assert.strictEqual(hot(line), line.includes("--wait x"), line)
  })

  it("a command's words are its own, with and without --, in both ways of understanding them", async () => {
    for (const shared of [[], ["-c", "locks.maxCount=1000"]]) {
      const echo = (...args: ReadonlyArray<string>) => home.ok([...shared, "lock", ...args])
      assert.strictEqual(await echo("a", "echo", "--wait", "1s"), "--wait 1s\n")
      assert.strictEqual(await echo("a", "--wait", "echo", "--", "x"), "-- x\n")
      assert.strictEqual(await echo("--wait", "5s", "a", "--", "echo", "--ttl"), "--ttl\n")
    }
  })

  it("passes on what the command ends with, and gives the lock back", async () => {
    const code = async (...command: ReadonlyArray<string>) => (await home.hob(["lock", "a", "--", ...command])).code
    assert.strictEqual(await code("true"), 0)
    assert.strictEqual(await code("sh", "-c", "exit 7"), 7)
    assert.strictEqual(await code("sh", "-c", "kill -TERM $$"), 128 + 15)
    assert.strictEqual(await code("no-such-command-here"), ExitCode.commandNotFound)
    assert.strictEqual(await code("/etc/passwd"), ExitCode.notExecutable)
    assert.strictEqual((await home.hob(["lock", "a"])).code, ExitCode.usage)
    assert.deepStrictEqual(await locks(), [])
  })

  it("the command has our standard input, and finds the lock's name and token, which grows", async () => {
    const run = () =>
      home.ok(["lock", "deploy:web", "--", "sh", "-c", 'cat; echo "$HOB_LOCK_NAME $HOB_LOCK_TOKEN"'], { input: "in\n" })
    const token = (output: string) => Number(/^in\ndeploy:web (\d+)\n$/.exec(output)![1])
    const first = token(await run())
    assert.isAbove(token(await run()), first)
  })

  it("a held lock is refused at once without --wait, and in the end with it; nothing is run", async () => {
    const { ended } = await holding()
    const [held] = await locks()
    assert.deepInclude(held! as object, { name: "a", bind: "connection", waiting: 0 })
    for (const wait of [[], ["--wait", "100ms"]]) {
      const { code, stderr, stdout } = await home.hob(["lock", "a", ...wait, "--", "echo", "ran"])
      assert.deepStrictEqual([code, stdout], [ExitCode.lockHeld, ""])
      assert.include(stderr, held!.holder)
    }
    assert.strictEqual(await home.ok(["lock", "a", "-N", "other", "--", "echo", "elsewhere"]), "elsewhere\n")
    go()
    assert.strictEqual(await ended, "0")
  })

  it("commands under one lock never run at once, and those that wait come in turn", async () => {
    const first = await holding()
    // Each fails if the mark of another is there.
    const script = "mkdir inside && sleep 0.02 && rmdir inside && echo $0 >> order"
    const others: Array<ReturnType<typeof start>> = []
    for (const name of ["one", "two", "three", "four"]) {
      others.push(start("lock", "a", "--wait", "--", "sh", "-c", script, name))
      await until("it waits", async () => (await locks())[0]?.waiting === others.length)
    }
    assert.strictEqual(text("order"), "")
    go()
    assert.deepStrictEqual(await Promise.all([first, ...others].map(({ ended }) => ended)), ["0", "0", "0", "0", "0"])
    assert.strictEqual(text("order"), "one\ntwo\nthree\nfour\n")
  })

  it("a killed waiter leaves the queue, and a killed holder the lock", async () => {
    const holder = await holding()
    const waiter = start("lock", "a", "--wait", "--", "true")
    await until("it waits", async () => (await locks())[0]?.waiting === 1)
    waiter.child.kill("SIGKILL")
    await until("it has left", async () => (await locks())[0]?.waiting === 0)
    holder.child.kill("SIGKILL")
    assert.strictEqual(await home.ok(["lock", "a", "--wait", "--", "echo", "mine"]), "mine\n")
    go()
  })

  it("killed with SIGKILL, it takes its command and what that has started with it, and the lock is not free before", async () => {
    // On another connection too: the lock is bound to it from then on.
    for (const isResumed of [false, true]) {
      const loop = "(exec sh -c 'echo $$ > inner; while :; do sleep 0.05; done')"
      const script = isResumed ? loop : `trap '' TERM; ${loop}; echo never`
      const { child, ended } = start("lock", "a", "--ttl", "60s", "--", "sh", "-c", script)
      await until("it runs", () => text("inner").endsWith("\n"))
      const inner = Number(text("inner"))
      if (isResumed) {
        const before = guards()
        await home.killDaemon()
        await until("the lock is resumed", async () => (await locks())[0]!.expiresInMillis > 35_000)
        await until("it has another guard", () => guards().length === 1 && guards()[0] !== before[0])
      }
      child.kill("SIGKILL")
      const next = start(
        "lock",
        "a",
        "--wait",
        "--",
        "sh",
        "-c",
        `grep -q "^State:.[^Z]" /proc/${inner}/status && echo both`
      )
      assert.strictEqual(await ended, "SIGKILL")
      assert.notStrictEqual(await next.ended, "0", next.heard.stdout)
      assert.isFalse(isAlive(inner))
      writeFileSync(file("inner"), "")
    }
  }, 240_000)

  it("leaves nothing behind when its command has ended", async () => {
    await home.ok(["lock", "a", "--", "true"])
    await until("its guard is gone", () => guards().length === 0)
    const { ended } = await holding("--ttl", "60s")
    assert.lengthOf(guards(), 1)
    await home.killDaemon()
    await until("it has a guard on the next connection", async () => {
      const [held] = await locks()
      return held!.expiresInMillis > 35_000 && guards().length === 1
    })
    go()
    assert.strictEqual(await ended, "0")
    await until("its guard is gone", () => guards().length === 0)
  })

  it("a lock that is called as one of its commands", async () => {
    for (const shared of [[], ["-c", "locks.maxCount=1000"]]) {
      for (const name of ["acquire", "release", "renew", "ls"]) {
        const args = [...shared, "lock", "--", name, "sh", "-c", 'echo "$HOB_LOCK_NAME" "$@"', "--", "--wait"]
        assert.strictEqual(await home.ok(args), `${name} --wait\n`)
      }
      for (const name of ["acquire", "release", "renew"]) {
        const { code, stderr, stdout } = await home.hob([...shared, "lock", name, "--", "make"])
        assert.deepStrictEqual([code, stdout], [ExitCode.usage, ""])
        assert.include(stderr, `\`hob lock -- ${name} make\``)
      }
      const token = (await home.ok([...shared, "lock", "acquire", "--", "-dashed"])).trim()
      await home.ok([...shared, "lock", "release", "--token", token, "--", "-dashed"])
    }
    assert.deepStrictEqual(await locks(), [])
  })

  it("is renewed for as long as the command runs", async () => {
    const { ended } = await holding("--ttl", "9s")
    const [before] = await locks()
    const instant = performance.now() + 1.2 * before!.ttlMillis
    await until("more than its ttl has passed", () => performance.now() > instant)
    assert.strictEqual((await locks())[0]?.token, before!.token)
    go()
    assert.strictEqual(await ended, "0")
  })

  it("a killed daemon: the lock is taken up again with its token, and the command goes on", async () => {
    const { ended, heard, pid } = await holding("--ttl", "60s")
    const [before] = await locks()
    await home.killDaemon()
    assert.strictEqual((await home.hob(["lock", "a", "--", "true"])).code, ExitCode.lockHeld)
    // Beyond the time that the lock waits for its holder, it is only held if that has come back.
    await until("it is held for its ttl again", async () => (await locks())[0]!.expiresInMillis > 35_000)
    assert.deepInclude((await locks())[0]!, { token: before!.token, holder: before!.holder, bind: "connection" })
    assert.isTrue(isAlive(pid))
    go()
    assert.deepStrictEqual([await ended, heard.stdout, heard.stderr], ["0", "finished\n", ""])
    assert.deepStrictEqual(await locks(), [])
  })

  it("a command that ends just as the daemon was killed gives the lock back all the same", async () => {
    await home.ok(["start"])
    const pid = await home.daemonPid()
    const { code } = await home.hob(["lock", "a", "--", "sh", "-c", `kill -9 ${pid}; exit 3`])
    assert.strictEqual(code, 3)
    assert.deepStrictEqual(await locks(), [])
  })

  it("a lock that can't be resumed ends the command", async () => {
    Object.assign(home.env, { HOB_LOCKS_RESUME_MILLIS: "0" })
    const { ended, heard, pid } = await holding("--ttl", "60s")
    await home.killDaemon()
    assert.strictEqual(await ended, String(ExitCode.lockLost))
    assert.match(
      heard.stderr,
      /^hob: The lock "a" was lost: .*could not be resumed(?: in time)?\. Its command is ended\.\n$/
    )
    assert.isFalse(isAlive(pid))
  })

  it("a lock that is lost ends the command and what it has started, also what ignores SIGTERM", async () => {
    const script = `trap '' TERM; (echo $$; exec sh -c 'echo $$ > inner; while :; do sleep 0.1; done'); echo never`
    const { ended, heard } = start("lock", "a", "--ttl", "60s", "--", "sh", "-c", script)
    await until("it runs", () => text("inner").endsWith("\n"))
    const [held] = await locks()
    await home.ok(["lock", "release", "a", "--token", String(held!.token)])
    assert.strictEqual(await ended, String(ExitCode.lockLost))
    assert.match(heard.stderr, /^hob: The lock "a" was lost: it was released by somebody else\. /)
    assert.notInclude(heard.stdout, "never")
    assert.isFalse(isAlive(Number(text("inner"))))
  })

  it("signals reach the command, which decides what they mean", async () => {
    for (const signal of ["SIGTERM", "SIGHUP"] as const) {
      const script = `trap 'echo ${signal}; exit 9' ${signal.slice(3)}; echo $$ > ready; while :; do sleep 0.05; done`
      const { child, ended, heard } = start("lock", signal, "--", "sh", "-c", script)
      await until("it runs", () => text("ready").endsWith("\n"))
      child.kill(signal)
      assert.deepStrictEqual([await ended, heard.stdout], ["9", `${signal}\n`])
      writeFileSync(file("ready"), "")
    }
    assert.deepStrictEqual(await locks(), [])
  })

  it("acquire, renew, release: by token, or by holder", async () => {
    const token = (await home.ok(["lock", "acquire", "a", "--ttl", "1h"])).trim()
    assert.match(token, /^\d+$/)
    const code = async (...args: ReadonlyArray<string>) => (await home.hob(["lock", ...args])).code
    assert.strictEqual(await code("acquire", "a"), ExitCode.lockHeld)
    assert.strictEqual(await code("release", "a"), ExitCode.usage)
    assert.strictEqual(await code("release", "a", "--holder", "somebody"), ExitCode.lockLost)
    assert.strictEqual(await code("release", "a", "--token", "1000000"), ExitCode.lockLost)
    const renewed = await home.json<{ ttlMillis: number }>(["lock", "renew", "a", "--token", token, "--ttl", "2h"])
    assert.strictEqual(renewed.ttlMillis, 2 * 3600 * 1000)
    assert.deepInclude((await locks())[0]!, { bind: "lease", ttlMillis: 2 * 3600 * 1000 })
    assert.match(await home.ok(["lock", "ls"]), /^TOKEN +LEFT +TTL +BOUND TO +WAITING +HOLDER +LOCK\n\d+ .* a\n$/)
    assert.strictEqual(await offered(home, "locks").then((line) => line.split("\t")[0]), "a")
    await home.killDaemon()
    assert.strictEqual(await code("release", "a", "--token", token), 0)
    assert.strictEqual(await code("release", "a", "--token", token), ExitCode.lockLost)

    const mine = await home.json<Acquired>(["lock", "acquire", "b", "--holder", "ada"])
    const again = await home.json<Acquired>(["lock", "acquire", "b", "--holder", "ada"])
    assert.deepStrictEqual([again.token, again.renewed], [mine.token, true])
    assert.strictEqual(await code("renew", "b", "--holder", "ada"), 0)
    assert.strictEqual(await code("release", "b", "--holder", "ada"), 0)
    assert.deepStrictEqual(await locks(), [])
  })

  it("mistakes are told in words of the command line", async () => {
    const told = async (...args: ReadonlyArray<string>) => {
      const { code, stderr } = await home.hob(["lock", ...args])
      return [code, stderr.split("\n")[0]]
    }
    assert.deepStrictEqual(await told("a::b", "--", "x"), [2, "hob: <name>: must be without empty segments."])
    assert.match(String((await told("a", "--ttl", "1ms", "--", "x"))[1]), /^hob: --ttl \(in milliseconds\): /)
    assert.strictEqual((await told("ls", "-N", "a/b"))[0], ExitCode.usage)
    const { code, stderr } = await home.hob(["lock", "a", "--wait", "soon", "--", "x"])
    assert.strictEqual(code, ExitCode.commandNotFound)
    assert.match(stderr, /^hob: There is no command "soon"\.\nBehind `--wait` there may be a duration/)
    await home.ok(["lock", "acquire", "b", "--ttl", "1h", "--holder", "ada"])
    const [held, why] = await told("b", "--", "x")
    assert.strictEqual(held, ExitCode.lockHeld)
    // A second may have passed since.
    assert.match(
      String(why),
      /^hob: The lock "b" is held by "ada", for 3[56]\d\d s more unless it is renewed or released\.$/
    )
    assert.strictEqual(
      (await home.hob(["lock", "a", "--no-start", "--", "x"], { env: { HOB_HOME: file("no") } })).code,
      3
    )
  })
})

import { spawn } from "node:child_process"
import { closeSync, openSync, readdirSync, readFileSync, readSync } from "node:fs"
import { assert, describe, expect, it, onTestFinished, vi } from "vitest"
import { ChildDescriptors, childDescriptors } from "../../../src/sessionhost/ChildDescriptors.ts"
import { nativePty } from "../../../src/sessionhost/nativePty.ts"
import { posixSpawn } from "../../../src/sessionhost/posixSpawn.ts"
import { startPipes } from "../../../src/sessionhost/pipe.ts"
import { startPty } from "../../../src/sessionhost/pty.ts"
import { allThreads, describePty, itPty, kinds, processes, run, shell, until } from "./run.ts"

const openFiles = () => readdirSync("/proc/self/fd").length
const threads = () => Number(/^Threads:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "latin1"))![1])
const zombies = () => processes().filter(({ parent, state }) => parent === process.pid && state === "Z")

/** Descriptors of this process with an unused number among them, above those that every child of node-pty is freed of. */
const withGap = () => {
  const fillers: Array<number> = []
  do fillers.push(openSync("/dev/null", "r"))
  while (fillers.at(-1)! < 30)
  const above = run(startPty, "/bin/sleep", ["1000"])
  closeSync(fillers.pop()!)
  onTestFinished(() => fillers.forEach(closeSync))
  return above
}

describe.each(kinds)("what a program %s is given", (_, start) => {
  itPty("is descriptors 0, 1 and 2, whatever this process has open and in whatever order", async () => {
    withGap()
    const before = [run(startPty, "/bin/sleep", ["1000"]), run(startPipes, "/bin/sleep", ["1000"])]
    const looking = shell(start, "ls -l /proc/$$/fd")
    await looking.closed
    const given = [...looking.text().matchAll(/(\d+) -> (.*\S)/g)].map(([, fd, target]) => ({ fd, target }))
    expect(given.slice(0, 3).map(({ fd }) => fd)).toEqual(["0", "1", "2"])
    const others = given.slice(3).map(({ target }) => target)
    // Where they can't be marked, /dev/null may stand in their place.
    if (childDescriptors.keep().size === 0) expect(others).toEqual([])
    else for (const other of others) expect(other).toBe("/dev/null")
    assert.isTrue(before.every(({ isClosed }) => !isClosed()))
  })

  it("is the environment that was asked for and nothing of ours", async () => {
    // Node gives this one to every child that isn't told otherwise.
    vi.stubEnv("NODE_V8_COVERAGE", "/nowhere")
    onTestFinished(() => void vi.unstubAllEnvs())
    const env = { A: "1", "WITH-DASH": "x=y", EMPTY: "", UNICODE: "ü☃", LINES_: "a\tb" }
    const printing = run(start, "/usr/bin/env", ["-0"], { env })
    await printing.closed
    const printed = Buffer.from(printing.text(), "latin1").toString("utf8").replaceAll("\r", "")
    expect(printed.split("\0").filter(Boolean).sort()).toEqual(
      Object.entries(env)
        .map(([name, value]) => `${name}=${value}`)
        .sort()
    )
  })

  it("is its arguments as they are, and its directory", async () => {
    const args = ["a b", "", "'\"$x*", "ü☃", "-n"]
    const printing = run(start, "/bin/sh", ["-c", 'pwd -P; printf "<%s>" "$@"', "sh", ...args], { cwd: "/usr/bin/.." })
    await printing.closed
    const printed = Buffer.from(printing.text(), "latin1").toString("utf8").replaceAll("\r", "")
    assert.strictEqual(printed, `/usr\n${args.map((argument) => `<${argument}>`).join("")}`)
  })

  it("is a session of its own, no blocked and no ignored signal", async () => {
    const looking = shell(start, "grep -E '^Sig(Blk|Ign)' /proc/self/status; cut -d ' ' -f 5,6 /proc/$$/stat; echo $$")
    await looking.closed
    const [blocked, ignored, ids, pid] = looking.text().split(/\r?\n/)
    expect([blocked, ignored].map((line) => line!.split(":")[1]!.trim())).toEqual(Array(2).fill("0".repeat(16)))
    expect([ids, Number(pid)]).toEqual([`${pid} ${pid}`, looking.program.pid])
  })
})

const unable = () => new ChildDescriptors(() => undefined)
const master = (descriptors: ChildDescriptors, script: string) => {
  const { helperPath, native } = nativePty()
  const env = [`PATH=${process.env["PATH"]}`]
  const ended = Promise.withResolvers<void>()
  const forked = descriptors.withoutGaps(() =>
    native.fork("/bin/sh", ["-c", script], env, "/", 80, 24, -1, -1, true, helperPath, () => ended.resolve())
  )
  descriptors.opened(forked.fd)
  onTestFinished(() => {
    process.kill(forked.pid, "SIGKILL")
    closeSync(forked.fd)
  })
  return { ...forked, ended: ended.promise }
}

describePty("where descriptors can't be marked, a child", () => {
  it("under a terminal is freed of all masters, gaps or no gaps", async () => {
    const descriptors = unable()
    const fillers: Array<number> = []
    const masters: Array<number> = []
    for (let round = 0; round < 4; round++) {
      do fillers.push(openSync("/dev/null", "r"))
      while (fillers.at(-1)! < 40 + round * 10)
      masters.push(master(descriptors, "sleep 1000").fd)
      closeSync(fillers.pop()!)
    }
    onTestFinished(() => fillers.forEach(closeSync))
    const before = openFiles()
    const looking = master(descriptors, "ls -m /proc/$$/fd; read -r _")
    expect(openFiles()).toBe(before + 1)
    const buffer = Buffer.alloc(1000)
    let text = ""
    await until(() => {
      try {
        text += buffer.toString("latin1", 0, readSync(looking.fd, buffer))
      } catch {
        // nothing there yet
      }
      return text.includes("\n")
    })
    assert.strictEqual(text.trim(), "0, 1, 2")
    expect(masters).toHaveLength(4)
  })

  it("on pipes finds /dev/null in the place of a master, and nothing in the place of a closed one", async () => {
    const descriptors = unable()
    const one = master(descriptors, "sleep 1000").fd
    const look = () =>
      new Promise<string>((resolve) => {
        const script = `readlink /proc/$$/fd/${one} || echo none; ls -l /proc/$$/fd`
        const child = descriptors.withStdio(["pipe", "pipe", "pipe"], (stdio) =>
          spawn("/bin/sh", ["-c", script], { stdio })
        )
        let text = ""
        child.stdout!.on("data", (chunk) => (text += chunk))
        child.on("close", () => resolve(text))
      })
    const seen = await look()
    assert.strictEqual(seen.split("\n")[0], "/dev/null")
    assert.notInclude(seen, "ptmx")
    descriptors.closing(one)
    // It is open still, so that a child that is given nothing in its place gets it.
    assert.include(await look(), "ptmx")
  })

  it("that was given something from outside does not pass it on either", () => {
    // 0, 1 and 2 are meant to be passed on; what Node opens itself is marked.
    const before = unable().keep()
    const marked = openSync("/dev/null", "r")
    onTestFinished(() => closeSync(marked))
    expect(unable().keep()).toEqual(before)
    const { fd } = master(unable(), "sleep 1000")
    expect([...unable().keep()]).toEqual([...before, fd])
  })
})

const once = async () => {
  const runs = [
    run(startPty, "/bin/true", []),
    shell(startPty, "echo x; kill -9 $$"),
    run(startPipes, "/bin/true", []),
    shell(startPipes, "echo x; exit 3")
  ]
  await Promise.all(runs.map(({ closed }) => closed))
}

describe("starting and ending 400 programs", () => {
  itPty("leaves no descriptor, no zombie and no thread", { timeout: 300_000 }, async () => {
    await allThreads()
    await once()
    const [files, before] = [openFiles(), threads()]
    for (let round = 0; round < 100; round++) await once()
    // The thread that waited for a program ends a moment after it has told; Node itself opens a file now and then.
    await until(() => openFiles() <= files && zombies().length === 0 && threads() <= before)
  })

  itPty("that can't be started leaves none either", async () => {
    const files = openFiles()
    for (const start of [startPty, startPipes]) {
      for (let round = 0; round < 20; round++) {
        let failed = run(startPipes, "/bin/true", [])
        try {
          failed = run(start, "/nowhere/nothing", [])
        } catch {
          assert.isTrue(start === startPipes || posixSpawn() !== null)
        }
        await failed.closed
      }
    }
    await until(() => openFiles() <= files && zombies().length === 0)
  })
})

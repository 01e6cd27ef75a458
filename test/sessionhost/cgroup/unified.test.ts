import { spawn } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it, onTestFinished } from "vitest"
import { sessionGroup } from "../../../src/config/cgroups.ts"
import { Cgroups } from "../../../src/sessionhost/cgroup/Cgroups.ts"
import { parseStat } from "../../../src/sessionhost/ProcessTable.ts"

const id = "3f9a1c52-7d1e-4b3a-9c2f-0a1b2c3d4e5f"

/** A tree of version 2 on plain directories: the kernel's files are there before anything is made. */
const tree = (controllers: string, enabled = controllers) => {
  const own = mkdtempSync(join(tmpdir(), "hob-cg-"))
  const session = join(own, sessionGroup(id))
  mkdirSync(session)
  const put = (directory: string, files: Record<string, string>) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  }
  put(own, { "cgroup.procs": "", "cgroup.controllers": controllers, "cgroup.subtree_control": enabled })
  put(session, {
    "cgroup.procs": "",
    "cgroup.kill": "",
    "memory.max": "max",
    "memory.swap.max": "max",
    "memory.oom.group": "0",
    "memory.events": "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n",
    "cpu.max": "max 100000",
    "pids.max": "max"
  })
  const read = (file: string) => readFileSync(join(session, file), "utf8")
  return { own, session, put, read, cgroups: new Cgroups(() => [{ version: 2, controllers: [], own }]) }
}

describe("a session's cgroup of version 2", () => {
  it("gets the limits, in the kernel's units, and is ended as a whole", () => {
    const { cgroups, read } = tree("cpuset cpu io memory pids")
    const { cgroup, held, limit } = cgroups.make(id, { memoryBytes: 64 * 1024 * 1024, cpuPercent: 250, processes: 20 })
    assert.deepStrictEqual([...held], ["memoryBytes", "cpuPercent", "processes"])
    // Not before the program is in it: whoever starts it is inside for that moment.
    assert.strictEqual(read("memory.max"), "max")
    limit()
    assert.strictEqual(read("memory.max"), "67108864")
    assert.strictEqual(read("memory.swap.max"), "0")
    assert.strictEqual(read("memory.oom.group"), "1")
    assert.strictEqual(read("cpu.max"), "250000 100000")
    assert.strictEqual(read("pids.max"), "20")
    assert.isFalse(cgroup!.killsOneByOne)
    assert.isTrue(cgroup!.kill())
    assert.strictEqual(read("cgroup.kill"), "1")
  })

  it("that can't be removed yet when the session has ended is removed later, and waited for at the host's end", async () => {
    for (const waits of [false, true]) {
      const { cgroups, session } = tree("memory")
      cgroups.make(id, { memoryBytes: 1024 * 1024 })
      cgroups.release(id)
      // As if somebody were still in it.
      assert.isTrue(existsSync(session))
      for (const name of readdirSync(session)) rmSync(join(session, name))
      if (waits) await cgroups.settled()
      else while (existsSync(session)) await new Promise((resolve) => setTimeout(resolve, 5))
      assert.isFalse(existsSync(session))
    }
  })

  it("is waited for at the host's end for a moment only", async () => {
    const { cgroups, session } = tree("memory")
    cgroups.make(id, { memoryBytes: 1024 * 1024 })
    cgroups.release(id)
    await cgroups.settled(30)
    assert.isTrue(existsSync(session))
  })

  it("is entered to start the program, and left again", () => {
    const { cgroups, own, read } = tree("memory")
    const { cgroup } = cgroups.make(id, { memoryBytes: 1024 * 1024 })
    const program = { pid: 2 ** 22 + 1 }
    const { started } = cgroup!.startInside(() => {
      assert.strictEqual(read("cgroup.procs"), "0")
      assert.strictEqual(readFileSync(join(own, "cgroup.procs"), "utf8"), "")
      return program
    }, null)
    assert.strictEqual(started, program)
    assert.strictEqual(readFileSync(join(own, "cgroup.procs"), "utf8"), "0")
    assert.throws(() => cgroup!.startInside(() => assert.fail("no program"), null), /no program/)
  })

  it("has room for whoever starts the program besides, and is at its limit before the program goes on", async () => {
    const { cgroups, read } = tree("pids")
    const { cgroup } = cgroups.make(id, { processes: 5 })
    const program = spawn("/bin/sleep", ["1000"])
    onTestFinished(() => void program.kill("SIGKILL"))
    const { goOn } = cgroup!.startInside(() => {
      // All of this process is inside: there is no entering by threads.
      assert.isAtLeast(Number(read("pids.max")), 5 + 2)
      return { pid: program.pid! }
    }, 5)
    assert.strictEqual(read("pids.max"), "5")
    const state = () => parseStat(readFileSync(`/proc/${program.pid}/stat`, "latin1"))?.state
    while (state() !== "T") await new Promise((resolve) => setTimeout(resolve, 5))
    goOn()
    while (state() !== "S") await new Promise((resolve) => setTimeout(resolve, 5))
  })

  it("tells who is in it, and when the kernel ended some of it for its memory", () => {
    const { cgroups, put, session } = tree("memory")
    const { cgroup } = cgroups.make(id, { memoryBytes: 1024 * 1024 })
    put(session, { "cgroup.procs": "4711\n4712\n" })
    assert.deepStrictEqual(cgroup!.pids(), [4711, 4712])
    assert.strictEqual(cgroup!.memoryKills, 0)
    put(session, { "memory.events": "low 0\noom 3\noom_kill 2\n" })
    assert.strictEqual(cgroup!.memoryKills, 2)
    // Another host, which has adopted the session, finds all of it by the session's id.
    assert.strictEqual(cgroups.of(id)?.memoryKills, 2)
  })

  it("holds only what the controllers that it may have can", () => {
    const { cgroups } = tree("cpu pids")
    const { held } = cgroups.make(id, { memoryBytes: 1024 * 1024, cpuPercent: 50, processes: 5 })
    assert.deepStrictEqual([...held], ["cpuPercent", "processes"])
  })

  it("has its controllers switched on where they are not yet", () => {
    const { cgroups, own } = tree("cpu memory pids", "cpu")
    assert.isTrue(cgroups.make(id, { memoryBytes: 1024 * 1024 }).held.has("memoryBytes"))
    assert.strictEqual(readFileSync(join(own, "cgroup.subtree_control"), "utf8"), "+memory")
  })

  it("is not there where none may be made", () => {
    const nothing = new Cgroups(() => [{ version: 2, controllers: [], own: "/proc/no/such/place" }])
    const { cgroup, held } = nothing.make(id, { memoryBytes: 1024 * 1024 })
    assert.isNull(cgroup)
    assert.strictEqual(held.size, 0)
    assert.isNull(nothing.of(id))
    assert.isFalse(existsSync("/proc/no/such/place"))
  })
})

import { spawn } from "node:child_process"
import { openSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { ProcessTable } from "../../src/sessionhost/ProcessTable.ts"
import { HostHome } from "./support/hostProcess.ts"
import { until } from "../support/home.ts"

describe("what a session-host that died leaves behind", () => {
  it("a program that it had not let go yet is ended by the next one, and nothing else is", async () => {
    await using home = new HostHome()
    const first = (await home.start())!
    const stopped = (fd: number) => {
      const child = spawn("sh", ["-c", "kill -STOP $$"], { stdio: ["ignore", "ignore", "ignore", fd] })
      return { pid: child.pid!, ended: new Promise((resolve) => child.once("exit", (_, signal) => resolve(signal))) }
    }
    // As a copy of the host has it.
    const unborn = stopped(openSync(home.paths.hostLock, "r"))
    const other = stopped(openSync("/dev/null", "r"))
    const table = new ProcessTable()
    for (const { pid } of [unborn, other]) await until("it stands still", () => table.read(pid)?.state === "T")
    process.kill(first.pid, "SIGKILL")
    await first.ended
    assert.isNotNull(await home.start())
    assert.strictEqual(await unborn.ended, "SIGKILL")
    assert.strictEqual(table.read(other.pid)?.state, "T")
    process.kill(other.pid, "SIGKILL")
  })
})

import { readFileSync } from "node:fs"
import { getPriority } from "node:os"
import { assert, describe, it } from "vitest"
import { HostHome, isAlive, run, statOf } from "../sessionhost/support/hostProcess.ts"
import { until } from "../support/home.ts"
import { screensOf, screensPid } from "./support.ts"

describe("the screens process", () => {
  it("is there with the first terminal, gives way to programs, and is nobody's descendant", async () => {
    await using home = new HostHome()
    const host = (await home.start())!
    const control = await host.control()
    assert.deepStrictEqual(screensOf(home.home), [])
    const session = await run(control, ["/bin/sleep", "1000"])
    const pid = await screensPid(home.home)
    await until("it gives way", () => getPriority(pid) === 10)
    assert.strictEqual(statOf(pid)![1], String(host.pid))
    const { clients } = await control.ask("inspect", { session: session.id })
    assert.strictEqual(clients, 0)
    await control.ask("kill", { session: session.id, signal: "SIGTERM", graceMillis: 5000 })
    assert.isTrue(isAlive(pid))
  })

  it("is started again when it is killed, and ends with its host", async () => {
    await using home = new HostHome()
    const host = (await home.start())!
    const control = await host.control()
    await run(control, ["/bin/sleep", "1000"])
    const first = await screensPid(home.home)
    process.kill(first, "SIGKILL")
    const second = await screensPid(home.home, first)
    await until("the host has said so", () => host.said.includes("the screens process ended (SIGKILL)"))
    host.child.kill("SIGKILL")
    await until("it is gone", () => !isAlive(second))
    assert.notInclude(readFileSync(home.paths.screensLog, "utf8"), "a bug")
  })
})

import { assert, describe, it } from "vitest"
import { killSession, signalNamed } from "../../src/sessionhost/kill.ts"
import { TestHost } from "./support/host.ts"

describe("killing a session", () => {
  it("sends the signal, and answers when the session has closed", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn()
    const session = await host.control.ask("kill", { session: id, signal: "HUP", graceMillis: 60_000 })
    assert.deepStrictEqual(program.signals, ["SIGHUP"])
    assert.strictEqual(session.exit?.signal, "SIGHUP")
    assert.isNotNull(session.closedAt)
    assert.strictEqual(
      (await host.control.request("kill", { session: id, signal: "HUP", graceMillis: 0 })).error?.code,
      "ended"
    )
  })

  it("sends SIGKILL after the grace to what takes no notice", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn()
    program.onSignal = (signal) => {
      if (signal === "SIGKILL") setImmediate(() => program.end({ code: null, signal }))
    }
    const session = await host.control.ask("kill", { session: id, signal: "SIGTERM", graceMillis: 100 })
    assert.deepStrictEqual(program.signals.slice(0, 2), ["SIGTERM", "SIGKILL"])
    assert.strictEqual(session.exit?.signal, "SIGKILL")
  })

  it("leaves the grace to processes that outlive the program, then kills those too", async () => {
    let left = [1, 2]
    let closed = false
    const sent: Array<string> = []
    const gone = await killSession(
      {
        get closed() {
          return closed
        },
        survivors: () => left,
        signalAll: (signal) => {
          sent.push(signal)
          closed = true
          if (signal === "SIGKILL") left = left.slice(1)
        }
      },
      "SIGTERM",
      50
    )
    assert.isTrue(gone)
    assert.deepStrictEqual(sent, ["SIGTERM", "SIGKILL", "SIGKILL"])
  })

  it("knows the signals of this system by both their names, and no others", async () => {
    assert.strictEqual(signalNamed("TERM"), "SIGTERM")
    assert.strictEqual(signalNamed("SIGTERM"), "SIGTERM")
    assert.strictEqual(signalNamed("usr1"), "SIGUSR1")
    for (const name of ["", "SIG", "NOPE", "0", "9", "constructor", "__proto__", "SIGSIGTERM"]) {
      assert.isNull(signalNamed(name), name)
    }
    await using host = await TestHost.start()
    const { id } = await host.spawn()
    assert.strictEqual(
      (await host.control.request("kill", { session: id, signal: "FOO", graceMillis: 0 })).error?.code,
      "unknown-signal"
    )
  })
})

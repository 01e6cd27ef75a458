import { existsSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { assert, describe, it } from "vitest"
import { VERSION } from "../../src/config/version.ts"
import type { HelloReply, HostSession, UpgradeFailure } from "../../src/protocol/sessionHost.ts"
import { inPlaceUnavailable } from "../../src/sessionhost/upgrade/check.ts"
import { HostHome, open, run } from "./support/hostProcess.ts"
import type { Client, Control } from "./support/peers.ts"
import { counter, misnumbered, successor, tryUpgrade, type UpgradeFields, variant } from "./support/upgrading.ts"

/** What everything is measured by: a program that prints, one that is typed to, and who follows them. */
class Busy {
  readonly control: Control
  readonly printing: HostSession
  readonly follower: Client
  readonly typed: HostSession
  readonly typing: Client

  private constructor(control: Control, printing: HostSession, follower: Client, typed: HostSession, typing: Client) {
    this.control = control
    this.printing = printing
    this.follower = follower
    this.typed = typed
    this.typing = typing
  }

  static async start(home: HostHome, control: Control): Promise<Busy> {
    const printing = await run(control, counter(5))
    const typed = await run(control, ["sh", "-c", "stty -echo; while read line; do echo got $line; done; exit 7"])
    return new Busy(
      control,
      printing,
      await open(home.paths, control, printing.id, { mode: "follow", since: 0 }),
      typed,
      await open(home.paths, control, typed.id)
    )
  }

  /** Everything goes on, with the same programs and the same connections. */
  async goesOn(word: string): Promise<void> {
    const { sessions } = await this.control.ask<{ sessions: ReadonlyArray<HostSession> }>("list")
    const pids = (all: ReadonlyArray<HostSession>) => all.map(({ pid }) => pid!).sort((a, b) => a - b)
    assert.deepStrictEqual(pids(sessions), pids([this.printing, this.typed]))
    this.typing.type(`${word}\r`)
    await this.typing.until(() => this.typing.output.includes(`got ${word}`))
    const before = this.follower.bytes
    await this.follower.until(() => this.follower.bytes > before)
    assert.isNull(misnumbered(this.follower.output))
    assert.deepStrictEqual(this.follower.misplaced, [])
  }

  async ends(): Promise<void> {
    this.typing.type("\x04")
    await this.typing.whenClosed()
    assert.strictEqual(this.typing.exited?.code, 7)
    await this.control.ask("kill", { session: this.printing.id, signal: "TERM", graceMillis: 5_000 })
    await this.follower.whenClosed()
    assert.strictEqual(this.follower.exited?.signal, "SIGTERM")
  }
}

/** A Node that is there for one run. */
const onceOnly = (home: HostHome): string => {
  const file = join(home.home, "node-once")
  writeFileSync(file, `#!/bin/sh\nrm "$0"\nexec ${process.execPath} "$@"\n`, { mode: 0o755 })
  return file
}

const answer = (version: string, problem: string | null) =>
  `console.log(${JSON.stringify(JSON.stringify({ version, problem }))})`

describe.runIf(inPlaceUnavailable() === null)("a successor that can't take over", () => {
  it("changes nothing: everything goes on, and the caller is told what is wrong", { timeout: 120_000 }, async () => {
    await using home = new HostHome()
    const host = (await home.start())!
    const control = await host.control()
    const busy = await Busy.start(home, control)
    const cases: ReadonlyArray<readonly [UpgradeFailure, UpgradeFields, says: string]> = [
      ["missing", { entry: `${home.home}/nothing.js` }, "nothing.js"],
      ["check-failed", { entry: successor(home, "this is no JavaScript") }, "SyntaxError"],
      ["check-failed", { entry: successor(home, "process.exit(1)") }, "exit 1"],
      // As a host of a version that can't be upgraded in place: it finds the lock taken and goes.
      ["check-failed", { entry: successor(home, "process.exit(0)") }, "too old"],
      ["check-failed", { entry: successor(home, "process.kill(process.pid, 'SIGSEGV')") }, "SIGSEGV"],
      ["check-failed", { entry: successor(home, "console.log('{\"problem\": 3}')") }, "did not say"],
      ["wrong-version", { entry: successor(home, answer("0.0.1", null)) }, "0.0.1"],
      ["refused", { entry: successor(home, answer(VERSION, "it is Sunday")) }, "it is Sunday"],
      ["check-failed", { node: "/nonexistent/node", entry: successor(home, answer(VERSION, null)) }, "ENOENT"],
      // It says that it can, and is gone when it is to be started.
      ["exec", { node: onceOnly(home) }, "ENOENT"]
    ]
    for (const [index, [failure, fields, says]] of cases.entries()) {
      const reply = await tryUpgrade(control, fields)
      assert.deepInclude(reply.error, { code: "upgrade-failed", upgrade: failure }, says)
      assert.include(reply.error!.message, says)
      await busy.goesOn(`after${index}`)
      assert.isFalse(existsSync(home.paths.hostState))
    }
    await busy.ends()
  })

  it("as it hangs: it is ended in time, and everything goes on", { timeout: 120_000 }, async () => {
    await using home = new HostHome(undefined, [resolve(import.meta.dirname, "support/hastyHost.ts")])
    const host = (await home.start())!
    const control = await host.control()
    const busy = await Busy.start(home, control)
    const entry = successor(home, "setInterval(() => {}, 1000)")
    const reply = await tryUpgrade(control, { entry })
    assert.deepInclude(reply.error, { code: "upgrade-failed", upgrade: "check-timeout" })
    assert.include(reply.error!.message, "1000 ms")
    await busy.goesOn("afterwards")
    await busy.ends()
  })

  it("after the exchange gives everything back to its predecessor", { timeout: 120_000 }, async () => {
    await using home = new HostHome()
    const host = (await home.start())!
    const control = await host.control()
    const busy = await Busy.start(home, control)
    const entry = variant(home, [
      ["config/version.ts", VERSION, "9.9.9"],
      [
        "sessionhost/upgrade/takeOver.ts",
        "return { handover, problems: [",
        "return { handover, problems: ['it is moody', "
      ]
    ])
    for (let round = 0; round < 2; round++) {
      const reply = await tryUpgrade(control, { entry, version: "9.9.9" })
      assert.deepInclude(reply.error, { code: "upgrade-failed", upgrade: "returned" })
      assert.include(reply.error!.message, "it is moody")
      await busy.goesOn(`round${round}`)
      const hello = await control.ask<HelloReply>("hello", { protocol: 2, daemonPid: 1 })
      assert.deepInclude(hello, { version: VERSION, pid: host.pid })
    }
    await busy.ends()
    assert.isFalse(existsSync(home.paths.hostState))
  })

  it(
    "and has no predecessor to go back to takes what it can: one session is lost, the others go on",
    { timeout: 120_000 },
    async () => {
      await using home = new HostHome()
      const host = (await home.start())!
      const control = await host.control()
      const lost = await run(control, ["sh", "-c", "read line"])
      const busy = await Busy.start(home, control)
      // It takes one session to be broken, and its predecessor is not there any more.
      const entry = variant(home, [
        [
          "sessionhost/upgrade/stateFile.ts",
          "const decoded = decoders[name](item)",
          `const decoded = name === "session" && process.argv.includes("--take-over") && JSON.stringify(item).includes("${lost.id}") ? Exit.fail(new Error("broken")) : decoders[name](item)`
        ],
        ["sessionhost/upgrade/takeOver.ts", "execute(origin.from.node", 'execute("/nonexistent"']
      ])
      const reply = await tryUpgrade(control, { entry })
      assert.isUndefined(reply.error)
      assert.notInclude(JSON.stringify(reply.result), lost.id)
      assert.include(host.said, "broken")
      await busy.goesOn("afterwards")
      await busy.ends()
    }
  )

  it("is asked in vain for a check alone: nothing is exchanged", { timeout: 120_000 }, async () => {
    await using home = new HostHome()
    const host = (await home.start())!
    const control = await host.control()
    const busy = await Busy.start(home, control)
    assert.deepStrictEqual((await tryUpgrade(control, { check: true })).result, {})
    const hello = await control.ask<HelloReply>("hello", { protocol: 2, daemonPid: 1 })
    assert.isNull(hello.upgradedAt)
    await busy.goesOn("afterwards")
    await busy.ends()
  })
})

import { assert, describe, it } from "vitest"
import { ptyUnavailable } from "../../src/sessionhost/nativePty.ts"
import { builtHost } from "../support/bundle.ts"
import { HostHome, isAlive, open, run } from "./support/hostProcess.ts"
import { tryUpgrade } from "./support/upgrading.ts"

/** Which a Node that has no `node:ffi` does not know. */
const SWITCH = "--no-experimental-ffi"
const node = async () => [...(process.allowedNodeEnvironmentFlags.has(SWITCH) ? [SWITCH] : []), await builtHost()]

describe.runIf(process.platform === "linux" && ptyUnavailable() === null)("a session-host without node:ffi", () => {
  it("starts programs under terminals all the same, with nothing of its own open in them, and tells how they end", async () => {
    await using home = new HostHome(undefined, await node())
    const control = await (await home.start())!.control()
    const others = [await run(control, ["cat"]), await run(control, ["cat"], { kind: "pipe" })]
    const session = await run(control, ["sh", "-c", "read line; ls -m /proc/$$/fd; stty size; exit 7"])
    const client = await open(home.paths, control, session.id, { cols: 90, rows: 30 })
    client.type("\r")
    const { exit } = (await control.event("closed", session.id)).session
    assert.deepInclude(exit, { code: 7, signal: null })
    await client.whenClosed()
    assert.match(client.output.toString(), /^\r\n0, 1, 2(, 10|, 255)?\r\n30 90\r\n/)
    for (const { id, pid } of others) {
      await control.ask("kill", { session: id, signal: "TERM", graceMillis: 60_000 })
      assert.isFalse(isAlive(pid!))
      assert.strictEqual((await control.event("closed", id)).session.exit?.signal, "SIGTERM")
    }
  })

  it("says that it can't replace itself, and goes on", async () => {
    await using home = new HostHome(undefined, await node())
    const control = await (await home.start())!.control()
    const session = await run(control, ["cat"])
    const { error } = await tryUpgrade(control)
    assert.deepInclude(error, { code: "upgrade-failed", upgrade: "unsupported" })
    assert.include(error!.message, "no node:ffi")
    const client = await open(home.paths, control, session.id)
    client.type("still\r")
    await client.until(() => client.output.includes("still\r\nstill"))
  })
})

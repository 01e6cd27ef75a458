import { renameSync, rmSync } from "node:fs"
import { dirname } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import type { Session } from "../../src/protocol/index.ts"
import { type Home, makeHome, until } from "../support/home.ts"
import { otherBuild } from "../support/otherBuild.ts"

describe("what somebody removes under a running hob", () => {
  let home: Home
  beforeEach(() => void (home = makeHome()))
  afterEach(() => home.destroy())

  const run = async (): Promise<Session> =>
    home.json<Session>(["show", (await home.ok(["run", "-d", "--", "cat"])).trim()])

  it(
    "the sockets, or the directory with them, come back at once: daemon and sessions are found",
    { timeout: 120_000 },
    async () => {
      const session = await run()
      const [daemon, host] = [await home.daemonPid(), await home.hostPid()]
      for (const gone of [home.paths.socket, home.paths.hostSocket, dirname(home.paths.socket)]) {
        renameSync(gone, `${gone}.away`)
        rmSync(`${gone}.away`, { recursive: true })
        await home.ok(["send", session.id, "x\n"])
        assert.include(await home.ok(["output", session.id]), "x")
        assert.deepStrictEqual([await home.daemonPid(), await home.hostPid()], [daemon, host])
      }
      // Also for the daemon after this one.
      rmSync(home.paths.hostSocket)
      process.kill(daemon, "SIGKILL")
      await until("another daemon answers", async () => (await home.hob(["ls"])).code === 0)
      assert.strictEqual((await home.json<Session>(["show", session.id])).pid, session.pid)
    }
  )

  it("the session-host's lock: it takes it again when it is replaced", { timeout: 120_000 }, async () => {
    const session = await run()
    rmSync(home.paths.hostLock)
    const upgraded = await otherBuild(home, { version: "9.1.0" }).hob(["upgrade"])
    assert.strictEqual(upgraded.code, 0, upgraded.stdout + upgraded.stderr)
    assert.strictEqual((await home.json<Session>(["show", session.id])).pid, session.pid)
    assert.match(await home.ok(["doctor"]), /everything that runs|The daemon is hob 9/)
  })
})

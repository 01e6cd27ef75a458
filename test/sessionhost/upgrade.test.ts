import { assert, describe, it } from "vitest"
import type { HostSession } from "../../src/protocol/sessionHost.ts"
import { inPlaceUnavailable } from "../../src/sessionhost/upgrade/check.ts"
import { HostHome, open, run, statOf } from "./support/hostProcess.ts"
import { counter, misnumbered, upgrade } from "./support/upgrading.ts"

const pidsOf = (sessions: ReadonlyArray<HostSession>) => sessions.map(({ pid }) => pid!).sort((a, b) => a - b)

describe.runIf(inPlaceUnavailable() === null)("a session-host that replaces itself in place", () => {
  it(
    "keeps its pid, its programs and their output, over ten times, under clients that follow",
    { timeout: 240_000 },
    async () => {
      await using home = new HostHome()
      const host = (await home.start())!
      const control = await host.control()
      const kinds = ["pty", "pipe"] as const
      const sessions = await Promise.all(kinds.map((kind) => run(control, counter(2), { kind })))
      const followers = await Promise.all(
        sessions.map(({ id }) => open(home.paths, control, id, { mode: "follow", since: 0 }))
      )
      const attached = await open(home.paths, control, sessions[0]!.id, { since: 0 })
      const clients = [...followers, attached]
      for (let round = 0; round < 12; round++) {
        const hello = await upgrade(control)
        assert.strictEqual(hello.pid, host.pid)
        assert.isString(hello.upgradedAt)
        assert.deepStrictEqual(pidsOf(hello.sessions), pidsOf(sessions))
        const before = clients.map((client) => client.bytes)
        // Output of before and after each change.
        await Promise.all(clients.map((client, index) => client.until(() => client.bytes > before[index]!)))
      }
      for (const client of clients) {
        assert.deepStrictEqual(client.misplaced, [])
        assert.deepStrictEqual(client.gaps, [])
        assert.isNull(misnumbered(client.output))
        assert.isFalse(client.closed)
      }
      // The log has it all too, and both are of one piece.
      for (const { id } of sessions) {
        const read = await open(home.paths, control, id, { mode: "read", since: 0 })
        await read.whenClosed()
        assert.isNull(misnumbered(read.output))
      }
      for (const { id } of sessions) await control.ask("kill", { session: id, signal: "KILL", graceMillis: 0 })
      for (const client of clients) await client.whenClosed()
      assert.deepStrictEqual(
        clients.map((client) => client.exited?.signal),
        ["SIGKILL", "SIGKILL", "SIGKILL"]
      )
      for (const { pid } of sessions) assert.isNull(statOf(pid!))
    }
  )

  it(
    "tells right how programs end afterwards: 0, 3, by a signal, under terminals and on pipes",
    { timeout: 120_000 },
    async () => {
      await using home = new HostHome()
      const host = (await home.start())!
      const control = await host.control()
      const ends = [
        ["exit 0", 0, null],
        ["exit 3", 3, null],
        ["kill -USR1 $$", null, "SIGUSR1"],
        ["kill -9 $$", null, "SIGKILL"]
      ] as const
      const started = await Promise.all(
        (["pty", "pipe"] as const).flatMap((kind) =>
          ends.map(async ([end, code, signal]) => {
            const session = await run(control, ["sh", "-c", `read line; echo last; ${end}`], { kind })
            return { session, code, signal }
          })
        )
      )
      await upgrade(control)
      for (const { code, session, signal } of started) {
        const client = await open(home.paths, control, session.id)
        client.type("\n")
        await client.whenClosed()
        assert.deepInclude(client.exited, { code, signal })
        assert.match(client.output.toString(), /last\r?\n$/)
        const closed = await control.event("closed", session.id)
        assert.deepInclude(closed.session.exit, { code, signal })
        // Waited for: nothing is left of it.
        assert.isNull(statOf(session.pid!))
      }
    }
  )
})

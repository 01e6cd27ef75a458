/** A session-host of a bench's own, spoken to as the daemon speaks to it. */
import { randomUUID } from "node:crypto"
import { existsSync, mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { spawnRequest } from "../../test/sessionhost/support/host.ts"
import { HostHome } from "../../test/sessionhost/support/hostProcess.ts"

const root = join(import.meta.dirname, "../..")

/** The built host where there is one, else the source. */
export const hostProgram = (): string => {
  const built = join(root, "dist/host.js")
  return process.env["BENCH_SOURCE"] !== "1" && existsSync(built) ? built : join(root, "src/sessionhost/main.ts")
}

/** What the daemon gives a session by default. */
const limits = {
  segmentBytes: 8 * 1024 * 1024,
  maxBytes: 256 * 1024 * 1024,
  recentBytes: 256 * 1024,
  inputQueueBytes: 1024 * 1024
}

/** `BENCH_PROF` are flags for its Node, such as `--cpu-prof`. */
export const startHost = async () => {
  const nodeFlags = process.env["BENCH_PROF"]?.split(" ") ?? []
  const home = new HostHome(mkdtempSync(join(tmpdir(), "hob-bench-")), [...nodeFlags, hostProgram()])
  const host = (await home.start([], { TERM: "xterm-256color" }))!
  const control = await host.control()

  /** Starts a command with the daemon's default limits; returns the session's id. */
  const run = async (command: ReadonlyArray<string>): Promise<string> => {
    const request = spawnRequest(randomUUID(), limits, command)
    await control.ask("spawn", { ...request, env: { ...request.env, TERM: "xterm-256color" } })
    return request.session.id
  }

  const ticket = async (session: string, mode: "attach" | "follow" = "attach"): Promise<string> => {
    const ticket = randomUUID()
    const nowhere = { since: null, tail: null, cols: null, rows: null }
    await control.ask("grant", { ticket, session, mode, readOnly: false, ...nowhere })
    return ticket
  }

  const stop = async () => {
    const { sessions } = await control.ask<{ sessions: ReadonlyArray<{ id: string }> }>("list")
    for (const { id } of sessions)
      await control.ask("kill", { session: id, signal: "SIGKILL", graceMillis: 0 }).catch(() => {})
    control.socket.destroy()
    // By itself, so that what profiles it may write down what it saw.
    host.child.kill("SIGTERM")
    await host.ended
    await home[Symbol.asyncDispose]()
  }
  return { pid: host.pid, paths: home.paths, ask: control.ask.bind(control), run, ticket, stop }
}

export type BenchHost = Awaited<ReturnType<typeof startHost>>

/** A session-host of a bench's own, spoken to as the daemon speaks to it. */
import { spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makePaths } from "../../src/config/paths.ts"
import { FrameType, type HostReply, MAX_FRAME_BYTES } from "../../src/protocol/sessionHost.ts"
import { encodeJsonFrame, FrameReader } from "../../src/wire/frames.ts"

const root = join(import.meta.dirname, "../..")

/** The built host where there is one, else the source. */
export const hostProgram = (): string => {
  const built = join(root, "dist/host.js")
  return process.env["BENCH_SOURCE"] !== "1" && existsSync(built) ? built : join(root, "src/sessionhost/main.ts")
}

export const startHost = async () => {
  const home = mkdtempSync(join(tmpdir(), "hob-bench-"))
  const paths = makePaths({ HOB_HOME: home })
  const host = spawn(
    process.execPath,
    [...(process.env["BENCH_PROF"] ? process.env["BENCH_PROF"].split(" ") : []), hostProgram()],
    {
      env: { PATH: process.env["PATH"], HOB_HOME: home },
      stdio: ["ignore", process.env["BENCH_PROF"] ? "inherit" : "ignore", "inherit", "pipe"]
    }
  )
  await once(host.stdio[3]!, "data")

  const socket = connect(paths.hostSocket)
  const replies = new Map<number, (reply: HostReply) => void>()
  const reader = new FrameReader(MAX_FRAME_BYTES, (_type, payload) => {
    const message = JSON.parse(payload.toString()) as HostReply
    replies.get(message.id)?.(message)
    replies.delete(message.id)
  })
  socket.on("data", (chunk: Buffer) => reader.push(chunk))
  let lastId = 0
  const ask = async <A>(op: string, fields: object = {}): Promise<A> => {
    const id = ++lastId
    const reply = new Promise<HostReply>((resolve) => replies.set(id, resolve))
    socket.write(encodeJsonFrame(FrameType.control, { id, op, ...fields }))
    const { error, result } = await reply
    if (error !== undefined) throw new Error(`${op}: ${error.message}`)
    return result as A
  }
  await ask("hello", { protocol: 1, daemonPid: process.pid })

  /** Starts a command with the daemon's default limits; returns the session's id. */
  const run = async (command: ReadonlyArray<string>): Promise<string> => {
    const id = randomUUID()
    await ask("spawn", {
      session: {
        id,
        name: null,
        tags: [],
        command,
        cwd: "/",
        kind: "pty",
        cols: 80,
        rows: 24,
        createdAt: new Date().toISOString()
      },
      file: command[0],
      env: { PATH: process.env["PATH"], TERM: "xterm-256color" },
      limits: { segmentBytes: 8 * 1024 * 1024, maxBytes: 256 * 1024 * 1024, logInput: false },
      recentBytes: 256 * 1024,
      inputQueueBytes: 1024 * 1024
    })
    return id
  }

  const ticket = async (session: string, mode: "attach" | "follow" = "attach"): Promise<string> => {
    const ticket = randomUUID()
    const nowhere = { since: null, tail: null, cols: null, rows: null }
    await ask("grant", { ticket, session, mode, readOnly: false, ...nowhere })
    return ticket
  }

  const stop = async () => {
    const { sessions } = await ask<{ sessions: ReadonlyArray<{ id: string }> }>("list")
    for (const { id } of sessions) await ask("kill", { session: id, signal: "SIGKILL", graceMillis: 0 }).catch(() => {})
    socket.destroy()
    host.kill("SIGTERM")
    await once(host, "exit")
    rmSync(home, { recursive: true, force: true })
  }
  return { pid: host.pid!, paths, ask, run, ticket, stop }
}

export type BenchHost = Awaited<ReturnType<typeof startHost>>

import { randomUUID } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makePaths, type Paths } from "../../../src/config/paths.ts"
import type { HostSession, OpenFrame } from "../../../src/protocol/sessionHost.ts"
import { noLimits } from "../../../src/sessionhost/Limits.ts"
import { type RunHostOptions, runHost, type RunningHost } from "../../../src/sessionhost/runHost.ts"
import { type ScriptedProgram, scriptedPrograms } from "../../../src/sessionhost/scriptedProgram.ts"
import { Client, connected, Control } from "./peers.ts"

export interface OpenOptions {
  readonly mode?: "attach" | "follow" | "read" | "records"
  readonly readOnly?: boolean
  readonly since?: number
  readonly tail?: number
  readonly sinceInput?: number
  readonly follow?: boolean
  readonly uncounted?: boolean
  readonly cols?: number
  readonly rows?: number
  /** What the client says of itself in its `open` frame. */
  readonly say?: Omit<OpenFrame, "ticket">
}

export interface SpawnOptions {
  readonly kind?: "pty" | "pipe"
  readonly recentBytes?: number
  readonly inputQueueBytes?: number
  readonly segmentBytes?: number
  readonly maxBytes?: number
  readonly logInput?: boolean
}

/** The fields of a `spawn` request. */
export const spawnRequest = (
  id: string,
  options: SpawnOptions = {},
  command: ReadonlyArray<string> = ["scripted"]
) => ({
  session: {
    id,
    name: null,
    tags: [],
    command,
    cwd: "/",
    kind: options.kind ?? "pty",
    cols: 80,
    rows: 24,
    createdAt: new Date().toISOString()
  },
  file: command[0],
  env: { PATH: process.env["PATH"]! },
  limits: {
    segmentBytes: options.segmentBytes ?? 1024 * 1024,
    maxBytes: options.maxBytes ?? 64 * 1024 * 1024,
    logInput: options.logInput ?? false
  },
  recentBytes: options.recentBytes ?? 64 * 1024,
  inputQueueBytes: options.inputQueueBytes ?? 1024 * 1024
})

/** A session-host in this process, with scripted programs and one daemon connected. */
export class TestHost {
  readonly paths: Paths
  readonly running: RunningHost
  readonly control: Control
  readonly started: ReadonlyArray<ScriptedProgram>
  readonly said: Array<string>

  private constructor(
    paths: Paths,
    running: RunningHost,
    control: Control,
    started: ReadonlyArray<ScriptedProgram>,
    said: Array<string>
  ) {
    this.paths = paths
    this.running = running
    this.control = control
    this.started = started
    this.said = said
  }

  static async start(options: Partial<RunHostOptions> = {}): Promise<TestHost> {
    const paths = options.paths ?? makePaths({ HOB_HOME: mkdtempSync(join(tmpdir(), "hob-host-")) })
    const scripted = scriptedPrograms()
    const said: Array<string> = []
    const running = await runHost({
      paths,
      programs: {
        pty: scripted.start,
        pipe: scripted.start,
        preflight: async (command) => command[0]!,
        ptyUnavailable: () => null
      },
      log: (message) => said.push(message),
      onEnd: () => {},
      limits: noLimits(),
      ...options
    })
    if (running === null) throw new Error("another host is running here")
    return new TestHost(paths, running, await Control.open(paths.hostSocket), scripted.started, said)
  }

  /** Starts a session; its program is on strings. */
  async spawn(
    options: SpawnOptions = {},
    command: ReadonlyArray<string> = ["scripted"]
  ): Promise<{ id: string; session: HostSession; program: ScriptedProgram }> {
    const id = randomUUID()
    const session = await this.control.ask("spawn", spawnRequest(id, options, command))
    return { id, session, program: this.started.at(-1)! }
  }

  /** Opens a session's output and waits until it is open. */
  async open(session: string, options: OpenOptions = {}): Promise<Client> {
    return this.openTicket(await this.ticket(session, options), options.say)
  }

  async openTicket(ticket: string, say: OpenOptions["say"] = {}): Promise<Client> {
    const client = new Client(await connected(this.paths.hostSocket), ticket, say)
    await client.whenOpened()
    return client
  }

  async ticket(session: string, options: OpenOptions = {}): Promise<string> {
    const ticket = randomUUID()
    await this.control.ask("grant", {
      ticket,
      session,
      mode: options.mode ?? "attach",
      readOnly: options.readOnly ?? false,
      since: options.since ?? null,
      tail: options.tail ?? null,
      cols: options.cols ?? null,
      rows: options.rows ?? null,
      ...(options.uncounted === undefined ? {} : { uncounted: options.uncounted }),
      ...(options.follow === undefined ? {} : { follow: options.follow }),
      ...(options.sinceInput === undefined ? {} : { sinceInput: options.sinceInput })
    })
    return ticket
  }

  /** Reads everything that a session's log has. */
  async read(session: string, since = 0): Promise<Client> {
    const client = await this.open(session, { mode: "read", since })
    await client.whenClosed()
    return client
  }

  directory(session: string): string {
    return join(this.paths.sessions, session)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.control.socket.destroy()
    for (const program of this.started) program.end()
    // What is on its way to the disk would otherwise meet a directory that is gone.
    while (this.running.host.held > 0) await new Promise((resolve) => setImmediate(resolve))
    await this.running.end()
    rmSync(this.paths.home, { recursive: true, force: true })
  }
}

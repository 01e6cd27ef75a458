import { type ChildProcess, spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Readable } from "node:stream"
import { makePaths, type Paths } from "../../../src/config/paths.ts"
import type { HostSession } from "../../../src/protocol/sessionHost.ts"
import { endRemains, endUnborn } from "../../../src/sessionhost/remains.ts"
import { builtHost } from "../../support/bundle.ts"
import { type OpenOptions, type SpawnOptions, spawnRequest } from "./host.ts"
import { Client, connected, Control } from "./peers.ts"

/** A home of a test's own, below which real session-hosts are started and ended with it. */
export class HostHome {
  readonly home: string
  readonly paths: Paths
  readonly #node: ReadonlyArray<string> | undefined
  readonly #started: Array<ChildProcess> = []

  /** `node` are the arguments that make Node a session-host; without them it is the one of the sources, built. */
  constructor(home = mkdtempSync(join(tmpdir(), "hob-host-")), node?: ReadonlyArray<string>) {
    this.home = home
    this.#node = node
    this.paths = makePaths({ HOB_HOME: home })
  }

  /** Starts a host, `wrapper` first when there is one, and waits for its `ready`; null when it ends with 0 instead. */
  async start(wrapper: ReadonlyArray<string> = [], env: NodeJS.ProcessEnv = {}): Promise<HostProcess | null> {
    const [command, ...args] = [...wrapper, process.execPath, ...(this.#node ?? [await builtHost()])]
    const child = spawn(command!, args, {
      env: { PATH: process.env["PATH"], NODE_OPTIONS: process.env["NODE_OPTIONS"], HOB_HOME: this.home, ...env },
      stdio: ["ignore", "ignore", "pipe", "pipe"]
    })
    this.#started.push(child)
    const host = new HostProcess(this.paths, child)
    const ready = new Promise<"ready">((resolve) => child.stdio[3]!.once("data", () => resolve("ready")))
    const first = await Promise.race([ready, host.ended])
    if (first === "ready") return host
    if (first.code !== 0) throw new Error(`the host ended with ${first.code ?? first.signal}: ${host.said}`)
    return null
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#started.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const ended = new Promise((resolve) => child.once("exit", resolve))
        child.kill("SIGKILL")
        await ended
      })
    )
    if (existsSync(this.paths.hostLock)) endUnborn(this.paths.hostLock)
    // A host that is killed leaves what it held.
    await Promise.all(sessionsIn(this.paths).map((id) => endRemains(id, "SIGKILL", 0)))
    rmSync(this.home, { recursive: true, force: true })
  }
}

const sessionsIn = (paths: Paths): ReadonlyArray<string> => {
  try {
    return readdirSync(paths.sessions)
  } catch {
    return []
  }
}

/** A session-host as a process of its own. */
export class HostProcess {
  readonly paths: Paths
  readonly child: ChildProcess
  /** What it said on standard error. */
  said = ""
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>

  constructor(paths: Paths, child: ChildProcess) {
    this.paths = paths
    this.child = child
    ;(child.stderr as Readable).setEncoding("utf8").on("data", (text: string) => (this.said += text))
    this.ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })))
  }

  get pid(): number {
    return this.child.pid!
  }

  control(): Promise<Control> {
    return Control.open(this.paths.hostSocket)
  }
}

/** Starts a real command. */
export const run = async (
  control: Control,
  command: ReadonlyArray<string>,
  options: SpawnOptions = {}
): Promise<HostSession> => control.ask("spawn", spawnRequest(randomUUID(), options, command))

export const open = async (
  paths: Paths,
  control: Control,
  session: string,
  options: OpenOptions = {}
): Promise<Client> => {
  const ticket = randomUUID()
  const nowhere = { readOnly: false, since: null, tail: null, cols: null, rows: null }
  await control.ask("grant", { mode: "attach", ...nowhere, ...options, ticket, session })
  const client = new Client(await connected(paths.hostSocket), ticket)
  await client.whenOpened()
  return client
}

/** The words of `/proc/<pid>/stat` after the command's name; null when there is no such process. */
export const statOf = (pid: number): ReadonlyArray<string> | null => {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ")
  } catch {
    return null
  }
}

/** Neither gone nor a zombie. */
export const isAlive = (pid: number): boolean => !["Z", "X", undefined].includes(statOf(pid)?.[0])

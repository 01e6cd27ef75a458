import { mkdir, rm } from "node:fs/promises"
import { join } from "node:path"
import { BUILD } from "../config/build.ts"
import { VERSION } from "../config/version.ts"
import {
  type ClientChange,
  type ExitFile,
  HOST_PROTOCOL_VERSION,
  type HelloReply,
  type HostEvent,
  type HostRequest,
  type HostSession,
  OLDEST_HOST_PROTOCOL_VERSION,
  type SessionFile
} from "../protocol/sessionHost.ts"
import { ArchivedSession } from "./ArchivedSession.ts"
import { ExitRecord } from "./ExitRecord.ts"
import { badRequest, ended, HostFailure, running, unknownSession } from "./HostFailure.ts"
import { killSession, signalNamed } from "./kill.ts"
import { Limits } from "./Limits.ts"
import type { LogFs } from "./log/LogFs.ts"
import {
  type AdoptProgram,
  endedProgram,
  type ProgramListener,
  type ProgramSpec,
  SpawnError,
  type StartProgram
} from "./program.ts"
import { endRemains } from "./remains.ts"
import type { Readable } from "./Readable.ts"
import type { ScreensLink } from "./ScreensLink.ts"
import { Session, type SessionOptions } from "./Session.ts"
import {
  createSessionDirectory,
  deleteEnvironment,
  deleteSessionDirectory,
  readExitFile,
  readSessionFile,
  replaceSessionFile,
  writeSessionFile
} from "./sessionFiles.ts"
import { Tickets } from "./tickets.ts"
import type { SessionState } from "./upgrade/state.ts"

/** How programs are started; tests put others in their place. */
export interface Programs {
  readonly pty: StartProgram
  readonly pipe: StartProgram
  /** Missing where programs can't be handed over. */
  readonly adopt?: AdoptProgram
  /** Finds the executable, as an absolute path, or fails with a `SpawnError`; never waits for ever. */
  readonly preflight: (
    command: ReadonlyArray<string>,
    cwd: string,
    env: Readonly<Record<string, string>>
  ) => Promise<string>
  /** Why PTY sessions can't be started here, or null. */
  readonly ptyUnavailable: () => string | null
}

export interface SessionHostOptions {
  /** The directory of session directories. */
  readonly directory: string
  readonly programs: Programs
  readonly log: (message: string) => void
  /** Sessions or starting ones came or went: asked by who decides whether this process may end. */
  readonly onChange: () => void
  readonly screens: ScreensLink
  readonly logFs?: LogFs
  readonly limits?: Limits
  /** When this process started, if it has replaced itself since; default now. */
  readonly startedAt?: string
}

/** See `HelloReply.features`. */
const FEATURES = ["set", "limits", "environment", "upgrade"]

type Request<Op extends HostRequest["op"]> = Extract<HostRequest, { op: Op }>

/** The sessions of this process, and what a daemon can ask of them. Refusals are thrown as {@link HostFailure}. */
export class SessionHost {
  readonly tickets = new Tickets()
  readonly screens: ScreensLink
  readonly startedAt: string
  /** When this process replaced itself last. */
  upgradedAt: string | null = null
  readonly #options: SessionHostOptions
  readonly #limits: Limits
  readonly #sessions = new Map<string, Session>()
  /** Ids of sessions that are being started. */
  readonly #starting = new Set<string>()
  /** Ends that are on their way to the disk. */
  readonly #ends = new Map<string, ExitRecord>()
  readonly #listeners = new Set<(event: HostEvent) => void>()
  /** Starts and removals under way. */
  readonly #work = new Set<Promise<unknown>>()
  #frozen: Promise<void> | null = null
  #over = false

  constructor(options: SessionHostOptions) {
    this.#options = options
    this.#limits = options.limits ?? new Limits()
    this.screens = options.screens
    this.startedAt = options.startedAt ?? new Date().toISOString()
  }

  /** Sessions held or being started. A finished one counts until its end is on disk. */
  get held(): number {
    return this.#sessions.size + this.#starting.size
  }

  /** Nothing is recorded from now on, as if the process had died: for hosts inside another process. */
  close(): void {
    this.#over = true
    this.#sessions.clear()
    for (const end of this.#ends.values()) void end.abandon()
    this.#ends.clear()
  }

  /** Calls `listener` for each event; returns what ends it. */
  listen(listener: (event: HostEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  hello(): HelloReply {
    return {
      protocol: HOST_PROTOCOL_VERSION,
      pid: process.pid,
      startedAt: this.startedAt,
      ptyUnavailable: this.#options.programs.ptyUnavailable(),
      features: FEATURES,
      sessions: this.list(),
      version: VERSION,
      build: BUILD,
      upgradedAt: this.upgradedAt,
      oldestProtocol: OLDEST_HOST_PROTOCOL_VERSION,
      screens: this.screens.describe()
    }
  }

  list(): Array<HostSession> {
    return [...this.#sessions.values()].map((session) => session.describe())
  }

  async spawn(request: Request<"spawn">): Promise<HostSession> {
    if (this.#frozen !== null) await this.#frozen
    const { id } = request.session
    if (this.#sessions.has(id) || this.#starting.has(id)) throw badRequest(`session ${id} is there already`)
    this.#starting.add(id)
    this.#options.onChange()
    try {
      return await this.#during(this.#start(request))
    } catch (error) {
      if (error instanceof SpawnError) {
        const { message, reason, subject } = error
        throw new HostFailure({ code: "spawn-failed", message, spawn: { reason, subject, detail: message } })
      }
      throw error
    } finally {
      this.#starting.delete(id)
      this.#options.onChange()
    }
  }

  async #start(request: Request<"spawn">): Promise<HostSession> {
    const { env, insert = { at: 0, words: [] }, inputQueueBytes, limits, recentBytes } = request
    const { preflight, pipe, pty } = this.#options.programs
    const command = [request.file, ...request.session.command.slice(1).toSpliced(insert.at, 0, ...insert.words)]
    const executable = await preflight(command, request.session.cwd, env)
    const directory = this.#directoryOf(request.session.id)
    const { restartedFrom } = request.session
    if (restartedFrom?.because === "lost") await endRemains(restartedFrom.id)
    const file = this.#limits.prepare(request.session)
    try {
      await this.#makeDirectory(directory, file.id, request.keepEnvironment === true ? env : null)
    } catch (error) {
      this.#limits.release(file.id)
      throw error
    }
    const spec: ProgramSpec = {
      file: executable,
      args: command.slice(1),
      cwd: file.cwd,
      // Also how what the session started is found again, wherever it went.
      env: { ...env, HOB_SESSION_ID: file.id },
      cols: file.cols,
      rows: file.rows,
      inputQueueBytes
    }
    const begin = this.#limits.starting(file, file.kind === "pty" ? pty : pipe)
    try {
      writeSessionFile(directory, file)
      const start = (listener: ProgramListener) => begin(spec, listener)
      const session = this.#hold({ file, limits, recentBytes, inputQueueBytes, start })
      this.#announce("started", session)
      return session.describe()
    } catch (error) {
      this.#limits.release(file.id)
      await rm(directory, { recursive: true, force: true }).catch(() => {})
      if (error instanceof SpawnError) throw error
      throw new SpawnError("system", file.command[0] ?? "", messageOf(error), { cause: error })
    }
  }

  #hold(options: Omit<SessionOptions, "directory" | "listener" | "logFs" | "reason">): Session {
    const { id } = options.file
    const directory = this.#directoryOf(id)
    const session: Session = new Session({
      ...options,
      directory,
      listener: {
        exited: () => this.#announce("exited", session),
        resized: () => this.#announce("changed", session),
        closed: () => void this.#finish(session, directory),
        clientChanged: (client) => this.#announce("changed", session, client),
        logLost: (error) => {
          this.#options.log(`session ${id}: the log can't be written: ${error.message}`)
          // Also while it is being made.
          if (this.#sessions.has(id)) this.#announce("log-lost", session)
        },
        logRestored: () => {
          this.#options.log(`session ${id}: the log is written again`)
          this.#announce("log-restored", session)
        },
        failed: (error) => this.#options.log(`session ${id}: ${stackOf(error)}`)
      },
      reason: () => this.#limits.reasonOf(id),
      ...(this.#options.logFs === undefined ? {} : { logFs: this.#options.logFs })
    })
    this.#sessions.set(id, session)
    this.#limits.begin(options.file, session)
    this.#needScreens()
    return session
  }

  /** From now on starts, removals and questions to the screens process wait, until what this returns is called. */
  freeze(): () => void {
    let resume = () => {}
    this.#frozen = new Promise((resolve) => (resume = resolve))
    return () => {
      this.#frozen = null
      resume()
    }
  }

  /** Resolves when {@link SessionHost.freeze} is over; null when it is not on. */
  get frozen(): Promise<void> | null {
    return this.#frozen
  }

  /** Resolves when no session is being started or removed. */
  async settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.allSettled(this.#work)
  }

  /** What a successor of this process needs to hold every session; throws when one can't be handed over. */
  handOver(): Array<SessionState> {
    return [...this.#sessions.values()].map((session) => {
      const state = session.handOver()
      if (state === null) throw new Error(`session ${session.file.id} can't be handed over`)
      return state
    })
  }

  /** Holds a session from now on, of which a predecessor of this process has told. Throws. */
  adopt(held: SessionState): void {
    const { exit, file, inputQueueBytes, limits, program, recentBytes } = held
    const { adopt } = this.#options.programs
    const start = (listener: ProgramListener) => {
      if (program === null) return endedProgram
      if (adopt === undefined) throw new Error("programs can't be handed over to this host")
      return adopt(program, inputQueueBytes, listener)
    }
    const session = this.#hold({ file, limits, recentBytes, inputQueueBytes, start, held })
    if (exit !== null && session.closed) void this.#finish(session, this.#directoryOf(file.id))
    this.#options.onChange()
  }

  async #makeDirectory(directory: string, id: string, env: Readonly<Record<string, string>> | null): Promise<void> {
    const parent = this.#options.directory
    try {
      await mkdir(parent, { recursive: true, mode: 0o700 })
      await createSessionDirectory(directory, env)
    } catch (error) {
      if (isTaken(error, directory)) throw badRequest(`session ${id} is there already`)
      throw new SpawnError("system", parent, `${parent} can't be written: ${messageOf(error)}`, { cause: error })
    }
  }

  send(request: Request<"send">): { acceptedBytes: number; queuedBytes: number } {
    const session = this.#running(request.session)
    const data = Buffer.from(request.data, "base64")
    if (data.length !== base64Bytes(request.data)) throw badRequest("data is not base64")
    const answer = session.type(data)
    if (answer === "accepted" && request.endInput === true) session.endInput()
    const queuedBytes = session.queuedInputBytes
    if (answer === "ended") throw ended(request.session)
    if (answer === "accepted") return { acceptedBytes: data.length, queuedBytes }
    const limitBytes = session.inputLimitBytes
    const message = `${queuedBytes} bytes wait for the program already; the limit is ${limitBytes}`
    throw new HostFailure({ code: "input-queue-full", message, queuedBytes, limitBytes })
  }

  /** Types an answer to a terminal's question, unless it was answered already. */
  answer(request: Request<"answer">): { acceptedBytes: number; queuedBytes: number } {
    const session = this.#running(request.session)
    const data = Buffer.from(request.data, "base64")
    const acceptedBytes = session.answer(request.offset, data) ? data.length : 0
    return { acceptedBytes, queuedBytes: session.queuedInputBytes }
  }

  resize(request: Request<"resize">): HostSession {
    const session = this.#running(request.session)
    if (!session.resize(request.cols, request.rows) && session.exit !== null) throw ended(request.session)
    return session.describe()
  }

  /** `begun`: a predecessor of this process sent the signal; what is left of the grace is waited for. */
  async kill(request: Request<"kill">, begun = false): Promise<HostSession> {
    const signal = signalNamed(request.signal)
    if (signal === null) {
      throw new HostFailure({ code: "unknown-signal", message: `"${request.signal}" is not a signal` })
    }
    if (begun && this.#sessions.get(request.session)?.closed !== false) {
      return this.inspect({ id: request.id, op: "inspect", session: request.session })
    }
    const session = this.#sessions.get(request.session)
    if (session?.closed !== false) return this.#killRemains(request.session, signal, request.graceMillis)
    if (request.reason !== undefined) session.endingBecause(request.reason)
    if (!(await killSession(session, begun ? null : signal, request.graceMillis))) {
      throw undying(request.session, session.survivors())
    }
    return session.describe()
  }

  /** Of a session that has ended or is lost. */
  async #killRemains(id: string, signal: NodeJS.Signals, graceMillis: number): Promise<HostSession> {
    this.#known(id)
    const left = await this.#during(endRemains(id, signal, graceMillis))
    if (left === null) throw ended(id)
    if (left.length > 0) throw undying(id, left)
    return this.open(id)!.describe()
  }

  set(request: Request<"set">): HostSession {
    const directory = this.#directoryOf(request.session)
    const session = this.#sessions.get(request.session)
    const before = session?.file ?? readSessionFile(directory)
    if (before === null) throw unknownSession(request.session)
    const { id: _id, op: _op, session: _session, ...changes } = request
    const file: SessionFile = { ...before, ...changes }
    replaceSessionFile(directory, file)
    if (file.restartedAs !== undefined || file.restartStopped !== undefined) deleteEnvironment(directory)
    if (session === undefined) return this.inspect({ ...request, op: "inspect" })
    session.set(file)
    this.#announce("changed", session)
    return session.describe()
  }

  inspect(request: Request<"inspect">): HostSession {
    const session = this.open(request.session)
    if (session === null) throw unknownSession(request.session)
    return session.describe()
  }

  grant(request: Request<"grant">): void {
    const { id: _id, op: _op, ticket, ...grant } = request
    this.#known(request.session)
    if (!this.tickets.add(ticket, grant)) throw badRequest("this ticket was given out already")
  }

  async remove(request: Request<"remove">): Promise<void> {
    if (this.#frozen !== null) await this.#frozen
    const session = this.#sessions.get(request.session)
    if (this.#starting.has(request.session) || session?.closed === false) {
      throw running(`session ${request.session} is running`)
    }
    // One whose end is not recorded yet: nobody needs it recorded any more.
    const end = this.#ends.get(request.session)
    this.#ends.delete(request.session)
    await end?.abandon()
    if (session !== undefined) this.#forget(session)
    // Nobody could find them any more.
    const directory = this.#directoryOf(request.session)
    const isLost = session === undefined && readSessionFile(directory) !== null && readExitFile(directory) === null
    if (isLost) await this.#during(endRemains(request.session))
    // First, so that nobody makes a file there while it is deleted.
    const remains = session?.describe() ?? this.open(request.session)?.describe()
    if (remains !== undefined) this.#tell({ event: "removed", session: remains })
    const deleted = this.#during(deleteSessionDirectory(directory))
    if (!(await deleted)) throw unknownSession(request.session)
  }

  async #during<A>(work: Promise<A>): Promise<A> {
    this.#work.add(work)
    try {
      return await work
    } finally {
      this.#work.delete(work)
    }
  }

  /** Throws when there is anything that would be lost with this process. */
  checkStop(): void {
    if (this.held > 0) throw running(`${this.held} sessions are held`)
  }

  /** A session's output, running or not; null when there is no such session or its files are damaged. */
  open(id: string): Readable | null {
    const held = this.#sessions.get(id)
    if (held !== undefined) return held
    const directory = this.#directoryOf(id)
    const file = readSessionFile(directory)
    return file === null ? null : new ArchivedSession(directory, file, readExitFile(directory), this.#options.logFs)
  }

  #running(id: string): Session {
    const session = this.#sessions.get(id)
    // One that has closed stays for a moment, until its end is on the disk.
    if (session?.closed === false) return session
    this.#known(id)
    throw ended(id)
  }

  #known(id: string): void {
    if (!this.#sessions.has(id) && readSessionFile(this.#directoryOf(id)) === null) throw unknownSession(id)
  }

  #directoryOf(id: string): string {
    return join(this.#options.directory, id)
  }

  #announce(event: HostEvent["event"], session: Session, client?: ClientChange): void {
    this.#tell({ event, session: session.describe(), ...(client === undefined ? {} : { client }) })
  }

  #tell(event: HostEvent): void {
    for (const listener of this.#listeners) listener(event)
  }

  #needScreens(): void {
    let terminals = 0
    for (const { file } of this.#sessions.values()) if (file.kind === "pty") terminals++
    this.screens.need(terminals)
  }

  /** Puts a session's end on disk, and lets go of it then. */
  async #finish(session: Session, directory: string): Promise<void> {
    if (this.#over) return
    const { id } = session.file
    this.#limits.release(id)
    const file: ExitFile = {
      exit: session.exit!,
      closedAt: session.closedAt!,
      output: { oldest: session.log.oldest, end: session.head },
      logLostBytes: session.log.lostBytes
    }
    const record = new ExitRecord(directory, file, (error) => {
      this.#options.log(`session ${id}: its end could not be written: ${messageOf(error)}`)
    })
    this.#ends.set(id, record)
    if (await record.firstTry) this.#forget(session)
    if (this.#over) return
    this.#announce("closed", session)
    await record.done
    // Otherwise it was removed in the meantime.
    if (this.#ends.get(id) !== record) return
    this.#ends.delete(id)
    this.#forget(session)
  }

  #forget(session: Session): void {
    this.#sessions.delete(session.file.id)
    this.#needScreens()
    this.#options.onChange()
  }
}

const undying = (id: string, pids: ReadonlyArray<number>) =>
  new HostFailure({ code: "internal", message: `session ${id}: some of its processes don't end: ${pids.join(", ")}` })

/** How many bytes a string of base64 stands for, if it is one. */
const base64Bytes = (text: string): number => {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0
  return (text.length / 4) * 3 - padding
}

const isTaken = (error: unknown, path: string): boolean => {
  const { code, path: where } = error as NodeJS.ErrnoException
  return code === "EEXIST" && where === path
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error))

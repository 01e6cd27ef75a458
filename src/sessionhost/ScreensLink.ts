import { randomUUID } from "node:crypto"
import type { SessionId } from "../protocol/ids.ts"
import type { ScreensAnswer, ScreensAsk, ScreensEvent, ScreensHello } from "../protocol/screens.ts"
import type { HelloReply } from "../protocol/sessionHost.ts"
import type { Snapshot } from "./ExactScreens.ts"
import { HostFailure } from "./HostFailure.ts"

/** A screens process that was started. */
export interface ScreensProcess {
  readonly kill: () => void
  /** How it ended, for people. */
  readonly ended: Promise<string>
}

/** Starts a screens process that shows `token` when it connects; throws when none can be started. */
export type StartScreens = (token: string) => ScreensProcess

/** The screens process's end of the line. */
export interface ScreensPeer {
  readonly ask: (message: ScreensAsk) => void
  readonly end: () => void
}

/** A question that is on its way. */
export interface Asked {
  /** Rejects with {@link HostFailure}. */
  readonly answer: Promise<unknown>
  /** Nobody waits for the answer any more. */
  readonly cancel: () => void
}

export interface ScreensLinkOptions {
  /** Null where there is no screens process to be had. */
  readonly start: StartScreens | null
  readonly log: (message: string) => void
  /** How long a process that nobody needs is kept. */
  readonly lingerMillis?: number
  /** How long a question waits for a process to connect. */
  readonly connectMillis?: number
}

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (failure: HostFailure) => void
  readonly send: () => void
}

interface Running {
  readonly token: string
  readonly process: ScreensProcess | null
  readonly since: number
  peer: ScreensPeer | null
  /** What it said of itself. */
  hello: ScreensHello | null
}

const FIRST_RESTART_MILLIS = 100
const LAST_RESTART_MILLIS = 30_000
/** One that ran for so long is well: the next end of it begins the back-off anew. */
const HEALTHY_MILLIS = 60_000
const LINGER_MILLIS = 30_000
const CONNECT_MILLIS = 8_000
/** A process that was asked to go and does not. */
const LEAVE_MILLIS = 2_000
/** Who attaches has given up by then. */
const SNAPSHOT_MILLIS = 5_000
const MAX_ASKED = 4096
const MAX_SNAPSHOT_BYTES = 64 * 1024 * 1024

/**
 * The host's line to the screens process: starts it while there are terminals, starts it again when it ends, and carries
 * questions to it and answers back, both unread.
 */
export class ScreensLink {
  readonly #options: ScreensLinkOptions
  readonly #listeners = new Set<(event: ScreensEvent) => void>()
  readonly #asked = new Map<number, Waiting>()
  readonly #snapshots = new Map<number, AskedSnapshot>()
  #lastId = 0
  #terminals = 0
  #running: Running | null = null
  #restart: NodeJS.Timeout | null = null
  #linger: NodeJS.Timeout | null = null
  #delay = FIRST_RESTART_MILLIS
  #stopped = false

  constructor(options: ScreensLinkOptions) {
    this.#options = options
  }

  get connected(): boolean {
    return this.#running?.peer != null
  }

  /** The process that is connected, for people. */
  describe(): NonNullable<HelloReply["screens"]> | null {
    const running = this.#running
    if (running?.peer == null || running.hello === null) return null
    const { token: _token, protocol: _protocol, ...process } = running.hello
    return process
  }

  /** How many sessions under a terminal the host holds. */
  need(terminals: number): void {
    this.#terminals = terminals
    this.#check()
  }

  listen(listener: (event: ScreensEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Whether the process that says hello is the one that was started. `leave` is to be called when its connection ends. */
  accept(hello: ScreensHello, peer: ScreensPeer): { readonly leave: () => void } | null {
    const running = this.#running
    if (running === null || running.peer !== null || hello.token !== running.token || this.#stopped) return null
    running.peer = peer
    running.hello = hello
    for (const waiting of [...this.#asked.values(), ...this.#snapshots.values()]) waiting.send()
    return {
      leave: () => {
        if (running.peer !== peer) return
        running.peer = null
        // Without its connection it is of no use, and it ends by itself; if not, it is ended.
        setTimeout(() => running.process?.kill(), LEAVE_MILLIS).unref()
        this.#failAll("the screens process went away before it answered; ask again")
      }
    }
  }

  /** Hands `request` to the screens process, which is started for it when it isn't there. */
  ask(request: unknown): Asked {
    const id = ++this.#lastId
    let timer: NodeJS.Timeout | undefined
    const settled = () => {
      clearTimeout(timer)
      this.#asked.delete(id)
      this.#check()
    }
    const answer = new Promise<unknown>((resolve, reject) => {
      if (this.#asked.size >= MAX_ASKED) return reject(unavailable(`${MAX_ASKED} questions wait for it already`))
      const fail = (failure: HostFailure) => (settled(), reject(failure))
      const send = () => {
        clearTimeout(timer)
        this.#running?.peer?.ask({ ask: id, request })
      }
      this.#asked.set(id, { resolve: (result) => (settled(), resolve(result)), reject: fail, send })
      if (this.connected) return send()
      this.#check()
      if (this.#running === null && this.#restart === null) return fail(unavailable("there is no screens process"))
      const millis = this.#options.connectMillis ?? CONNECT_MILLIS
      timer = setTimeout(() => fail(unavailable(`it did not connect within ${millis} ms`)), millis)
    })
    const cancel = () => {
      const waiting = this.#asked.get(id)
      if (waiting === undefined) return
      this.#running?.peer?.ask({ cancel: id })
      waiting.reject(unavailable("nobody waits for the answer any more"))
    }
    return { answer, cancel }
  }

  /** A session's screen, with so many lines before it; null when there is none to be had in time. */
  snapshot(session: string, wanted: WantedSnapshot, deadlineMillis = SNAPSHOT_MILLIS): Promise<Snapshot | null> {
    const id = ++this.#lastId
    return new Promise((resolve) => {
      const done = (snapshot: Snapshot | null) => {
        clearTimeout(timer)
        this.#snapshots.delete(id)
        this.#check()
        resolve(snapshot)
      }
      const timer = setTimeout(() => {
        this.#running?.peer?.ask({ cancel: id })
        done(null)
      }, deadlineMillis)
      const send = () => this.#running?.peer?.ask({ snapshot: id, session: session as SessionId, ...wanted })
      this.#snapshots.set(id, { parts: [], bytes: 0, done, send })
      if (this.connected) return send()
      this.#check()
      if (this.#running === null && this.#restart === null) done(null)
    })
  }

  /** What the screens process answers or announces. */
  onAnswer(message: ScreensAnswer): void {
    if ("announce" in message) {
      for (const listener of this.#listeners) listener(message.announce)
      return
    }
    const waiting = this.#asked.get(message.answer)
    if (waiting === undefined) return
    const { error, result } = message
    if (error === undefined) waiting.resolve(result)
    else waiting.reject(new HostFailure({ code: "screens", message: error.message, screens: error }))
  }

  /** A `snapshot` frame's payload: 4 bytes id, 8 bytes offset, 2 columns, 2 rows, then contents, none of it in the last. */
  onSnapshot(payload: Buffer): void {
    if (payload.length < SNAPSHOT_HEAD_BYTES) return
    const asked = this.#snapshots.get(payload.readUInt32BE(0))
    if (asked === undefined) return
    const offset = payload.readBigUInt64BE(4)
    if (offset === NO_OFFSET || asked.bytes > MAX_SNAPSHOT_BYTES) return asked.done(null)
    if (payload.length > SNAPSHOT_HEAD_BYTES) {
      asked.parts.push(payload.subarray(SNAPSHOT_HEAD_BYTES))
      asked.bytes += payload.length
      return
    }
    asked.done({
      offset: Number(offset),
      cols: payload.readUInt16BE(12),
      rows: payload.readUInt16BE(14),
      bytes: Buffer.concat(asked.parts)
    })
  }

  /** Ends the process and waits until it has been waited for: nothing is started any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const timer of [this.#restart, this.#linger]) if (timer !== null) clearTimeout(timer)
    this.#restart = null
    this.#linger = null
    this.#failAll("the session-host lets go of it")
    const process = this.#running?.process
    process?.kill()
    await process?.ended
  }

  /** After {@link stop}: as before it. */
  resume(): void {
    this.#stopped = false
    this.#check()
  }

  #check(): void {
    if (this.#stopped) return
    if (this.#isNeeded()) {
      if (this.#linger !== null) clearTimeout(this.#linger)
      this.#linger = null
      if (this.#running === null && this.#restart === null) this.#start()
    } else if (this.#restart !== null) {
      clearTimeout(this.#restart)
      this.#restart = null
    } else if (this.#running !== null) {
      this.#linger ??= setTimeout(() => {
        this.#linger = null
        this.#dismiss()
      }, this.#options.lingerMillis ?? LINGER_MILLIS)
    }
  }

  #isNeeded(): boolean {
    return this.#terminals > 0 || this.#asked.size > 0 || this.#snapshots.size > 0
  }

  #start(): void {
    if (this.#options.start === null) return
    const token = randomUUID()
    const running: Running = {
      token,
      process: this.#tryStart(token),
      since: performance.now(),
      peer: null,
      hello: null
    }
    if (running.process === null) return this.#later()
    this.#running = running
    void this.#superviseTo(running, running.process.ended)
  }

  async #superviseTo(running: Running, ended: Promise<string>): Promise<void> {
    const how = await ended
    this.#running = null
    if (performance.now() - running.since > HEALTHY_MILLIS) this.#delay = FIRST_RESTART_MILLIS
    if (this.#stopped || !this.#isNeeded()) return
    this.#options.log(`the screens process ended (${how}); it is started again in ${this.#delay} ms`)
    this.#later()
  }

  #tryStart(token: string): ScreensProcess | null {
    try {
      return this.#options.start!(token)
    } catch (error) {
      this.#options.log(`no screens process could be started: ${(error as Error).message}`)
      return null
    }
  }

  #later(): void {
    this.#restart = setTimeout(() => {
      this.#restart = null
      this.#check()
    }, this.#delay)
    this.#delay = Math.min(this.#delay * 2, LAST_RESTART_MILLIS)
  }

  /** Nobody needs it: it is asked to go. */
  #dismiss(): void {
    const running = this.#running
    if (running === null) return
    if (running.peer === null) return running.process?.kill()
    running.peer.end()
  }

  #failAll(reason: string): void {
    for (const waiting of this.#asked.values()) waiting.reject(unavailable(reason))
    for (const { done } of this.#snapshots.values()) done(null)
  }
}

export interface WantedSnapshot {
  readonly historyLines: number
  /** Where the session's output ends. */
  readonly head?: number
}

interface AskedSnapshot {
  readonly parts: Array<Buffer>
  bytes: number
  readonly done: (snapshot: Snapshot | null) => void
  readonly send: () => void
}

const SNAPSHOT_HEAD_BYTES = 16
const NO_OFFSET = 0xffff_ffff_ffff_ffffn

const unavailable = (message: string) => new HostFailure({ code: "screens-unavailable", message })

import { Direction } from "../protocol/sessionFrames.ts"
import type { ClientChange, HostSession, LogLimits, SessionFile } from "../protocol/sessionHost.ts"
import type { SessionExit } from "../protocol/sessions.ts"
import { MAX_RECORD_DATA_BYTES } from "./log/format.ts"
import type { LogFs } from "./log/LogFs.ts"
import { LogWriter } from "./log/LogWriter.ts"
import type { Program, ProgramExit, ProgramListener } from "./program.ts"
import { Answers } from "./Answers.ts"
import type { Readable, Reader } from "./Readable.ts"
import { InputLease } from "./InputLease.ts"
import { Recent } from "./Recent.ts"
import { recentOf } from "./upgrade/recentOf.ts"
import type { SessionState } from "./upgrade/state.ts"

/** What a session announces. Called from the event loop. */
export interface SessionListener {
  readonly exited: () => void
  readonly resized: () => void
  /** No byte follows and every descriptor is closed. */
  readonly closed: () => void
  readonly logLost: (error: Error) => void
  readonly logRestored: () => void
  readonly clientChanged: (change: ClientChange) => void
  /** A bug: something in this session's code threw. */
  readonly failed: (error: unknown) => void
}

export interface SessionOptions {
  readonly file: SessionFile
  /** Exists, and is empty but for `session.json`. */
  readonly directory: string
  readonly limits: LogLimits
  readonly recentBytes: number
  readonly inputQueueBytes: number
  /** Starts the program, or goes on with the one that `held` tells of. */
  readonly start: (listener: ProgramListener) => Program
  readonly listener: SessionListener
  readonly logFs?: LogFs
  /** How the session stood when this process replaced itself. */
  readonly held?: SessionState
  /** Asked when the program has ended and nobody said why: whether a limit did it. */
  readonly reason?: () => string | null
}

/** Somebody who has input that the program didn't take yet. */
export interface Typist {
  readonly onInputDrained: () => void
}

/**
 * A session: a program, the log of what it said, and who listens. Everything happens in the event loop's turn in which
 * it is heard of: a turn's output is appended to the log first and then handed to the clients, so the log is never
 * behind what somebody has seen.
 */
export class Session implements Readable {
  readonly log: LogWriter
  readonly recent: Recent
  readonly inputLimitBytes: number
  readonly lease = new InputLease(({ cols, rows }) => void this.resize(cols, rows))
  readonly #listener: SessionListener
  readonly #reason: () => string | null
  readonly #program: Program
  readonly #limits: LogLimits
  readonly #recentBytes: number
  readonly #readers = new Set<Reader>()
  readonly #typists = new Set<Typist>()
  readonly #inputDirection: Direction
  #file: SessionFile
  #exit: SessionExit | null = null
  /** Why hob is ending it, from the moment in which it begins to. */
  #endReason: string | null = null
  /** The last output, input or departure of a client. */
  #quietSince = Date.now()
  #typedAt: number | null = null
  #closedAt: string | null = null
  /** Output that is in `recent` and neither in the log nor with the clients yet. */
  #pendingBytes = 0
  #pendingDirection: Direction = Direction.output
  #flushScheduled = false
  readonly #answers = new Answers()

  /** Starts the program; throws `SpawnError`, or the system's error when the log can't be begun. */
  constructor(options: SessionOptions) {
    const { held } = options
    this.#file = options.file
    this.#listener = options.listener
    this.#reason = options.reason ?? (() => null)
    this.#limits = options.limits
    this.#recentBytes = options.recentBytes
    if (held !== undefined) {
      this.#exit = held.exit
      this.#closedAt = held.closedAt
      this.#endReason = held.endReason ?? null
      this.#quietSince = held.quietSince ?? this.#quietSince
      this.#typedAt = held.typedAt ?? null
      if (held.answers !== undefined) this.#answers.restore(held.answers, performance.now())
    }
    this.#inputDirection = options.file.kind === "pty" ? Direction.input : Direction.stdin
    this.inputLimitBytes = options.inputQueueBytes
    this.log = new LogWriter({
      directory: options.directory,
      ...(options.file.kind === "pty" ? { size: held?.firstSize ?? options.file } : {}),
      ...(held === undefined ? {} : { held: held.log }),
      limits: options.limits,
      listener: { lost: options.listener.logLost, restored: options.listener.logRestored },
      ...(options.logFs === undefined ? {} : { fs: options.logFs })
    })
    this.recent = held === undefined ? new Recent(options.recentBytes) : recentOf(this.log, options.recentBytes)
    try {
      this.#program = options.start({
        output: (direction, chunk) => this.#guard(() => this.#onOutput(direction, chunk)),
        exited: (exit) => this.#guard(() => this.#onExited(exit)),
        closed: () => this.#guard(() => this.#onClosed()),
        inputDrained: () => this.#guard(() => this.#onInputDrained())
      })
    } catch (error) {
      this.log.close()
      throw error
    }
  }

  get file(): SessionFile {
    return this.#file
  }

  get exit(): SessionExit | null {
    return this.#exit
  }

  get closed(): boolean {
    return this.#closedAt !== null
  }

  get closedAt(): string | null {
    return this.#closedAt
  }

  get head(): number {
    return this.recent.end - this.#pendingBytes
  }

  get oldest(): number {
    return Math.min(this.log.oldest, this.recent.oldest)
  }

  get queuedInputBytes(): number {
    return this.#program.queuedInputBytes
  }

  readonly describe = (): HostSession => ({
    ...this.#file,
    pid: this.#exit === null ? this.#program.pid : null,
    exit: this.#exit,
    closedAt: this.#closedAt,
    output: { oldest: this.log.oldest, end: this.head },
    logLostBytes: this.log.lostBytes,
    logMaxBytes: this.log.maxBytes,
    clients: this.#clients,
    input: this.lease.holder,
    quietSince: new Date(this.#clients > 0 ? Date.now() : this.#quietSince).toISOString(),
    ...(this.#typedAt === null ? {} : { typedAt: new Date(this.#typedAt).toISOString() })
  })

  /** What a successor of this process needs to go on with the session; null when its program can't be handed over. */
  handOver(): SessionState | null {
    const program = this.closed ? null : this.#program.handOver?.()
    if (program === undefined) return null
    this.#flush()
    const sizes = this.log.sizes()
    const first = sizes?.get(sizes.oldest)
    return {
      file: this.#file,
      limits: this.#limits,
      recentBytes: this.#recentBytes,
      inputQueueBytes: this.inputLimitBytes,
      exit: this.#exit,
      endReason: this.#endReason,
      closedAt: this.#closedAt,
      quietSince: this.#quietSince,
      ...(this.#typedAt === null ? {} : { typedAt: this.#typedAt }),
      answers: this.#answers.written(performance.now()),
      log: this.log.handOver(),
      program,
      ...(first == null ? {} : { firstSize: { cols: first.cols, rows: first.rows } })
    }
  }

  get #clients(): number {
    let count = 0
    for (const { counted } of this.#readers) if (counted) count++
    return count
  }

  readonly join = (reader: Reader): void => {
    // Clients first: whoever is written to may be run at once in our place, and a key's echo is not to wait for others.
    const others = reader.counted ? [...this.#readers].filter(({ counted }) => !counted) : []
    for (const other of others) this.#readers.delete(other)
    for (const each of [reader, ...others]) this.#readers.add(each)
  }

  readonly leave = (reader: Reader): void => {
    this.#readers.delete(reader)
    if (reader.counted) this.#quietSince = Date.now()
  }

  /** A client has attached, or is gone. Once the session has closed nobody needs to know. */
  tellOfClient(change: ClientChange): void {
    if (!this.closed) this.#listener.clientChanged(change)
  }

  /** Types `data`, all of it or nothing. */
  type(data: Buffer): "accepted" | "full" | "ended" {
    const answer = this.#program.write(data)
    this.#quietSince = Date.now()
    if (data.length > 0) this.#typedAt = this.#quietSince
    if (answer === "accepted" && this.#limits.logInput) {
      this.#flush()
      const time = Date.now()
      for (let at = 0; at < data.length; at += MAX_RECORD_DATA_BYTES) {
        this.log.append(this.#inputDirection, [data.subarray(at, at + MAX_RECORD_DATA_BYTES)], time)
      }
      for (const reader of this.#readers) if (reader.onInput !== undefined) this.#guard(reader.onInput)
    }
    return answer
  }

  /**
   * Types `data`, an answer to a question in the output before `offset`. False when it is not typed: one up to there was
   * typed already, the program is not reading, or it asked so long ago, and has printed since, that it waits no more.
   */
  answer(offset: number, data: Buffer): boolean {
    if (!this.#answers.wanted(offset, this.head, performance.now())) return false
    if (this.type(data) !== "accepted") return false
    this.#answers.given(offset)
    return true
  }

  /** On pipes the end of standard input, behind what is queued; a terminal's is typed, so nothing there. */
  endInput(): "accepted" | "full" | "ended" {
    this.#program.endInput?.()
    return "accepted"
  }

  /** Calls `typist` once when input that was refused as `full` may be tried again, or the session has ended. */
  whenInputDrained(typist: Typist): void {
    this.#typists.add(typist)
  }

  forget(typist: Typist): void {
    this.#typists.delete(typist)
  }

  /** False on pipes and after exit. */
  resize(cols: number, rows: number): boolean {
    if (!this.#program.resize(cols, rows)) return false
    if (cols === this.#file.cols && rows === this.#file.rows) return true
    // What was read before belongs to the old size.
    this.#flush()
    this.#file = { ...this.#file, cols, rows }
    this.log.resize(cols, rows, Date.now())
    this.#tellReaders()
    this.#listener.resized()
    return true
  }

  /** Says why it is about to be ended; the first reason stays. */
  endingBecause(reason: string): void {
    if (this.#exit === null) this.#endReason ??= reason
  }

  /** Takes what `session.json` says from now on. */
  set(file: SessionFile): void {
    this.#file = { ...file, cols: this.#file.cols, rows: this.#file.rows }
  }

  signalAll(signal: NodeJS.Signals): void {
    this.#program.signalAll(signal)
  }

  survivors(): ReadonlyArray<number> {
    return this.#program.survivors()
  }

  #onOutput(direction: Direction, chunk: Buffer): void {
    if (this.#pendingBytes > 0 && direction !== this.#pendingDirection) this.#flush()
    this.#pendingDirection = direction
    for (let at = 0; at < chunk.length; at += MAX_RECORD_DATA_BYTES) {
      if (this.#pendingBytes + Math.min(chunk.length - at, MAX_RECORD_DATA_BYTES) > MAX_RECORD_DATA_BYTES) this.#flush()
      const piece = chunk.subarray(at, at + MAX_RECORD_DATA_BYTES)
      this.recent.append(piece)
      this.#pendingBytes += piece.length
    }
    if (this.#flushScheduled) return
    // After whatever else the reader has to deliver in this turn: one append to the log and one write per client.
    this.#flushScheduled = true
    process.nextTick(this.#flushTurn)
  }

  readonly #flushTurn = (): void => {
    this.#flushScheduled = false
    this.#guard(() => this.#flush())
  }

  #flush(): void {
    const bytes = this.#pendingBytes
    if (bytes === 0) return
    const offset = this.head
    const slices = this.recent.slices(offset, offset + bytes)
    this.#pendingBytes = 0
    this.#quietSince = Date.now()
    this.log.append(this.#pendingDirection, slices, this.#quietSince)
    this.#answers.printed(this.head, performance.now())
    let inUseFrom = Infinity
    for (const reader of this.#readers) {
      this.#guard(() => reader.onOutput(offset, slices, bytes))
      inUseFrom = Math.min(inUseFrom, reader.pendingFrom)
    }
    this.recent.trim(inUseFrom)
  }

  #onExited(exit: ProgramExit): void {
    this.#flush()
    this.#exit = {
      code: exit.code,
      signal: exit.signal,
      at: new Date().toISOString(),
      reason: this.#endReason ?? this.#reason()
    }
    this.#tellReaders()
    this.#onInputDrained()
    this.#listener.exited()
  }

  #onClosed(): void {
    this.#flush()
    this.log.close()
    this.#closedAt = new Date().toISOString()
    this.#tellReaders()
    this.#listener.closed()
  }

  #onInputDrained(): void {
    const typists = [...this.#typists]
    this.#typists.clear()
    for (const typist of typists) this.#guard(() => typist.onInputDrained())
  }

  #tellReaders(): void {
    for (const reader of this.#readers) this.#guard(() => reader.onChange())
  }

  // What one reader or one callback throws must reach neither the program's reader nor another client.
  #guard(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#listener.failed(error)
    }
  }
}

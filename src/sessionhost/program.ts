import type { Direction } from "../protocol/sessionHost.ts"
import type { ProgramState } from "./upgrade/state.ts"

/** How a program ended: exactly one of the two is not null. */
export interface ProgramExit {
  readonly code: number | null
  /** Such as `SIGKILL`. */
  readonly signal: string | null
}

/** What a program tells its session. Called from the event loop, never after `closed`. */
export interface ProgramListener {
  /** `chunk` is only valid during the call: the reader uses its buffer again. */
  readonly output: (direction: Direction, chunk: Buffer) => void
  /** The program has been waited for. Its output may not have been read to the end, and its children may print on. */
  readonly exited: (exit: ProgramExit) => void
  /** The last byte of output has been delivered and every descriptor is closed. Always after `exited`. */
  readonly closed: () => void
  /**
   * Once after each time input was refused as `full`: less than half of the limit is queued, so that a piece of up to
   * half the limit is accepted. Or the program closed its input and lives on: the next `write` says `ended`.
   */
  readonly inputDrained: () => void
}

/** A running program, under a PTY or on pipes. Every method is safe to call at any time, also after `closed`. */
export interface Program {
  readonly pid: number
  /** Bytes of input accepted and not yet read by the program. */
  readonly queuedInputBytes: number
  /** Queues input: all of it or, when the queue is full or the program has exited, none. Copies `data`. */
  readonly write: (data: Buffer) => "accepted" | "full" | "ended"
  /** Sets the terminal's size; false on pipes and after exit. */
  readonly resize: (cols: number, rows: number) => boolean
  /**
   * Sends a signal to every process of the session: its group, its terminal session, and descendants that left them.
   * Also after `exited` and `closed`, for those that live on. Blocks while it reads /proc, a few milliseconds.
   */
  readonly signalAll: (signal: NodeJS.Signals) => void
  /** On pipes: the end of the program's standard input, behind what is queued. A terminal's is typed (Ctrl-D). */
  readonly endInput?: () => void
  /**
   * What a successor of this process needs to hold the program from then on, with the descriptors it has to inherit.
   * Changes nothing. Programs that can't be handed over have no such method.
   */
  readonly handOver?: () => ProgramState
  /**
   * Ids of the session's processes that still run, of those too that left its group and terminal; also after `closed`.
   * What `signalAll` would reach; no zombies.
   */
  readonly survivors: () => ReadonlyArray<number>
}

/** What is needed to start a {@link Program}. */
export interface ProgramSpec {
  /** Absolute path of the executable. */
  readonly file: string
  /** Arguments without the program's own name. */
  readonly args: ReadonlyArray<string>
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly cols: number
  readonly rows: number
  readonly inputQueueBytes: number
}

/** Starts a program; throws {@link SpawnError}. */
export type StartProgram = (spec: ProgramSpec, listener: ProgramListener) => Program

/** Why a program could not be started; the fields of protocol's `SpawnFailed`. */
export class SpawnError extends Error {
  override readonly name = "SpawnError"
  readonly reason:
    | "empty-command"
    | "command-not-found"
    | "not-executable"
    | "cwd-missing"
    | "cwd-not-a-directory"
    | "cwd-unreadable"
    | "cwd-no-answer"
    | "bad-environment"
    | "bad-argument"
    | "pty-unavailable"
    | "limit-unavailable"
    | "system"
  readonly subject: string
  constructor(reason: SpawnError["reason"], subject: string, detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.reason = reason
    this.subject = subject
  }
}

/** Holds from now on a program that a predecessor of this process has told of; throws when that can't be. */
export type AdoptProgram = (state: ProgramState, inputQueueBytes: number, listener: ProgramListener) => Program

/** Of a session whose program has ended and whose descriptors are closed. */
export const endedProgram: Program = {
  pid: 0,
  queuedInputBytes: 0,
  write: () => "ended",
  resize: () => false,
  signalAll: () => {},
  survivors: () => []
}

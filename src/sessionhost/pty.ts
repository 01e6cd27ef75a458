import { closeSync, fstatSync, writeSync } from "node:fs"
import { Direction } from "../protocol/sessionFrames.ts"
import { childDescriptors } from "./ChildDescriptors.ts"
import { typing } from "./givingWay.ts"
import { InputQueue } from "./InputQueue.ts"
import { type Program, type ProgramExit, type ProgramListener, type ProgramSpec, SpawnError } from "./program.ts"
import { PtyMaster } from "./PtyMaster.ts"
import { SessionProcesses } from "./SessionProcesses.ts"
import { type Terminals, terminals } from "./terminals.ts"
import { reaper } from "./upgrade/Reaper.ts"
import type { ProgramState, PtyState } from "./upgrade/state.ts"

export { ptyUnavailable } from "./terminals.ts"

/** A program under a terminal, however this process came to it. */
interface Held {
  readonly pid: number
  /** −1 when it has been read to its end. */
  readonly master: number
  /**
   * Held open until the program has been waited for: a program that closes its terminal and lives on is not hung up.
   * −1 from then on.
   */
  readonly slave: number
  readonly processes: SessionProcesses
}

class PtyProgram implements Program {
  readonly pid: number
  readonly #terminals: Terminals
  readonly #listener: ProgramListener
  readonly #input: InputQueue
  readonly #master: PtyMaster | null
  readonly #processes: SessionProcesses
  #slave: number
  #exited = false
  #closed = false

  private constructor(terminals: Terminals, held: Held, inputQueueBytes: number, listener: ProgramListener) {
    this.#terminals = terminals
    this.#listener = listener
    this.pid = held.pid
    this.#slave = held.slave
    this.#processes = held.processes
    this.#input = new InputQueue(inputQueueBytes, {
      write: (buffer, offset, length) => this.#tryWrite(buffer, offset, length),
      drained: listener.inputDrained
    })
    this.#closed = held.master < 0
    this.#master = this.#closed
      ? null
      : new PtyMaster(held.master, {
          output: (chunk) => listener.output(Direction.output, chunk),
          mayGo: () => !typing.elsewhere(this),
          closing: () => this.#onClosing(),
          closed: () => this.#onClosed()
        })
  }

  static start(terminals: Terminals, spec: ProgramSpec, listener: ProgramListener): PtyProgram {
    let program: PtyProgram | null = null
    const { master, path, pid, slave } = terminals.start(spec, (exit) => program?.onExited(exit))
    try {
      const terminal = { path, device: fstatSync(slave).rdev }
      const processes = SessionProcesses.of({ pid, env: spec.env, terminal })
      return (program = new PtyProgram(terminals, { pid, master, slave, processes }, spec.inputQueueBytes, listener))
    } catch (cause) {
      process.kill(pid, "SIGKILL")
      childDescriptors.closing(master)
      for (const fd of [master, slave]) closeSync(fd)
      throw new SpawnError("system", spec.file, `Its terminal can't be opened: ${(cause as Error).message}`, { cause })
    }
  }

  /** Goes on with a program that this process held before it replaced itself. */
  static adopt(terminals: Terminals, state: PtyState, inputQueueBytes: number, listener: ProgramListener): PtyProgram {
    const processes = SessionProcesses.restored(state.traits)
    const held = { pid: state.pid, master: state.master ?? -1, slave: state.slave ?? -1, processes }
    const program = new PtyProgram(terminals, held, inputQueueBytes, listener)
    program.#exited = state.exited
    if (state.exited) {
      program.#input.end()
      // Its terminal was being closed.
      if (program.#closed) setImmediate(listener.closed)
    } else {
      program.#input.restore(Buffer.from(state.input, "base64"))
      reaper.watch(state.pid, (exit) => program.onExited(exit))
    }
    return program
  }

  readonly handOver = (): ProgramState => ({
    kind: "pty",
    pid: this.pid,
    traits: this.#processes.written(),
    exited: this.#exited,
    master: this.#closed || this.#master === null || this.#master.fd < 0 ? null : this.#master.fd,
    slave: this.#slave < 0 ? null : this.#slave,
    input: this.#input.waiting().toString("base64")
  })

  get queuedInputBytes(): number {
    return this.#input.bytes
  }

  write(data: Buffer): "accepted" | "full" | "ended" {
    typing.typed(this)
    return this.#input.push(data)
  }

  resize(cols: number, rows: number): boolean {
    if (this.#exited || this.#master === null || this.#master.fd < 0) return false
    // What was printed for the size before is read before.
    this.#master.drain()
    return this.#terminals.resize(this.#master.fd, cols, rows)
  }

  signalAll(signal: NodeJS.Signals): void {
    this.#processes.signalAll(signal)
  }

  survivors(): ReadonlyArray<number> {
    return this.#processes.survivors()
  }

  #tryWrite(buffer: Buffer, offset: number, length: number): number {
    try {
      return writeSync(this.#master?.fd ?? -1, buffer, offset, length, null)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return 0
      throw error
    }
  }

  /** All that the program wrote is in the kernel's buffer by now and fits in one turn: it comes before `exited`. */
  onExited(exit: ProgramExit): void {
    this.#exited = true
    this.#processes.programEnded()
    this.#input.end()
    this.#master?.drain()
    closeSync(this.#slave)
    this.#slave = -1
    this.#listener.exited(exit)
    if (this.#closed) this.#listener.closed()
  }

  #onClosing(): void {
    typing.forget(this)
    this.#input.end()
    this.#processes.filesClosed()
    childDescriptors.closing(this.#master?.fd ?? -1)
  }

  /** Before `exited` only if the program had its terminal taken away by vhangup(2). */
  #onClosed(): void {
    this.#closed = true
    if (this.#exited) this.#listener.closed()
  }
}

/** Starts a program under a terminal of its own, in the way that `find` gives. */
export const startPtyWith =
  (find: () => Terminals) =>
  (spec: ProgramSpec, listener: ProgramListener): Program =>
    PtyProgram.start(find(), spec, listener)

/** Starts a program under a terminal of its own. Throws `SpawnError`, `pty-unavailable` where no terminal can be opened. */
export const startPty = startPtyWith(terminals)

/** Holds a program under a terminal from now on, of which a predecessor of this process has told. Throws. */
export const adoptPty = (state: PtyState, inputQueueBytes: number, listener: ProgramListener): Program =>
  PtyProgram.adopt(terminals(), state, inputQueueBytes, listener)

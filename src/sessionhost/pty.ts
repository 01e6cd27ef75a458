import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs"
import { Direction } from "../protocol/sessionFrames.ts"
import { childDescriptors } from "./ChildDescriptors.ts"
import { InputQueue } from "./InputQueue.ts"
import { type LoadedPty, nativePty } from "./nativePty.ts"
import { type Program, type ProgramExit, type ProgramListener, type ProgramSpec, SpawnError } from "./program.ts"
import { PtyMaster } from "./PtyMaster.ts"
import { SessionProcesses } from "./SessionProcesses.ts"
import { signalName } from "./signals.ts"

export { ptyUnavailable } from "./nativePty.ts"

class PtyProgram implements Program {
  readonly pid: number
  readonly #native: LoadedPty["native"]
  readonly #listener: ProgramListener
  readonly #input: InputQueue
  readonly #master: PtyMaster
  readonly #processes: SessionProcesses
  /** Held open until the program has been waited for: a program that closes its terminal and lives on is not hung up. */
  readonly #slave: number
  #exited = false
  #closed = false

  constructor(loaded: LoadedPty, spec: ProgramSpec, listener: ProgramListener) {
    this.#native = loaded.native
    this.#listener = listener
    let abandoned = false
    const forked = fork(loaded, spec, (exit) => abandoned || this.#onExited(exit))
    this.pid = forked.pid
    try {
      this.#slave = openSync(forked.pty, constants.O_RDWR | constants.O_NOCTTY)
      const terminal = { path: forked.pty, device: fstatSync(this.#slave).rdev }
      this.#processes = new SessionProcesses({ pid: forked.pid, env: spec.env, terminal })
      childDescriptors.opened(forked.fd)
      this.#master = new PtyMaster(forked.fd, {
        output: (chunk) => listener.output(Direction.output, chunk),
        closing: () => this.#onClosing(),
        closed: () => this.#onClosed()
      })
    } catch (cause) {
      abandoned = true
      process.kill(forked.pid, "SIGKILL")
      childDescriptors.closing(forked.fd)
      closeSync(forked.fd)
      throw new SpawnError("system", spec.file, `Its terminal can't be opened: ${(cause as Error).message}`, { cause })
    }
    this.#input = new InputQueue(spec.inputQueueBytes, {
      write: (buffer, offset, length) => this.#tryWrite(buffer, offset, length),
      drained: listener.inputDrained
    })
  }

  get queuedInputBytes(): number {
    return this.#input.bytes
  }

  write(data: Buffer): "accepted" | "full" | "ended" {
    return this.#input.push(data)
  }

  resize(cols: number, rows: number): boolean {
    if (this.#exited || this.#master.fd < 0) return false
    // What was printed for the size before is read before.
    this.#master.drain()
    try {
      this.#native.resize(this.#master.fd, cols, rows, 0, 0)
      return true
    } catch {
      return false
    }
  }

  signalAll(signal: NodeJS.Signals): void {
    this.#processes.signalAll(signal)
  }

  survivors(): ReadonlyArray<number> {
    return this.#processes.survivors()
  }

  #tryWrite(buffer: Buffer, offset: number, length: number): number {
    try {
      return writeSync(this.#master.fd, buffer, offset, length, null)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return 0
      throw error
    }
  }

  /** All that the program wrote is in the kernel's buffer by now and fits in one turn: it comes before `exited`. */
  #onExited(exit: ProgramExit): void {
    this.#exited = true
    this.#processes.programEnded()
    this.#input.end()
    this.#master.drain()
    closeSync(this.#slave)
    this.#listener.exited(exit)
    if (this.#closed) this.#listener.closed()
  }

  #onClosing(): void {
    this.#input.end()
    this.#processes.filesClosed()
    childDescriptors.closing(this.#master.fd)
  }

  /** Before `exited` only if the program had its terminal taken away by vhangup(2). */
  #onClosed(): void {
    this.#closed = true
    if (this.#exited) this.#listener.closed()
  }
}

const fork = ({ helperPath, native }: LoadedPty, spec: ProgramSpec, exited: (exit: ProgramExit) => void) => {
  const env = Object.entries(spec.env).map(([name, value]) => `${name}=${value}`)
  const onExit = (code: number, signal: number) =>
    exited(signal === 0 ? { code, signal: null } : { code: null, signal: signalName(signal) })
  try {
    return childDescriptors.withoutGaps(() =>
      native.fork(spec.file, spec.args, env, spec.cwd, spec.cols, spec.rows, -1, -1, true, helperPath, onExit)
    )
  } catch (cause) {
    const detail = `No terminal, process or descriptor could be had for it: ${(cause as Error).message}`
    throw new SpawnError("system", spec.file, detail, { cause })
  }
}

/** Starts a program under a terminal of its own, with the native module that `load` gives. */
export const startPtyWith =
  (load: () => LoadedPty) =>
  (spec: ProgramSpec, listener: ProgramListener): Program =>
    new PtyProgram(load(), spec, listener)

/** Starts a program under a terminal of its own. Throws `SpawnError`, `pty-unavailable` where no terminal can be opened. */
export const startPty = startPtyWith(nativePty)

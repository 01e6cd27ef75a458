import { closeSync, constants, openSync, readSync, writeSync } from "node:fs"
import { ReadStream } from "node:tty"
import { Direction } from "../protocol/sessionFrames.ts"
import { closing, opened, withoutGaps } from "./inheritance.ts"
import { InputQueue } from "./inputQueue.ts"
import { type LoadedPty, nativePty } from "./nativePty.ts"
import {
  type Program,
  type ProgramExit,
  type ProgramListener,
  type ProgramSpec,
  SpawnError,
  type StartProgram
} from "./program.ts"
import { signalName } from "./signals.ts"

export { ptyUnavailable } from "./nativePty.ts"

/** One turn of one session reads at most this much, then the others get theirs. */
const turnBytes = 256 * 1024

/** Where every session reads to: a turn is over before the next one begins. */
const arena = Buffer.allocUnsafeSlow(turnBytes)

/** Reads what there is into `arena` behind the first `filled` bytes; returns how many are filled then. */
const readOn = (fd: number, filled: number): number => {
  try {
    while (filled < turnBytes) {
      const count = readSync(fd, arena, filled, turnBytes - filled, null)
      if (count === 0) break
      filled += count
    }
  } catch {
    // EAGAIN: that was all. EIO: nobody has the terminal open any more.
  }
  return filled
}

/** The master of a terminal as libuv polls it. `going` is called before the descriptor is closed, whoever closes it. */
class Master extends ReadStream {
  readonly #going: () => void

  constructor(fd: number, going: () => void, readable: (count: number) => void) {
    super(fd, { onread: { buffer: arena, callback: (count) => (readable(count), true) } })
    this.#going = going
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#going()
    super._destroy(error, callback)
  }
}

class PtyProgram implements Program {
  readonly pid: number
  readonly #native: LoadedPty["native"]
  readonly #listener: ProgramListener
  readonly #input: InputQueue
  readonly #master: Master
  /** −1 once closed: the number may be another session's by then. */
  #fd: number
  /** Held until the program has been waited for, so that the terminal is not hung up before. −1 after. */
  #slave: number
  #exited = false

  constructor(loaded: LoadedPty, spec: ProgramSpec, listener: ProgramListener) {
    this.#native = loaded.native
    this.#listener = listener
    const forked = fork(loaded, spec, (exit) => this.#onExit(exit))
    this.pid = forked.pid
    this.#fd = forked.fd
    opened(forked.fd)
    this.#slave = openSync(forked.pty, constants.O_RDWR | constants.O_NOCTTY)
    this.#input = new InputQueue(spec.inputQueueBytes, {
      write: (...piece) => this.#tryWrite(...piece),
      drained: listener.inputDrained
    })
    this.#master = new Master(
      forked.fd,
      () => this.#onGoing(),
      (count) => this.#onReadable(count)
    )
    this.#master.on("error", () => {})
    this.#master.on("close", () => this.#onClose())
    this.#master.resume()
  }

  get queuedInputBytes(): number {
    return this.#input.bytes
  }

  write(data: Buffer): "accepted" | "full" | "ended" {
    return this.#exited ? "ended" : this.#input.push(data)
  }

  resize(cols: number, rows: number): boolean {
    if (this.#exited || this.#fd < 0) return false
    this.#native.resize(this.#fd, cols, rows, 0, 0)
    return true
  }

  signalAll(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal)
    } catch {
      // nobody left
    }
  }

  survivors(): ReadonlyArray<number> {
    try {
      process.kill(-this.pid, 0)
      return [this.pid]
    } catch {
      return []
    }
  }

  #tryWrite(buffer: Buffer, offset: number, length: number): number {
    try {
      return writeSync(this.#fd, buffer, offset, length, null)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return 0
      throw error
    }
  }

  #onReadable(count: number): void {
    this.#deliver(readOn(this.#fd, count))
  }

  #deliver(count: number): void {
    if (count > 0) this.#listener.output(Direction.output, arena.subarray(0, count))
  }

  /** What the program wrote is in the kernel's buffer, which is smaller than a turn: it is delivered before `exited`. */
  #onExit(exit: ProgramExit): void {
    this.#exited = true
    this.#input.end()
    if (this.#fd >= 0) this.#deliver(readOn(this.#fd, 0))
    this.#listener.exited(exit)
    closeSync(this.#slave)
    this.#slave = -1
    if (this.#master.closed) this.#listener.closed()
  }

  /** The last moment in which the descriptor is ours. libuv stops after one read when the terminal is hung up. */
  #onGoing(): void {
    for (let count = readOn(this.#fd, 0); count > 0; count = readOn(this.#fd, 0)) this.#deliver(count)
    this.#input.end()
    closing(this.#fd)
    this.#fd = -1
  }

  #onClose(): void {
    if (this.#exited) this.#listener.closed()
  }
}

const fork = ({ helperPath, native }: LoadedPty, spec: ProgramSpec, exited: (exit: ProgramExit) => void) => {
  const env = Object.entries(spec.env).map(([name, value]) => `${name}=${value}`)
  try {
    return withoutGaps(() =>
      native.fork(spec.file, spec.args, env, spec.cwd, spec.cols, spec.rows, -1, -1, true, helperPath, (code, signal) =>
        exited(signal === 0 ? { code, signal: null } : { code: null, signal: signalName(signal) })
      )
    )
  } catch (cause) {
    throw new SpawnError("system", spec.file, (cause as Error).message, { cause })
  }
}

/** Starts a program under a terminal of its own. */
export const startPty: StartProgram = (spec, listener) => new PtyProgram(nativePty(), spec, listener)

import { type ChildProcessByStdio, spawn } from "node:child_process"
import type { Readable, Writable } from "node:stream"
import { Direction } from "../protocol/sessionFrames.ts"
import { withPipes } from "./inheritance.ts"
import { type Program, type ProgramListener, type ProgramSpec, SpawnError, type StartProgram } from "./program.ts"

class PipeProgram implements Program {
  readonly pid: number
  readonly #listener: ProgramListener
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #limitBytes: number
  #refused = false
  #ended = false

  constructor(spec: ProgramSpec, listener: ProgramListener) {
    this.#listener = listener
    this.#limitBytes = spec.inputQueueBytes
    const child = start(spec)
    this.#child = child
    if (child.pid === undefined) throw new SpawnError("system", spec.file, "the system could not start it")
    this.pid = child.pid
    child.stdout.on("data", (chunk: Buffer) => listener.output(Direction.stdout, chunk))
    child.stderr.on("data", (chunk: Buffer) => listener.output(Direction.stderr, chunk))
    child.stdin.on("error", () => this.#endInput())
    child.stdout.on("error", () => {})
    child.stderr.on("error", () => {})
    child.on("exit", (code, signal) => {
      this.#endInput()
      child.stdin.destroy()
      listener.exited(signal === null ? { code, signal } : { code: null, signal })
    })
    child.on("close", () => listener.closed())
  }

  get queuedInputBytes(): number {
    return this.#ended ? 0 : this.#child.stdin.writableLength
  }

  write(data: Buffer): "accepted" | "full" | "ended" {
    if (this.#ended) return "ended"
    if (this.queuedInputBytes + data.length > this.#limitBytes) {
      this.#refused = true
      return "full"
    }
    this.#child.stdin.write(Buffer.from(data), () => this.#onWritten())
    return "accepted"
  }

  resize(): boolean {
    return false
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

  /** Closes the program's standard input once what is queued has been written. */
  endInput(): void {
    this.#endInput()
    this.#child.stdin.end()
  }

  #endInput(): void {
    this.#ended = true
  }

  #onWritten(): void {
    if (!this.#refused || this.#ended || this.queuedInputBytes >= this.#limitBytes / 2) return
    this.#refused = false
    this.#listener.inputDrained()
  }
}

const start = (spec: ProgramSpec) => {
  try {
    const child = withPipes((stdio) =>
      spawn(spec.file, spec.args, { cwd: spec.cwd, env: spec.env as NodeJS.ProcessEnv, detached: true, stdio })
    ) as ChildProcessByStdio<Writable, Readable, Readable>
    child.on("error", () => {})
    return child
  } catch (cause) {
    throw new SpawnError("system", spec.file, (cause as Error).message, { cause })
  }
}

/** Starts a program on three pipes, in a session of its own without a terminal. */
export const startPipes: StartProgram = (spec, listener) => new PipeProgram(spec, listener)

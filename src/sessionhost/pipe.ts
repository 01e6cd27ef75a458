import { type ChildProcessByStdio, spawn } from "node:child_process"
import type { Readable, Writable } from "node:stream"
import { Direction } from "../protocol/sessionFrames.ts"
import { childDescriptors } from "./ChildDescriptors.ts"
import { type Program, type ProgramListener, type ProgramSpec, SpawnError, type StartProgram } from "./program.ts"
import { SessionProcesses } from "./SessionProcesses.ts"

type Child = ChildProcessByStdio<Writable, Readable, Readable>

class PipeProgram implements Program {
  readonly pid: number
  readonly #listener: ProgramListener
  readonly #processes: SessionProcesses
  readonly #child: Child
  readonly #limitBytes: number
  #refused = false
  #ended = false

  constructor(spec: ProgramSpec, listener: ProgramListener) {
    this.#listener = listener
    this.#limitBytes = spec.inputQueueBytes
    const child = start(spec)
    this.#child = child
    this.pid = child.pid
    this.#processes = new SessionProcesses({ pid: child.pid, env: spec.env, terminal: null })
    child.stdout.on("data", (chunk: Buffer) => listener.output(Direction.stdout, chunk))
    child.stderr.on("data", (chunk: Buffer) => listener.output(Direction.stderr, chunk))
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on("error", () => {})
    child.stdin.on("close", () => this.#onInputClosed())
    child.on("exit", (code, signal) => {
      this.#ended = true
      this.#refused = false
      this.#processes.programEnded()
      // Its children may have the other end, and nobody will feed them.
      child.stdin.destroy()
      listener.exited(signal === null ? { code, signal } : { code: null, signal })
    })
    child.on("close", () => {
      this.#processes.filesClosed()
      listener.closed()
    })
  }

  get queuedInputBytes(): number {
    return this.#child.stdin.destroyed ? 0 : this.#child.stdin.writableLength
  }

  write(data: Buffer): "accepted" | "full" | "ended" {
    if (this.#ended) return "ended"
    if (this.queuedInputBytes + data.length > this.#limitBytes) {
      this.#refused = true
      return "full"
    }
    if (data.length > 0) this.#child.stdin.write(Buffer.from(data), (error) => error || this.#onWritten())
    return "accepted"
  }

  resize(): boolean {
    return false
  }

  signalAll(signal: NodeJS.Signals): void {
    this.#processes.signalAll(signal)
  }

  survivors(): ReadonlyArray<number> {
    return this.#processes.survivors()
  }

  endInput(): void {
    this.#ended = true
    this.#child.stdin.end()
  }

  /** The program may have closed it and live on: who waits for room is to learn that there is none any more. */
  #onInputClosed(): void {
    this.#ended = true
    if (!this.#refused) return
    this.#refused = false
    this.#listener.inputDrained()
  }

  #onWritten(): void {
    if (!this.#refused || this.#ended || this.queuedInputBytes >= this.#limitBytes / 2) return
    this.#refused = false
    this.#listener.inputDrained()
  }
}

const start = (spec: ProgramSpec): Child & { readonly pid: number } => {
  // Node adds this one from its own environment unless it is there.
  const env = { NODE_V8_COVERAGE: undefined, ...spec.env }
  const fail = (detail: string, cause?: unknown) =>
    new SpawnError("system", spec.file, `It could not be started: ${detail}`, { cause })
  let child: Child
  try {
    child = childDescriptors.withPipes((stdio) =>
      spawn(spec.file, spec.args, { cwd: spec.cwd, env, detached: true, stdio })
    ) as Child
  } catch (cause) {
    throw fail((cause as Error).message, cause)
  }
  // Which error it was comes later, as an event; here the reason can only be guessed.
  child.on("error", () => {})
  if (child.pid === undefined) throw fail("it can't be executed here, or no process or descriptor is left")
  return child as Child & { readonly pid: number }
}

/** Starts a program on three pipes, in a session of its own without a terminal. Throws `SpawnError`. */
export const startPipes: StartProgram = (spec, listener) => new PipeProgram(spec, listener)

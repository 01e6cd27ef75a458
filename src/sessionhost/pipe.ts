import { type ChildProcessByStdio, spawn } from "node:child_process"
import { Socket } from "node:net"
import type { Readable, Writable } from "node:stream"
import { Direction } from "../protocol/sessionFrames.ts"
import { withBirthmark } from "./birthmark.ts"
import { childDescriptors } from "./ChildDescriptors.ts"
import { type Program, type ProgramExit, type ProgramListener, type ProgramSpec, SpawnError } from "./program.ts"
import type { StartProgram } from "./program.ts"
import { SessionProcesses } from "./SessionProcesses.ts"
import { reaper } from "./upgrade/Reaper.ts"
import { descriptorOf, Unsent } from "./upgrade/sockets.ts"
import type { PipeState, ProgramState } from "./upgrade/state.ts"

type Child = ChildProcessByStdio<Writable, Readable, Readable>

/** A program on three pipes, however this process came to it. A pipe that is closed is null. */
interface Held {
  readonly pid: number
  readonly stdin: Socket | null
  readonly stdout: Socket | null
  readonly stderr: Socket | null
  readonly processes: SessionProcesses
}

class PipeProgram implements Program {
  readonly pid: number
  readonly #listener: ProgramListener
  readonly #processes: SessionProcesses
  readonly #held: Held
  readonly #stdin: Socket | null
  readonly #unsent: Unsent | null
  readonly #limitBytes: number
  /** Of the program's outputs, those that are not read to their end. */
  #open = 0
  #exited = false
  #refused = false
  #ended: boolean

  private constructor(held: Held, limitBytes: number, listener: ProgramListener) {
    this.#listener = listener
    this.#limitBytes = limitBytes
    this.#held = held
    this.#stdin = held.stdin
    this.#unsent = held.stdin === null ? null : new Unsent(held.stdin)
    this.#ended = held.stdin === null
    this.pid = held.pid
    this.#processes = held.processes
    this.#read(held.stdout, Direction.stdout)
    this.#read(held.stderr, Direction.stderr)
    held.stdin?.on("error", () => {})
    held.stdin?.on("close", () => this.#onInputClosed())
  }

  static start(spec: ProgramSpec, listener: ProgramListener): PipeProgram {
    const child = start(spec)
    const processes = SessionProcesses.of({ pid: child.pid, env: spec.env, terminal: null })
    const { stderr, stdin, stdout } = child as unknown as Record<"stdin" | "stdout" | "stderr", Socket>
    const program = new PipeProgram(
      { pid: child.pid, stdin, stdout, stderr, processes },
      spec.inputQueueBytes,
      listener
    )
    child.on("exit", (code, signal) => program.#onExited(signal === null ? { code, signal } : { code: null, signal }))
    return program
  }

  /** Goes on with a program that this process held before it replaced itself. */
  static adopt(state: PipeState, limitBytes: number, listener: ProgramListener): PipeProgram {
    const opened: Array<Socket> = []
    const open = (fd: number | null, writable: boolean) => {
      if (fd === null) return null
      const socket = new Socket({ fd, readable: !writable, writable })
      opened.push(socket)
      return socket
    }
    try {
      const processes = SessionProcesses.restored(state.traits)
      const pipes = {
        stdin: open(state.stdin, true),
        stdout: open(state.stdout, false),
        stderr: open(state.stderr, false)
      }
      const program = new PipeProgram({ pid: state.pid, processes, ...pipes }, limitBytes, listener)
      program.#exited = state.exited
      if (state.exited) {
        program.#ended = true
        // Its pipes were being closed.
        if (program.#open === 0) setImmediate(() => program.#closedIfSo())
      } else {
        program.#write(Buffer.from(state.input, "base64"))
        if (state.inputEnded) program.endInput()
        reaper.watch(state.pid, (exit) => program.#onExited(exit))
      }
      return program
    } catch (error) {
      for (const socket of opened) socket.destroy()
      throw error
    }
  }

  readonly handOver = (): ProgramState => {
    const fdOf = (socket: Socket | null) => (socket === null || socket.destroyed ? null : descriptorOf(socket))
    return {
      kind: "pipe",
      pid: this.pid,
      traits: this.#processes.written(),
      exited: this.#exited,
      stdin: fdOf(this.#held.stdin),
      stdout: fdOf(this.#held.stdout),
      stderr: fdOf(this.#held.stderr),
      input: this.#unsent?.bytes().toString("base64") ?? "",
      inputEnded: this.#ended
    }
  }

  get queuedInputBytes(): number {
    return this.#stdin === null || this.#stdin.destroyed ? 0 : this.#stdin.writableLength
  }

  write(data: Buffer): "accepted" | "full" | "ended" {
    if (this.#ended) return "ended"
    if (this.queuedInputBytes + data.length > this.#limitBytes) {
      this.#refused = true
      return "full"
    }
    this.#write(Buffer.from(data))
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
    this.#stdin?.end()
  }

  #write(data: Buffer): void {
    if (data.length === 0 || this.#stdin === null) return
    this.#stdin.write(data, (error) => error || this.#onWritten())
    this.#unsent!.wrote(data)
  }

  #read(socket: Socket | null, direction: Direction): void {
    if (socket === null) return
    this.#open++
    socket.on("data", (chunk: Buffer) => this.#listener.output(direction, chunk))
    socket.on("error", () => {})
    socket.on("close", () => {
      this.#open--
      this.#closedIfSo()
    })
  }

  #onExited(exit: ProgramExit): void {
    this.#ended = true
    this.#refused = false
    this.#processes.programEnded()
    // Its children may have the other end, and nobody will feed them.
    this.#stdin?.destroy()
    this.#listener.exited(exit)
    this.#exited = true
    this.#closedIfSo()
  }

  #closedIfSo(): void {
    if (!this.#exited || this.#open > 0) return
    this.#processes.filesClosed()
    this.#listener.closed()
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
    child = childDescriptors.withStdio(["pipe", "pipe", "pipe"], (stdio) =>
      withBirthmark(spec.env["HOB_SESSION_ID"], () =>
        spawn(spec.file, spec.args, { cwd: spec.cwd, env, detached: true, stdio })
      )
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
export const startPipes: StartProgram = (spec, listener) => PipeProgram.start(spec, listener)

/** Holds a program on pipes from now on, of which a predecessor of this process has told. Throws. */
export const adoptPipes = (state: PipeState, inputQueueBytes: number, listener: ProgramListener): Program =>
  PipeProgram.adopt(state, inputQueueBytes, listener)

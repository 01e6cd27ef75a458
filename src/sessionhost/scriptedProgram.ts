import { Direction } from "../protocol/sessionFrames.ts"
import type { Program, ProgramExit, ProgramListener, ProgramSpec, StartProgram } from "./program.ts"

/** A program that does what its test says, when the test says it. */
export interface ScriptedProgram {
  readonly spec: ProgramSpec
  readonly pid: number
  /** Prints, as one read of the session-host. */
  readonly print: (text: string | Buffer, direction?: Direction) => void
  /** Reads everything that was typed and not read yet. */
  readonly readInput: () => Buffer
  /** Ends; output may follow until `close`. */
  readonly exit: (exit?: Partial<ProgramExit>) => void
  readonly close: () => void
  /** `exit` and `close`. */
  readonly end: (exit?: Partial<ProgramExit>) => void
  readonly sizes: ReadonlyArray<readonly [cols: number, rows: number]>
  readonly signals: ReadonlyArray<NodeJS.Signals>
  /** What a signal does; by default SIGKILL, SIGTERM, SIGHUP and SIGINT end the program. */
  onSignal: (signal: NodeJS.Signals) => void
}

let lastPid = 4_200_000

/** Programs on strings: `start` is what a session-host starts, `started` is where the test finds them, in order. */
export const scriptedPrograms = () => {
  const started: Array<ScriptedProgram> = []
  const start: StartProgram = (spec, listener) => {
    const { controls, program } = scripted(spec, listener)
    started.push(controls)
    return program
  }
  return { start, started }
}

const ENDING = new Set<NodeJS.Signals>(["SIGKILL", "SIGTERM", "SIGHUP", "SIGINT"])

const scripted = (spec: ProgramSpec, listener: ProgramListener) => {
  const pid = ++lastPid
  let input: Array<Buffer> = []
  let refused = false
  let exited = false
  let closed = false
  const sizes: Array<readonly [number, number]> = [[spec.cols, spec.rows]]
  const signals: Array<NodeJS.Signals> = []
  const queued = () => input.reduce((bytes, { length }) => bytes + length, 0)

  const controls: ScriptedProgram = {
    spec,
    pid,
    sizes,
    signals,
    print: (text, direction = Direction.output) => {
      // As the contract says: the buffer is only good during the call.
      const chunk = Buffer.from(text as string)
      listener.output(direction, chunk)
      chunk.fill(0x21)
    },
    readInput: () => {
      const all = Buffer.concat(input)
      input = []
      if (refused) {
        refused = false
        listener.inputDrained()
      }
      return all
    },
    exit: (exit = {}) => {
      if (exited) return
      exited = true
      input = []
      listener.exited({ code: exit.signal === undefined ? 0 : null, signal: null, ...exit })
    },
    close: () => {
      if (closed) return
      closed = true
      listener.closed()
    },
    end: (exit) => {
      controls.exit(exit)
      controls.close()
    },
    onSignal: (signal) => {
      if (ENDING.has(signal)) setImmediate(() => controls.end({ code: null, signal }))
    }
  }

  const program: Program = {
    pid,
    get queuedInputBytes() {
      return queued()
    },
    write: (data) => {
      if (exited) return "ended"
      if (queued() + data.length > spec.inputQueueBytes) {
        refused = true
        return "full"
      }
      input.push(Buffer.from(data))
      return "accepted"
    },
    resize: (cols, rows) => {
      if (exited) return false
      sizes.push([cols, rows])
      return true
    },
    signalAll: (signal) => {
      if (closed) return
      signals.push(signal)
      controls.onSignal(signal)
    },
    survivors: () => (closed ? [] : [pid])
  }
  return { controls, program }
}

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, it, onTestFinished } from "vitest"
import { startPipes } from "../../../src/sessionhost/pipe.ts"
import { parseStat, type ProcessInfo } from "../../../src/sessionhost/ProcessTable.ts"
import type { Program, ProgramExit, ProgramSpec, StartProgram } from "../../../src/sessionhost/program.ts"
import { loadNativePty, ptyUnavailable as forkingUnavailable } from "../../../src/sessionhost/nativePty.ts"
import { posixSpawn } from "../../../src/sessionhost/posixSpawn.ts"
import { ptyUnavailable, startPty, startPtyWith } from "../../../src/sessionhost/pty.ts"
import { forked } from "../../../src/sessionhost/terminals.ts"
import { skipsForbidden } from "../../support/needs.ts"

/** Without node-pty there are no terminals to test. */
const terminals = ptyUnavailable() === null || skipsForbidden
export const describePty = terminals ? describe : describe.skip
export const itPty = terminals ? it : it.skip

/** Where programs are started otherwise, the way of systems where that can't be. */
const both = terminals && posixSpawn() !== null && forkingUnavailable() === null

export const kinds: ReadonlyArray<readonly [kind: string, start: StartProgram]> = [
  ...(terminals ? [["under a terminal", startPty] as const] : []),
  ...(both ? [["under a terminal, forked by node-pty", startPtyWith(() => forked(loadNativePty()))] as const] : []),
  ["on pipes", startPipes]
]

/** A program and what is known about it so far. */
export interface Run {
  readonly program: Program
  readonly text: () => string
  /** All output, of stdout and stderr together on pipes. */
  readonly bytes: () => Buffer
  readonly chunks: ReadonlyArray<number>
  readonly exit: Promise<ProgramExit>
  /** How much output had come when the exit was announced. */
  readonly bytesAtExit: () => number
  readonly closed: Promise<void>
  readonly isClosed: () => boolean
  /** Resolves when the output contains `text`. */
  readonly says: (text: string) => Promise<void>
  /** Resolves at the next `inputDrained`. */
  readonly drained: () => Promise<void>
}

export type RunOptions = Partial<ProgramSpec> & {
  readonly onOutput?: (chunk: Buffer) => void
  readonly onExited?: () => void
}

export const environment = { PATH: process.env["PATH"]!, LC_ALL: "C" }

/** Starts `file`, and takes what it does down. What breaks the order of events is thrown where it happens. */
export const run = (start: StartProgram, file: string, args: ReadonlyArray<string>, options: RunOptions = {}): Run => {
  const { onExited, onOutput, ...given } = options
  const output: Array<Buffer> = []
  const chunks: Array<number> = []
  const waiting = new Set<() => void>()
  const exit = Promise.withResolvers<ProgramExit>()
  const closed = Promise.withResolvers<void>()
  let drained = Promise.withResolvers<void>()
  let bytes = 0
  let bytesAtExit: number | undefined
  let isClosed = false
  const bug = (text: string) => {
    const error = new Error(text)
    exit.reject(error)
    closed.reject(error)
    throw error
  }
  const spec = { cwd: "/", env: environment, cols: 80, rows: 24, inputQueueBytes: 1024 * 1024, ...given, file, args }
  const program = start(spec, {
    output: (_, chunk) => {
      if (isClosed) bug("output after closed")
      if (chunk.length === 0) bug("empty output")
      output.push(Buffer.from(chunk))
      chunks.push(chunk.length)
      bytes += chunk.length
      onOutput?.(chunk)
      for (const look of waiting) look()
    },
    exited: (ended) => {
      if (bytesAtExit !== undefined) bug("exited twice")
      bytesAtExit = bytes
      exit.resolve(ended)
      onExited?.()
    },
    closed: () => {
      if (isClosed) bug("closed twice")
      if (bytesAtExit === undefined) bug("closed before exited")
      isClosed = true
      closed.resolve()
    },
    inputDrained: () => {
      drained.resolve()
      drained = Promise.withResolvers<void>()
    }
  })
  onTestFinished(() => program.signalAll("SIGKILL"))
  const text = () => Buffer.concat(output).toString("latin1")
  return {
    program,
    text,
    bytes: () => Buffer.concat(output),
    chunks,
    exit: exit.promise,
    bytesAtExit: () => bytesAtExit!,
    closed: closed.promise,
    isClosed: () => isClosed,
    says: (wanted) =>
      new Promise((resolve) => {
        const look = () => {
          if (!text().includes(wanted)) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
    drained: () => drained.promise
  }
}

export const shell = (start: StartProgram, script: string, options?: RunOptions): Run =>
  run(start, "/bin/sh", ["-c", script], options)

/** Looks every few milliseconds until `fact` holds; the test's own time limit ends it otherwise. */
export const until = async (fact: () => boolean): Promise<void> => {
  while (!fact()) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** Node starts the threads of its pool with the first work for them: by then they are there, whoever counts threads. */
export const allThreads = async (): Promise<void> => void (await stat("/"))

export const temporaryDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), "hob-program-"))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Every process of the system, read independently of the code under test where that matters. */
export const processes = (): ReadonlyArray<ProcessInfo & { readonly command: string }> =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const info = parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"))
        const command = readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ").trim()
        return info === null ? [] : [{ ...info, command }]
      } catch {
        return []
      }
    })

/** `length` bytes that a terminal passes on as they are, no two stretches of it alike. */
export const pattern = (length: number): Buffer => {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at += 8) bytes.write(at.toString(36).padStart(8, "."), at, "latin1")
  return bytes
}

import { type ChildProcess, spawn } from "node:child_process"
import { accessSync, closeSync, constants, openSync, statSync } from "node:fs"
import type { Writable } from "node:stream"
import { setTimeout as pause } from "node:timers/promises"
import { identityOf } from "../config/processIdentity.ts"
import { ExitCode, Fault } from "./exit.ts"
import { shellCode } from "./outcome.ts"
import { processTree } from "./processTree.ts"

/** Between SIGTERM and SIGKILL. */
export const GRACE_MILLIS = 5000
const LOOK_MILLIS = 50

/** A command that runs in the foreground, in our place. */
export interface ForegroundCommand {
  /** Its exit code as a shell would see it. */
  readonly ended: Promise<number>
  /** Ends it and what it has started: SIGTERM, and SIGKILL for what is there after a grace. */
  readonly end: () => Promise<void>
}

/**
 * Starts a command with our terminal and files. Until it has ended, signals to us are passed on to it; those of the
 * terminal's keys reach it by themselves. `started` is called as soon as it may run. Rejects with a {@link Fault} when it can't be started.
 */
export const startCommand = (
  [file, ...args]: ReadonlyArray<string>,
  env: NodeJS.ProcessEnv,
  started: (pid: number) => void
): Promise<ForegroundCommand> =>
  new Promise((resolve, reject) => {
    let child: ChildProcess | undefined
    // In place before it runs: a signal that comes meanwhile must not end us and leave it behind.
    const stop = passOn((signal) => void child?.kill(signal))
    const refuse = (error: NodeJS.ErrnoException) => {
      stop()
      reject(refusal(file!, error))
    }
    try {
      const program = find(file!, env["PATH"])
      child = spawn("/bin/sh", ["-c", GATE, "hob-lock", program, ...args], {
        stdio: ["inherit", "inherit", "inherit", "pipe"],
        env
      })
      if (child.pid !== undefined) {
        started(child.pid)
        const gate = child.stdio[3] as Writable
        gate.on("error", () => {})
        gate.end("go\n")
      }
    } catch (error) {
      return refuse(error as NodeJS.ErrnoException)
    }
    const ended = new Promise<number>((done) => {
      child.on("exit", (code, signal) => {
        stop()
        done(shellCode({ code, signal }))
      })
    })
    child.on("error", (error) => {
      if (child.pid === undefined) refuse(error)
    })
    child.on("spawn", () => resolve({ ended, end: () => endTree(child.pid!, GRACE_MILLIS) }))
  })

/** The command begins, as this very process, once it is known to who ends it in our place; not at all if we died before. */
const GATE = `IFS= read -r go <&3 || exit 125
exec "$@" 3<&-`

/** What to start. Throws what starting it would, but for what only the system knows. */
const find = (file: string, path = "/usr/bin:/bin"): string => {
  const places = file.includes("/")
    ? [file]
    : path.split(":").map((directory) => `${directory === "" ? "." : directory}/${file}`)
  const found = places.filter((place) => statSync(place, { throwIfNoEntry: false })?.isFile() === true)
  const place = found.find(isExecutable)
  // A name that looks like a flag is none of the shell's.
  if (place !== undefined) return file.startsWith("-") ? place : file
  throw Object.assign(new Error(file), { code: found.length > 0 || isDirectory(file) ? "EACCES" : "ENOENT" })
}

const isExecutable = (place: string): boolean => {
  try {
    accessSync(place, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const isDirectory = (file: string): boolean =>
  file.includes("/") && statSync(file, { throwIfNoEntry: false })?.isDirectory() === true

const refusal = (file: string, error: NodeJS.ErrnoException): Fault => {
  if (error.code === "ENOENT") return new Fault(ExitCode.commandNotFound, `There is no command "${file}".`)
  if (error.code === "EACCES") return new Fault(ExitCode.notExecutable, `"${file}" can't be executed.`)
  return new Fault(ExitCode.failure, `"${file}" can't be started: ${error.message}`)
}

const signals = ["SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP"] as const

/** Takes what would end us; gives the way back. */
const passOn = (send: (signal: NodeJS.Signals) => void): (() => void) => {
  const byTerminal = hasControllingTerminal()
  const handlers = signals.map((signal) => {
    // A key reaches the whole foreground group; sent on, it would come twice, which many programs take for "at once".
    const isKey = byTerminal && (signal === "SIGINT" || signal === "SIGQUIT")
    const handler = () => {
      if (!isKey) send(signal)
    }
    process.on(signal, handler)
    return [signal, handler] as const
  })
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler)
  }
}

const hasControllingTerminal = (): boolean => {
  try {
    closeSync(openSync("/dev/tty", "r"))
    return true
  } catch {
    return false
  }
}

/** Ends a process and what it has started: SIGTERM, and after a grace SIGKILL. Comes back when they are gone. */
export const endTree = async (root: number, graceMillis: number): Promise<void> => {
  const tree = processTree(root)
  for (const pid of tree) send(pid, "SIGTERM")
  await untilGone(tree, graceMillis)
  const left = [...new Set(tree.filter(isThere).flatMap(processTree))]
  for (const pid of left) send(pid, "SIGKILL")
  await untilGone(left, GRACE_MILLIS)
}

const untilGone = async (pids: ReadonlyArray<number>, millis: number): Promise<void> => {
  const until = performance.now() + millis
  while (pids.some(isThere) && performance.now() < until) await pause(LOOK_MILLIS)
}

/** One that nobody has waited for yet has ended all the same. */
const isThere = (pid: number): boolean => send(pid, 0) && (process.platform !== "linux" || identityOf(pid) !== null)

/** False of a process that is gone. */
const send = (pid: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

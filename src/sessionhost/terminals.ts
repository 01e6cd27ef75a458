import { closeSync, constants, openSync } from "node:fs"
import { withBirthmark } from "./birthmark.ts"
import { childDescriptors } from "./ChildDescriptors.ts"
import { type LoadedPty, nativePty, ptyUnavailable as nativeUnavailable } from "./nativePty.ts"
import { type PosixSpawn, posixSpawn } from "./posixSpawn.ts"
import { type ProgramExit, type ProgramSpec, SpawnError } from "./program.ts"
import { signalName } from "./signals.ts"
import { reaper } from "./upgrade/Reaper.ts"
import { waiters } from "./upgrade/Waiters.ts"

/** A program that was started under a terminal, with both sides of it. The master doesn't block. */
export interface Started {
  readonly pid: number
  readonly master: number
  readonly slave: number
  readonly path: string
}

/** How programs are started under terminals. */
export interface Terminals {
  /** `exited` is called once, never before this returns. Throws `SpawnError`. */
  readonly start: (spec: ProgramSpec, exited: (exit: ProgramExit) => void) => Started
  /** False when there is no such terminal any more. */
  readonly resize: (master: number, cols: number, rows: number) => boolean
}

const refused = (file: string, cause: unknown) =>
  new SpawnError("system", file, `It could not be started: ${(cause as Error).message}`, { cause })

/** By posix_spawn(3): quick at any size of this process. */
export const spawned = (calls: PosixSpawn): Terminals => ({
  start: ({ args, cols, cwd, env, file, rows }, exited) => {
    let terminal: ReturnType<PosixSpawn["openTerminal"]> | null = null
    try {
      terminal = calls.openTerminal(cols, rows)
      childDescriptors.keep()
      const { master, path, slave } = terminal
      const pid = withBirthmark(env["HOB_SESSION_ID"], () => calls.spawn({ file, args, env, cwd, path }))
      reaper.watch(pid, exited)
      return { pid, master, slave, path }
    } catch (cause) {
      if (terminal !== null) for (const fd of [terminal.master, terminal.slave]) closeSync(fd)
      throw refused(file, cause)
    }
  },
  resize: calls.resize
})

/** By node-pty's native module, which forks: where there is no other way. */
export const forked = ({ helperPath, native }: LoadedPty): Terminals => ({
  start: ({ args, cols, cwd, env, file, rows }, exited) => {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
    const onExit = (code: number, signal: number) => {
      waiters.ended(fork.pid)
      exited(signal === 0 ? { code, signal: null } : { code: null, signal: signalName(signal) })
    }
    let fork: ReturnType<typeof native.fork>
    try {
      fork = childDescriptors.withoutGaps(() =>
        waiters.watch(() =>
          withBirthmark(env["HOB_SESSION_ID"], () =>
            native.fork(file, args, variables, cwd, cols, rows, -1, -1, true, helperPath, onExit)
          )
        )
      )
    } catch (cause) {
      const detail = `No terminal, process or descriptor could be had for it: ${(cause as Error).message}`
      throw new SpawnError("system", file, detail, { cause })
    }
    const { fd, pid, pty } = fork
    try {
      const slave = openSync(pty, constants.O_RDWR | constants.O_NOCTTY)
      childDescriptors.opened(fd)
      return { pid, master: fd, slave, path: pty }
    } catch (cause) {
      process.kill(pid, "SIGKILL")
      closeSync(fd)
      throw new SpawnError("system", file, `Its terminal can't be opened: ${(cause as Error).message}`, { cause })
    }
  },
  resize: (master, cols, rows) => {
    try {
      native.resize(master, cols, rows, 0, 0)
      return true
    } catch {
      return false
    }
  }
})

/** The way of this system. Throws `SpawnError`, `pty-unavailable` where no terminal can be opened. */
export const terminals = (): Terminals => {
  const calls = posixSpawn()
  return calls === null ? forked(nativePty()) : spawned(calls)
}

/** Why sessions under a terminal can't be started here, as a sentence that says what to do; null when they can. */
export const ptyUnavailable = (): string | null => (posixSpawn() === null ? nativeUnavailable() : null)

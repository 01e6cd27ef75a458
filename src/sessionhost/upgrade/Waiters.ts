import { existsSync, readdirSync, readFileSync } from "node:fs"
import { type Libc, libc } from "../libc.ts"

/** Signals that nothing else here uses; the C library keeps the first two of the real-time ones for itself. */
const HOLD = 40
const RELEASE = 41
/** A thread that waits in the kernel gets its signal at once. */
const HELD_WITHIN_MILLIS = 1_000

/**
 * node-pty's threads. Each waits for one program with waitpid(2), and with it the exit code leaves the kernel: one that
 * a thread has taken and the event loop has not is lost with the process's image. So before that is exchanged the threads
 * are held, inside a signal handler that is the C library's own `pause`; a program that ends then stays a zombie, for
 * the successor to wait for.
 */
export class Waiters {
  readonly #libc: Libc | null
  readonly #threads = new Map<number, number>()
  readonly #held = new Set<number>()

  constructor(calls: Libc | null = libc()) {
    this.#libc = calls
  }

  /** Forks, and remembers the thread that was begun for it. */
  watch<A extends { readonly pid: number }>(fork: () => A): A {
    if (this.#libc === null) return fork()
    const before = new Set(threads())
    const forked = fork()
    const fresh = threads().filter((thread) => !before.has(thread))
    // None when the program has ended already.
    if (fresh.length === 1) this.#threads.set(forked.pid, fresh[0]!)
    return forked
  }

  /** Says that a program's exit has been heard of. */
  ended(pid: number): void {
    this.#threads.delete(pid)
  }

  /**
   * Holds the threads that wait for programs. False when one of them has taken an exit already: release them, let the
   * event loop hear of it, and try again.
   */
  hold(isThere: (pid: number) => boolean): boolean {
    this.#libc?.onSignal(HOLD, "pause")
    this.#libc?.onSignal(RELEASE, "getpid")
    for (const thread of this.#threads.values()) {
      if (this.#libc?.signalThread(thread, HOLD) === true) this.#held.add(thread)
    }
    const deadline = performance.now() + HELD_WITHIN_MILLIS
    for (const thread of this.#held) {
      while (!isPaused(thread)) if (performance.now() > deadline) return false
    }
    return [...this.#threads.keys()].every(isThere)
  }

  /** Lets them go. One that has not been let go would never tell of its program's end. */
  release(): void {
    for (const thread of this.#held) {
      const deadline = performance.now() + HELD_WITHIN_MILLIS
      // A signal that comes just before the thread pauses does not wake it.
      do this.#libc?.signalThread(thread, RELEASE)
      while (standing(thread) !== "free" && performance.now() < deadline)
    }
    this.#held.clear()
  }
}

const threads = (): ReadonlyArray<number> => readdirSync("/proc/self/task").map(Number)

/** While a signal's handler runs, or one is on its way into it, that signal is blocked or pending. */
const standing = (thread: number): "free" | "in the handler" | "asleep in it" => {
  try {
    const status = readFileSync(`/proc/self/task/${thread}/status`, "latin1")
    const has = (set: string) => {
      const mask = BigInt(`0x${new RegExp(`^${set}:\\s*([0-9a-f]+)`, "m").exec(status)?.[1] ?? "0"}`)
      return (mask & (1n << BigInt(HOLD - 1))) !== 0n
    }
    if (!has("SigBlk")) return has("SigPnd") ? "in the handler" : "free"
    return /^State:\s*S/m.test(status) ? "asleep in it" : "in the handler"
  } catch {
    // A thread that has ended holds nothing back.
    return "free"
  }
}

/** Looked at twice: its state is read before its signals, and it slept already when it waited for its program. */
const isPaused = (thread: number): boolean => {
  if (!existsSync(`/proc/self/task/${thread}`)) return true
  return standing(thread) !== "free" && standing(thread) === "asleep in it"
}

/** Those of this process. */
export const waiters = new Waiters()

import { closeSync, openSync, readdirSync, readFileSync } from "node:fs"
import { libc } from "./libc.ts"

/** Returns whether it is done. */
export type Mark = () => boolean

const O_CLOEXEC = 0o2000000

/** Marks every descriptor from 3 on close-on-exec, in one system call; undefined where this Node can't make it. */
const findCloseRange = (): Mark | undefined => {
  const mark = libc()?.closeOnExec
  return mark?.() === true ? mark : undefined
}

/**
 * A started program gets descriptors 0, 1 and 2 and nothing else. Node opens everything close-on-exec, but node-pty's
 * masters are not, nor is what this process itself was given from outside. node-pty's ready-made binary closes what is
 * inherited only up to the first unused number above 15, and on pipes nobody closes any.
 */
export class ChildDescriptors {
  readonly #find: () => Mark | undefined
  #mark: Mark | undefined | null = null
  /** Those that a child would inherit, where they can't be marked. */
  #inheritable: Set<number> | undefined

  constructor(find: () => Mark | undefined = findCloseRange) {
    this.#find = find
  }

  /** Says that `fd`, a master just forked, is open. */
  opened(fd: number): void {
    this.#inheritable?.add(fd)
  }

  /** Says that `fd` is about to be closed. */
  closing(fd: number): void {
    this.#inheritable?.delete(fd)
  }

  /** To be called before a child is started: marks all, or says what it will inherit all the same. */
  keep(): ReadonlySet<number> {
    if (this.#mark === null) this.#mark = this.#find()
    if (this.#mark?.() === true) return none
    this.#inheritable ??= fromOutside()
    return this.#inheritable
  }

  /** Forks while no number up to the highest inheritable descriptor is unused, so that node-pty closes all of them. */
  withoutGaps<A>(fork: () => A): A {
    const highest = Math.max(0, ...this.keep())
    const fillers: Array<number> = []
    try {
      for (let next = 0; next < highest;) {
        next = openSync("/dev/null", "r")
        fillers.push(next)
      }
      return fork()
    } finally {
      for (const filler of fillers) closeSync(filler)
    }
  }

  /**
   * Starts a child with the `stdio` it is to have: these three and nothing else. Node can't close what a child inherits, but it can put something
   * else in its place: where marking isn't possible the child finds /dev/null at the numbers of our descriptors.
   */
  withStdio<A>(standard: readonly [Stdio, Stdio, Stdio], start: (stdio: Array<Stdio>) => A): A {
    const stdio: Array<Stdio> = [...standard]
    const masked = [...this.keep()]
    if (masked.length === 0) return start(stdio)
    const nothing = openSync("/dev/null", "r")
    try {
      for (let fd = 3; fd <= Math.max(...masked); fd++) stdio.push("ignore")
      for (const fd of masked) stdio[fd] = nothing
      return start(stdio)
    } finally {
      closeSync(nothing)
    }
  }
}

type Stdio = "pipe" | "ignore" | number

const none: ReadonlySet<number> = new Set()

const fromOutside = (): Set<number> => {
  const found = new Set<number>()
  if (process.platform !== "linux") return found
  for (const name of readdirSync("/proc/self/fd")) {
    const fd = Number(name)
    if (fd < 3) continue
    try {
      const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, "latin1"))?.[1] ?? "0"
      if ((parseInt(flags, 8) & O_CLOEXEC) === 0) found.add(fd)
    } catch {
      // It was the descriptor of the listing.
    }
  }
  return found
}

/** Those of this process. */
export const childDescriptors = new ChildDescriptors()

/** One process of the group that has the terminal. */
export interface ForegroundProcess {
  readonly pid: number
  /** The kernel's name of it, at most 15 characters. */
  readonly name: string
  readonly argv: ReadonlyArray<string>
  /**
   * Whether it is blocked until somebody types. False: it isn't, it runs or waits for something else. Null: it waits for
   * one of several things, as programs around an event loop do, or it can't be told.
   */
  readonly reading: boolean | null
  /**
   * How it reads, or seems to: with an editor of its own, as shells do at their prompts, which wait for one of several
   * things or read what only they opened; or plainly, as `read` does. Absent: it isn't known.
   */
  readonly reads?: "editor" | "plainly"
}

/** Who has the terminal of a session now. */
export interface Foreground {
  /** Whether it is the group of the session's own program, not of something started from there. */
  readonly own: boolean
  /** The group's leader first, when it lives; at most {@link maxForegroundProcesses}. */
  readonly processes: ReadonlyArray<ForegroundProcess>
}

export const maxForegroundProcesses = 8

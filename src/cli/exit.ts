/** What hob's exit codes mean. Scripts rely on them: `hob --help` and the README list the same table. */
export const ExitCode = {
  ok: 0,
  /** Anything that has no code of its own. */
  failure: 1,
  /** The command line has a mistake. */
  usage: 2,
  /** The daemon isn't running, and this command or `--no-start` does not start it. */
  notRunning: 3,
  /** No session matches, or more than one does; there is no such method, module or job. */
  noSuchSession: 4,
  timedOut: 5,
  /** `lock`: somebody else holds the lock, and went on holding it for as long as was waited. Nothing was run. */
  lockHeld: 121,
  /** `lock`: the lock was lost, and the command ended; or it is not the caller's to renew or release. */
  lockLost: 122,
  /** `run` and `attach`: the session was lost, so its own exit code is not known. */
  lost: 125,
  /** `run` and `lock`: the command is there and can't be executed. */
  notExecutable: 126,
  /** `run` and `lock`: there is no such command. */
  commandNotFound: 127,
  interrupted: 130,
  /** The reader of our output went away, as a shell reports it. */
  brokenPipe: 141
} as const

/** A failure that is meant for the reader: one sentence, its exit code, and what to do next. */
export class Fault extends Error {
  override readonly name = "Fault"
  readonly exitCode: number
  /** A sentence that says what to do next. */
  readonly hint: string | undefined
  constructor(exitCode: number, message: string, hint?: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
    this.hint = hint
  }
}

/** Commands, for devices that may: `machine.permissions` with `shell`. They begin in `machine.directories`, and go where they like. */
import { Effect, Schema } from "effect"
import { spawn } from "node:child_process"
import { confine } from "./confine.ts"
import { CallRefused, type RemoteCall, remoteCall } from "./RemoteCall.ts"

export interface ShellCallsOptions {
  readonly directories: ReadonlyArray<string>
  readonly maxBytes: number
  readonly environment: Readonly<Record<string, string>>
}

const DEFAULT_MILLIS = 30_000
/** The device's own patience is 30 s. */
const MAX_MILLIS = 24_000

interface Ran {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  readonly problem?: string
}

/** Runs a program to its end, with all that it has started; it ends too when nobody waits for it any more. */
const runProgram = (
  [program, ...args]: readonly [string, ...ReadonlyArray<string>],
  cwd: string,
  { environment, maxBytes }: ShellCallsOptions
): Effect.Effect<Ran, CallRefused> =>
  Effect.callback((resume) => {
    const child = spawn(program, args, { cwd, env: environment, stdio: ["ignore", "pipe", "pipe"], detached: true })
    const said = { stdout: [] as Array<Buffer>, stderr: [] as Array<Buffer> }
    let bytes = 0
    let problem: string | undefined
    const end = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL")
      } catch {
        // All of them have ended.
      }
    }
    for (const name of ["stdout", "stderr"] as const) {
      child[name].on("data", (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes <= maxBytes) return void said[name].push(chunk)
        problem = `It printed more than ${maxBytes} bytes and was ended.`
        end()
      })
    }
    child.on("error", (error) => resume(Effect.fail(new CallRefused({ reason: error.message }))))
    child.on("close", (code) => {
      const text = (name: "stdout" | "stderr") => Buffer.concat(said[name]).toString()
      const ran = { exitCode: code ?? 1, stdout: text("stdout"), stderr: text("stderr") }
      resume(Effect.succeed(problem === undefined ? ran : { ...ran, problem }))
    })
    return Effect.sync(end)
  })

const Cwd = Schema.optionalKey(Schema.NullOr(Schema.String.check(Schema.isPattern(/^[^\0]{1,4096}$/))))
const Args = Schema.Array(Schema.String.check(Schema.isPattern(/^[^\0]{0,65536}$/))).check(Schema.isMaxLength(1000))

const shellRefused = (reason: string) => ({ success: false, exitCode: 1, stdout: "", stderr: "", error: reason })

export const shellCalls = (options: ShellCallsOptions): ReadonlyArray<RemoteCall> => {
  /** `/` is how devices say that they don't mind where. */
  const where = (cwd: string | null | undefined) =>
    Effect.suspend(() => {
      const [first] = options.directories
      const wanted = cwd == null || cwd === "/" ? first : cwd
      if (wanted === undefined) {
        return Effect.fail(new CallRefused({ reason: "machine.directories of hob's configuration lists none." }))
      }
      return confine(options.directories, wanted)
    })

  const runIn = (
    command: readonly [string, ...ReadonlyArray<string>],
    cwd: string | null | undefined,
    within: number
  ): Effect.Effect<object, CallRefused> =>
    Effect.flatMap(where(cwd), (directory) =>
      runProgram(command, directory, options).pipe(
        Effect.map(({ problem, ...ran }) => ({
          success: ran.exitCode === 0 && problem === undefined,
          ...ran,
          ...(problem === undefined ? {} : { error: problem })
        })),
        Effect.timeoutOrElse({
          duration: within,
          orElse: () => Effect.fail(new CallRefused({ reason: `It took longer than ${within} ms and was ended.` }))
        })
      )
    )

  const program = (name: string, executable: string): RemoteCall =>
    remoteCall(
      name,
      Schema.Struct({ args: Args, cwd: Cwd }),
      ({ args, cwd }) => runIn([executable, ...args], cwd, MAX_MILLIS),
      { refused: shellRefused }
    )

  return [
    remoteCall(
      "bash",
      Schema.Struct({
        command: Schema.String.check(Schema.isPattern(/^[^\0]{1,1048576}$/)),
        cwd: Cwd,
        timeout: Schema.optionalKey(Schema.NullOr(Schema.Number))
      }),
      ({ command, cwd, timeout }) =>
        runIn(["/bin/sh", "-c", command], cwd, Math.max(1, Math.min(timeout ?? DEFAULT_MILLIS, MAX_MILLIS))),
      { refused: shellRefused }
    ),
    program("ripgrep", "rg"),
    program("difftastic", "difft")
  ]
}

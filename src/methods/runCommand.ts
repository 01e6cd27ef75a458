import { spawn } from "node:child_process"
import { homedir } from "node:os"
import { join, resolve } from "node:path"
import { Effect, Scope } from "effect"
import { InvalidResult, MethodFailed } from "../protocol/methodErrors.ts"
import type { MethodName } from "../protocol/methodNames.ts"
import type { Namespace } from "../protocol/namespaces.ts"
import { lastLine, Tail } from "./ending.ts"

export interface CommandCall {
  readonly namespace: Namespace
  readonly method: MethodName
  readonly command: ReadonlyArray<string>
  readonly cwd: string | undefined
  readonly env: Readonly<Record<string, string>>
  /** As JSON. */
  readonly params: string
  readonly resultBytes: number
  readonly graceMillis: number
}

const directoryOf = (cwd: string | undefined): string =>
  cwd === undefined || cwd === "~"
    ? homedir()
    : resolve(homedir(), cwd.startsWith("~/") ? join(".", cwd.slice(2)) : cwd)

/**
 * Runs a method that is a command: parameters on stdin; stdout is the result, JSON if it is that, and otherwise text;
 * undefined when there is none. Interrupting it asks the command and all of its group to end (SIGTERM), and ends them
 * after the grace, in `scope`.
 */
export const runCommand = (
  call: CommandCall,
  scope: Scope.Scope
): Effect.Effect<unknown, MethodFailed | InvalidResult> =>
  Effect.callback((resume) => {
    const { graceMillis, method, namespace, resultBytes } = call
    const [file, ...args] = call.command
    const child = spawn(file!, args, {
      cwd: directoryOf(call.cwd),
      env: { ...call.env },
      stdio: ["pipe", "pipe", "pipe"],
      detached: true
    })
    const failed = (reason: string, exitCode?: number) =>
      resume(
        Effect.fail(new MethodFailed({ namespace, method, reason, ...(exitCode === undefined ? {} : { exitCode }) }))
      )
    const kill = (signal: NodeJS.Signals): void => {
      if (child.pid === undefined) return
      try {
        process.kill(-child.pid, signal)
      } catch {
        // gone
      }
    }
    const output: Array<Buffer> = []
    let bytes = 0
    const stderr = new Tail()
    child.stdout.on("data", (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= resultBytes) return void output.push(chunk)
      kill("SIGKILL")
      const problem = `the command wrote more than ${resultBytes} bytes (methods.resultBytes)`
      resume(Effect.fail(new InvalidResult({ namespace, method, problem })))
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => stderr.add(text))
    // One that does not read its parameters is none the worse for it.
    child.stdin.on("error", () => {})
    child.stdin.end(call.params)
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined)
        failed(
          error.code === "ENOENT"
            ? `"${file}" can't be run: there is no such program in PATH, or its directory is gone.`
            : `"${file}" can't be run: ${error.message}`
        )
    })
    child.on("close", (code, signal) => {
      if (code === 0) return resume(Effect.succeed(resultOf(Buffer.concat(output).toString())))
      const how = signal === null ? `exit code ${code}` : `ended by ${signal}`
      const said = lastLine(stderr.text)
      failed(said === "" ? `The command failed: ${how}.` : said.slice(0, 2000), code ?? undefined)
    })
    return Effect.suspend(() => {
      if (child.exitCode !== null || child.signalCode !== null) return Effect.void
      kill("SIGTERM")
      return Effect.asVoid(
        Effect.forkIn(
          Effect.andThen(
            Effect.sleep(graceMillis),
            Effect.sync(() => kill("SIGKILL"))
          ).pipe(Effect.onInterrupt(() => Effect.sync(() => kill("SIGKILL")))),
          scope
        )
      )
    })
  })

/** One line end at the end is the shell's, not the text's. */
const resultOf = (text: string): unknown => {
  if (text.trim() === "") return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text.replace(/\r?\n$/, "")
  }
}

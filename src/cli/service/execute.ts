import { execFile } from "node:child_process"

export interface Executed {
  /** Null when the program is not there, or took too long. */
  readonly code: number | null
  readonly stdout: string
  /** What it said was wrong, in one piece; why it could not be run. */
  readonly problem: string
}

const LONGEST_MILLIS = 120_000

/** Runs a program to its end, in the C locale: what it says is looked at. Never rejects. */
export const execute = (
  env: Readonly<Record<string, string | undefined>>,
  file: string,
  ...args: ReadonlyArray<string>
): Promise<Executed> =>
  new Promise((resolve) => {
    const options = { env: { ...env, LC_ALL: "C" }, encoding: "utf8", timeout: LONGEST_MILLIS } as const
    const child = execFile(file, [...args], options, (error, stdout, stderr) => {
      const problem = stderr.trim() || (error === null ? "" : error.message)
      const missing = (error as NodeJS.ErrnoException | null)?.code === "ENOENT"
      resolve({
        code: error === null ? 0 : child.exitCode,
        stdout,
        problem: missing ? `there is no program ${file} here` : problem
      })
    })
    child.stdin?.end()
  })

/** What `hob doctor` says. */
import { commandLine } from "../render/text.ts"

export type Level = "ok" | "warning" | "problem"

/** A change that can't lose anything: taking permissions away, or removing what hob left behind. */
export type Fix =
  | { readonly type: "chmod"; readonly path: string; readonly mode: number }
  /** A file of ours that nothing needs any more. */
  | { readonly type: "remove"; readonly path: string }
  /** A socket that nobody listens on. */
  | { readonly type: "remove-socket"; readonly path: string }

export interface Finding {
  /** `group.what`, for scripts. */
  readonly check: string
  readonly level: Level
  /** What is so, and what that means. */
  readonly message: string
  /** The command that mends it. */
  readonly mend?: string
  /** What `--fix` does about it; without one it is left to people. */
  readonly fix?: ReadonlyArray<Fix>
}

type Rest = Pick<Finding, "mend" | "fix">

export const ok = (check: string, message: string, rest: Rest = {}): Finding => ({
  check,
  level: "ok",
  message,
  ...rest
})
export const warning = (check: string, message: string, rest: Rest = {}): Finding => ({
  check,
  level: "warning",
  message,
  ...rest
})
export const problem = (check: string, message: string, rest: Rest = {}): Finding => ({
  check,
  level: "problem",
  message,
  ...rest
})

/** A command line of these words. */
export const sh = (...words: ReadonlyArray<string>): string => commandLine(words)

const octal = (mode: number): string => `0${mode.toString(8)}`

/** Closing files to others, as a person would write it and as `--fix` does it. */
export const chmod = (mode: number, ...paths: ReadonlyArray<string>): Required<Rest> => ({
  mend: sh("chmod", octal(mode), ...shortened(paths)),
  fix: paths.map((path) => ({ type: "chmod", path, mode }))
})

export const remove = (...paths: ReadonlyArray<string>): Required<Rest> => ({
  mend: sh("rm", ...shortened(paths)),
  fix: paths.map((path) => ({ type: "remove", path }))
})

const MOST = 20
/** A line that can still be read; `--fix` takes all of them. */
const shortened = (paths: ReadonlyArray<string>): ReadonlyArray<string> => paths.slice(0, MOST)

/** The worst of them. */
export const worst = (findings: ReadonlyArray<Finding>): Level =>
  (["problem", "warning"] as const).find((level) => findings.some((finding) => finding.level === level)) ?? "ok"

import { basename } from "node:path"
import { completionPaths } from "../../config/completionPaths.ts"
import type { Shell } from "./script.ts"

type Env = Readonly<Record<string, string | undefined>>

/** Where a shell looks for completions, and what it takes for it to look. */
export interface Place {
  readonly shell: Shell
  readonly path: string
  /** What a person has to do besides, as lines of text; none when the shell looks there by itself. */
  readonly besides: ReadonlyArray<string>
}

export const placeOf = (shell: Shell, env: Env): Place => {
  const paths = completionPaths(env)
  const path = paths[shell]
  switch (shell) {
    case "bash":
      return {
        shell,
        path,
        besides: [`Needs the package bash-completion. Without it, add to ~/.bashrc:`, `  source ${path}`]
      }
    case "zsh":
      return { shell, path, besides: ["Add to ~/.zshrc, before `compinit`:", `  fpath=(${paths.zshDirectory} $fpath)`] }
    case "fish":
      return { shell, path, besides: [] }
  }
}

/** How to install the script, as lines of text. */
export const teach = ({ besides, path, shell }: Place): ReadonlyArray<string> => [
  "`hob completions install` puts it in place, or:",
  `  hob completions ${shell} > ${path}`,
  ...besides
]

/** The shell that the user logs in with, where it is one that hob has completions for. */
export const loginShell = (env: Env): Shell | null => {
  const name = basename(env["SHELL"] ?? "")
  return name === "bash" || name === "zsh" || name === "fish" ? name : null
}

import type { Completions } from "effect/cli"
import { mkdirSync, renameSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { loginShell, placeOf } from "../completions/places.ts"
import { completionScript, type Shell } from "../completions/script.ts"
import type { Context } from "../context.ts"
import { ExitCode, Fault } from "../exit.ts"
import { print, printLine } from "../stdio.ts"

type Tree = () => Completions.CommandDescriptor

/** `hob completions SHELL` */
export const printCompletions = (context: Context, tree: Tree, shell: Shell): Promise<number> => {
  print(completionScript(tree(), shell, placeOf(shell, context.env)))
  return Promise.resolve(ExitCode.ok)
}

/** `hob completions install` */
export const installCompletions = (context: Context, tree: Tree, wanted: Shell | null): Promise<number> => {
  const shell = wanted ?? loginShell(context.env)
  if (shell === null) {
    throw new Fault(
      ExitCode.usage,
      `${context.env["SHELL"] ?? "Your shell"} is none that hob has completions for.`,
      "`hob completions install --shell bash` (or zsh, fish) installs them for one that you use."
    )
  }
  const { besides, path } = placeOf(shell, context.env)
  mkdirSync(dirname(path), { recursive: true })
  // In one step: a shell may be reading it.
  writeFileSync(`${path}.new`, completionScript(tree(), shell, placeOf(shell, context.env)))
  renameSync(`${path}.new`, path)
  printLine(`Completions for ${shell} are in ${path}; a new shell has them.`)
  for (const line of besides) printLine(line)
  return Promise.resolve(ExitCode.ok)
}

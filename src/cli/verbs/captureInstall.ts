import type { Context } from "../context.ts"
import { ownCommand, ownWords } from "../../agentHooks/ownCommand.ts"
import { type AgentName, agentNames } from "../../config/agentPaths.ts"
import { installAgent, isThere, type Outcome, uninstallAgent } from "../capture/agentFiles.ts"
import { installGitHooks, uninstallGitHooks, workTreeOf } from "../capture/gitHooks.ts"
import { findWorkTree } from "../../config/workTree.ts"
import { ExitCode, Fault } from "../exit.ts"
import { printError, printJson, printLine } from "../stdio.ts"

export interface CaptureInstallOptions {
  /** `all`: those that are there. */
  readonly agent: AgentName | "all" | "none"
  /** Null: the work tree that this is given in, if any. */
  readonly repository: string | null
  readonly notes: boolean
  readonly stage: boolean
  readonly markdown: boolean
  readonly json: boolean
}

const agentsOf = (agent: CaptureInstallOptions["agent"], context: Context): ReadonlyArray<AgentName> =>
  agent === "none" ? [] : agent === "all" ? agentNames.filter((each) => isThere(each, context.env)) : [agent]

/** The work tree that is meant; undefined where none was named and this is given in none. */
const treeOf = (repository: string | null) => {
  if (repository !== null) return workTreeOf(repository)
  const tree = findWorkTree(process.cwd())
  return typeof tree === "string" ? undefined : tree
}

/** `hob capture install` */
export const captureInstall = async (context: Context, options: CaptureInstallOptions): Promise<number> => {
  const { agent, json, markdown, notes, repository, stage } = options
  if (notes && stage)
    throw new Fault(
      ExitCode.usage,
      "A note of git can't be part of its commit: --notes and --stage exclude each other."
    )
  const tree = treeOf(repository)
  const outcomes: Array<Outcome> = agentsOf(agent, context).flatMap((name) =>
    installAgent(name, context.env, ownWords(context.paths), ownCommand(context.paths))
  )
  if (tree !== undefined) {
    const choice = { destination: notes ? ("notes" as const) : ("prompts" as const), stage, markdown }
    const sentences = installGitHooks(tree, choice, ownCommand(context.paths))
    outcomes.push(...sentences.map((sentence) => ({ done: true, sentence })))
  }
  return tell(
    outcomes,
    json,
    "Nothing to install: this is no git work tree, and no agent is known here. `--repo DIR` and `--agent NAME` name them."
  )
}

/** `hob capture uninstall` */
export const captureUninstall = async (
  context: Context,
  { agent, json, repository }: Pick<CaptureInstallOptions, "agent" | "repository" | "json">
): Promise<number> => {
  const tree = treeOf(repository)
  const names = agent === "all" ? agentNames : agent === "none" ? [] : [agent]
  const outcomes = names.flatMap((name) => uninstallAgent(name, context.env))
  const sentences = tree === undefined ? [] : uninstallGitHooks(tree)
  return tell([...outcomes, ...sentences.map((sentence) => ({ done: true, sentence }))], json, "Nothing was installed.")
}

const tell = (outcomes: ReadonlyArray<Outcome>, json: boolean, nothing: string): number => {
  if (json) printJson({ outcomes })
  else if (outcomes.length === 0) printLine(nothing)
  else for (const { done, sentence } of outcomes) (done ? printLine : printError)(done ? sentence : `hob: ${sentence}`)
  return outcomes.some(({ done }) => !done) ? ExitCode.failure : ExitCode.ok
}

import type { Completions } from "effect/cli"
import { parseDuration } from "./duration.ts"
import { ExitCode, Fault } from "./exit.ts"
import { ENDLESS } from "./plain.ts"

type Descriptor = Completions.CommandDescriptor

/**
 * Makes forms of the command line that people expect into those that the parser takes. Knows every flag from the tree
 * itself. Throws a {@link Fault} where what is meant would be taken for something else.
 *
 * - `run CMD ARGS…`, `lock NAME CMD ARGS…`: from the command on, everything belongs to it, as if `--` stood before.
 * - `cron add JOB EXPRESSION -- CMD ARGS…`: what stands behind `--` is a command, and not a method.
 * - `--wait` of locks alone, or with a duration.
 * - `webhook allow --github` and its kin alone: a secret is to be made.
 * - `send S --key A B`: each word after the first `--key` is a key.
 * - `--flag WORD` where the flag takes no value: the parser would take a word such as `on` or `1` for one.
 */
export const normalize = (tree: Descriptor, argv: ReadonlyArray<string>): ReadonlyArray<string> => {
  const shared = flagsOf(tree.subcommands[0])
  const result: Array<string> = []
  let command = tree
  const path: Array<string> = []
  let words = 0
  let greedy = false
  for (let index = 0; index < argv.length; index++) {
    const arg = argv[index]!
    if (arg === "--") {
      refuseCommand(path, argv.slice(index + 1))
      const saysSo = flagsOf(command).get("--command")?.type._tag === "Boolean" ? ["--command=true"] : []
      return [...result, ...saysSo, ...argv.slice(index)]
    }
    if (arg === "-" || !arg.startsWith("-")) {
      const next = words === 0 ? command.subcommands.find(({ name }) => name === arg) : undefined
      if (next !== undefined) {
        command = next
        path.push(arg)
        result.push(arg)
      } else if (words++ === (path.length === 1 ? wordsBeforeCommand(command) : undefined)) {
        return [...result, "--", ...argv.slice(index)]
      } else if (greedy) result.push(`--key=${arg}`)
      else result.push(arg)
      continue
    }
    const flag = flagsOf(command).get(arg) ?? shared.get(arg)
    if (flag?.type._tag === "Boolean") result.push(`${arg}=true`)
    else if (flag !== undefined) {
      if (command.name === "send" && flag.name === "key") greedy = true
      const value = argv[index + 1]
      if (flag.name === "wait" && parseDuration(value ?? "") === undefined) result.push(`${arg}=${ENDLESS}`)
      else if (value === undefined || /^-[^\d]/.test(value)) result.push(isMade(command, flag) ? `${arg}=` : arg)
      else {
        result.push(`${arg}=${value}`)
        index++
      }
    } else {
      if (command.name === "send" && arg.startsWith("--key=")) greedy = true
      result.push(arg)
    }
  }
  return result
}

const made: ReadonlySet<string> = new Set(["secret", "github", "standard"])
const isMade = (command: Descriptor, flag: Completions.FlagDescriptor): boolean =>
  command.name === "allow" && made.has(flag.name)

/** A lock may be called as one of the commands below `lock`. */
const refuseCommand = ([outer, inner]: ReadonlyArray<string>, words: ReadonlyArray<string>): void => {
  if (outer !== "lock" || inner === undefined || words[0]?.startsWith("-") !== false) return
  throw new Fault(
    ExitCode.usage,
    `\`hob lock ${inner}\` runs no command.`,
    `To run one under a lock that is called "${inner}": \`hob lock -- ${inner} ${words.join(" ")}\`.`
  )
}

const wordsBeforeCommand = ({ name }: Descriptor): number | undefined =>
  name === "run" ? 0 : name === "lock" ? 1 : undefined

const flagsOf = (command: Descriptor | undefined): ReadonlyMap<string, Completions.FlagDescriptor> =>
  new Map(
    (command?.flags ?? []).flatMap((flag) =>
      [`--${flag.name}`, ...flag.aliases.map((alias) => `${alias.length === 1 ? "-" : "--"}${alias}`)].map(
        (spelled) => [spelled, flag] as const
      )
    )
  )

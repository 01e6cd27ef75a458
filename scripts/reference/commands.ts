import { NodeServices } from "@effect/platform-node"
import { Effect, Option } from "effect"
import { CliConfig, CliOutput, Command, Completions, GlobalFlag, type HelpDoc } from "effect/cli"
import { readFileSync } from "node:fs"
import { Home } from "../../src/cli/commands/act.ts"
import { ExitCode } from "../../src/cli/exit.ts"
import { tree } from "../../src/cli/tree.ts"
import { makePaths } from "../../src/config/paths.ts"
import { cell, docstrings } from "./docstrings.ts"
import { anchor, page, table } from "./pages.ts"

type Descriptor = Completions.CommandDescriptor

/** Every command that does something, as the words that call it, and its flags (`--name`, `-n`). */
export interface KnownCommand {
  readonly words: ReadonlyArray<string>
  readonly flags: ReadonlySet<string>
  /** Whether a word behind it may be its own, and not one of the commands below it. */
  readonly hasArguments: boolean
}

const flagNames = (descriptor: Descriptor): ReadonlyArray<string> =>
  descriptor.flags.flatMap(({ aliases, name }) => [
    `--${name}`,
    ...aliases.map((alias) => (alias.length === 1 ? `-${alias}` : `--${alias}`))
  ])

const collect = (descriptor: Descriptor, words: ReadonlyArray<string>): ReadonlyArray<KnownCommand> => [
  { words, flags: new Set([...flagNames(descriptor), "--help", "-h"]), hasArguments: descriptor.arguments.length > 0 },
  ...descriptor.subcommands.flatMap((sub) => collect(sub, [...words, sub.name]))
]

/** The command tree as the command line itself knows it. */
export const knownCommands: ReadonlyArray<KnownCommand> = collect(Completions.fromCommand(tree), ["hob"])

/** What `hob … --help` is made from. */
const helpOf = async (words: ReadonlyArray<string>): Promise<HelpDoc.HelpDoc> => {
  let help: HelpDoc.HelpDoc | undefined
  const presenter: CliOutput.Presenter = {
    present: (event) =>
      Effect.sync(() => {
        if (event._tag === "Help") help = event.helpDoc
      })
  }
  await Command.runWith(tree, { version: "" })([...words.slice(1), "--help"]).pipe(
    Effect.provideService(CliConfig.CliConfig, CliConfig.make({ builtIns: [GlobalFlag.Help] })),
    Effect.provideService(CliOutput.Presenter, presenter),
    Effect.provideService(Home, makePaths({ HOB_HOME: "/" })),
    Effect.provide(NodeServices.layer),
    Effect.runPromiseExit
  )
  if (help === undefined) throw new Error(`${words.join(" ")} --help says nothing`)
  return help
}

const flagsTable = (flags: ReadonlyArray<HelpDoc.FlagDoc>): string =>
  table(
    ["flag", "meaning"],
    flags.map(({ aliases, description, name, type }) => {
      const value = type === "boolean" ? "" : ` ${type}`
      return [
        [`--${name}`, ...aliases].map((flag) => `\`${flag}${value}\``).join(", "),
        cell(Option.getOrElse(description, () => ""))
      ]
    })
  )

const section = ({ words }: KnownCommand, help: HelpDoc.HelpDoc): string =>
  [
    `## ${words.join(" ")}`,
    help.description,
    `\`\`\`\n${help.usage}\n\`\`\``,
    ...(help.args === undefined || help.args.length === 0
      ? []
      : [
          table(
            ["argument", "meaning"],
            help.args.map(({ description, name }) => [`\`${name}\``, cell(Option.getOrElse(description, () => ""))])
          )
        ]),
    ...(help.flags.length === 0 ? [] : [flagsTable(help.flags)]),
    ...(help.examples === undefined || help.examples.length === 0
      ? []
      : [
          `\`\`\`sh\n${help.examples
            .map(({ command, description }) => (description === undefined ? command : `${command}  # ${description}`))
            .join("\n")}\n\`\`\``
        ])
  ].join("\n\n")

const exitCodes = (): string => {
  const docs = docstrings(readFileSync(new URL("../../src/cli/exit.ts", import.meta.url), "utf8"))
  return table(
    ["code", "meaning"],
    Object.entries(ExitCode).map(([name, code]) => [
      String(code),
      cell(docs.get(`ExitCode.${name}`) ?? name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`))
    ])
  )
}

/** docs/commands.md: what `--help` says of every command, on one page. */
export const commandsPage = async (): Promise<string> => {
  const helps = await Promise.all(knownCommands.map(async (command) => [command, await helpOf(command.words)] as const))
  const leaves = helps.filter(
    ([, help]) => (help.subcommands ?? []).length === 0 || (help.args !== undefined && help.args.length > 0)
  )
  const root = helps[0]![1]
  return page([
    "# Commands",
    root.description,
    table(
      ["command", ""],
      leaves.map(([{ words }, help]) => [
        `[\`${words.join(" ")}\`](#${anchor(words.join(" "))})`,
        cell(help.description.split(/(?<=\.) /)[0]!)
      ])
    ),
    "On all of them:",
    flagsTable(root.flags),
    ...leaves.map(([command, help]) => section(command, help)),
    "## Exit codes",
    exitCodes()
  ])
}

/** What is wrong with a command line of hob as a page writes it, such as `hob run --detach -- make`; undefined when nothing is. */
export const mistakeIn = (line: string): string | undefined => {
  const words = line
    .replace(/\$\(.*/, "")
    .trim()
    .split(/\s+/)
  let known = knownCommands[0]!
  let isCommand = true
  for (const word of words.slice(1)) {
    if (word === "--" || /^[|>&;#<]/.test(word)) return undefined
    const next = isCommand
      ? knownCommands.find(({ words: path }) => path.join(" ") === [...known.words, word].join(" "))
      : undefined
    if (next !== undefined) {
      known = next
      continue
    }
    if (word.startsWith("-") && word.length > 1) {
      const flag = word.split("=")[0]!
      if (!known.flags.has(flag) && !knownCommands[0]!.flags.has(flag))
        return `${known.words.join(" ")} has no flag ${flag}`
      continue
    }
    const group =
      !known.hasArguments &&
      knownCommands.some(
        ({ words: path }) =>
          path.length === known.words.length + 1 && path.join(" ").startsWith(`${known.words.join(" ")} `)
      )
    if (group) return `there is no command ${[...known.words, word].join(" ")}`
    isCommand = false
    if (known.words[1] === "run") return undefined
  }
  return undefined
}

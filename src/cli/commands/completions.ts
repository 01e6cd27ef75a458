import { Option } from "effect"
import { Command, Completions, Flag } from "effect/cli"
import { placeOf, teach } from "../completions/places.ts"
import { type Shell, shells } from "../completions/script.ts"
import { installCompletions, printCompletions } from "../verbs/completions.ts"
import { act } from "./act.ts"

/** Written for everybody: `~` stands for whoever reads it. */
const taught = (shell: Shell): string => teach(placeOf(shell, { HOME: "~" })).join("\n")

/** The scripts for shells, made from the whole tree: handed in, because these commands are part of it. */
export const completionsCommand = (tree: () => Command.Command.Any) => {
  const descriptor = () => Completions.fromCommand(tree())
  const shellCommand = (shell: Shell) =>
    Command.make(shell, {}, () => act((context) => printCompletions(context, descriptor, shell))).pipe(
      Command.withDescription(`Print the script that completes hob in ${shell}.\n\n${taught(shell)}`),
      Command.withShortDescription(`Print the script for ${shell}`),
      Command.withExamples([{ command: `hob completions ${shell} > ${placeOf(shell, { HOME: "~" }).path}` }])
    )
  const installCommand = Command.make(
    "install",
    {
      shell: Flag.Literals("shell", [...shells]).pipe(
        Flag.withDescription("bash, zsh or fish (default: the one that you log in with)"),
        Flag.optional
      )
    },
    ({ shell }) => act((context) => installCompletions(context, descriptor, Option.getOrNull(shell)))
  ).pipe(
    Command.withDescription(
      "Put the completions where your shell looks for them, and say what else it needs. Again after an upgrade."
    ),
    Command.withShortDescription("Put them where your shell looks for them"),
    Command.withExamples([{ command: "hob completions install" }, { command: "hob completions install --shell zsh" }])
  )
  return Command.make("completions").pipe(
    Command.withDescription(
      "Shell completions: commands, flags, and what only a running hob knows, such as names of sessions and tags."
    ),
    Command.withShortDescription("Shell completions"),
    Command.withSubcommands([installCommand, shellCommand("bash"), shellCommand("zsh"), shellCommand("fish")])
  )
}

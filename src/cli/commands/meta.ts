import { Effect } from "effect"
import { Argument, Command, Completions } from "effect/cli"
import { VERSION } from "../../config/version.ts"
import { printLine } from "../stdio.ts"
import { hob } from "./root.ts"

export const versionCommand = Command.make("version", {}, () => Effect.sync(() => printLine(VERSION))).pipe(
  Command.withDescription("Print the version of this command. `hob status` has the running daemon's."),
  Command.withShortDescription("Print the version")
)

/** The script for a shell, made from the whole tree: handed in, because this command is part of it. */
export const completionsCommand = (tree: () => Command.Command.Any) =>
  Command.make(
    "completions",
    {
      shell: Argument.Literals("shell", ["bash", "zsh", "fish"]).pipe(Argument.withDescription("bash, zsh or fish"))
    },
    ({ shell }) => Effect.sync(() => printLine(Completions.generate(hob.name, shell, Completions.fromCommand(tree()))))
  ).pipe(
    Command.withDescription("Print a script that completes hob's commands and flags in your shell."),
    Command.withShortDescription("Print shell completions"),
    Command.withExamples([
      { command: "hob completions bash > ~/.local/share/bash-completion/completions/hob" },
      { command: "hob completions zsh > ~/.zfunc/_hob" },
      { command: "hob completions fish > ~/.config/fish/completions/hob.fish" }
    ])
  )

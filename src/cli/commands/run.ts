import { Argument, Command } from "effect/cli"
import { attach } from "../verbs/attach.ts"
import { run } from "../verbs/run.ts"
import { act } from "./act.ts"
import { session, textOrNull, texts, yes } from "./flags.ts"

export const runCommand = Command.make(
  "run",
  {
    name: textOrNull("name", "NAME", "A name to call it by", "n"),
    cwd: textOrNull("cwd", "DIR", "Where it runs (default: here)"),
    env: texts("env", "KEY=VALUE", "A variable beside this shell's environment; may be repeated", "e"),
    tags: texts("tag", "TAG", "A label for listings; may be repeated", "t"),
    pipe: yes("pipe", "On three pipes instead of a terminal, for programs that speak a protocol"),
    detach: yes("detach", "Leave it in the background and print its id", "d"),
    json: yes("json", "With --detach: print the session as JSON"),
    command: Argument.String("command").pipe(
      Argument.withDescription("The program and its arguments (default: your shell)"),
      Argument.variadic()
    )
  },
  (options) => act((context) => run(context, options))
).pipe(
  Command.withDescription(
    "Run a command in a session that outlives this terminal, and attach to it. Without a terminal, its output is printed as it comes. Ends with the command's exit code; 127 if there is no such command."
  ),
  Command.withShortDescription("Run a command in a new session"),
  Command.withExamples([
    { command: "hob run", description: "Your shell; C-\\ leaves it running" },
    { command: "hob run --name web -- npm run dev" },
    { command: "id=$(hob run --detach -- make -j8)", description: "In the background, for a script" },
    { command: "hob run -d --cwd /srv --env PORT=8080 --tag web -- ./serve" },
    { command: "hob run --detach --pipe -- ./agent --stdio", description: "A program that talks over its pipes" }
  ])
)

export const attachCommand = Command.make(
  "attach",
  {
    session,
    readOnly: yes("read-only", "Only watch: nothing typed reaches it, and its size stays", "r"),
    take: yes("take", "Take the keyboard from whoever has it: type, and have the session in this terminal's size")
  },
  (options) => act((context) => attach(context, options))
).pipe(
  Command.withDescription(
    "Show a session in this terminal and type into it, until it ends or you type the detach key (C-\\, or what sessions.detachKey says). Its history is above, in the terminal's own. Any number of terminals may be attached: the first one types, and the session has its size; others watch, each in its own size, until they take the keyboard with Ctrl-T or its holder leaves. Ends with the session's exit code, or 0 after detaching."
  ),
  Command.withShortDescription("Show a session here and type into it"),
  Command.withExamples([
    { command: "hob attach build" },
    { command: "hob attach 1f3a --read-only", description: "By the beginning of its id" },
    { command: "hob attach build --take", description: "And type, though another terminal is attached" }
  ])
)

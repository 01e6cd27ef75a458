import { Argument, Command } from "effect/cli"
import { kill } from "../verbs/kill.ts"
import { list } from "../verbs/list.ts"
import { remove } from "../verbs/remove.ts"
import { isStdin, send } from "../verbs/send.ts"
import { show } from "../verbs/show.ts"
import { wait } from "../verbs/wait.ts"
import { act } from "./act.ts"
import { durationOrNull, json, session, sessions, textOrNull, texts, yes } from "./flags.ts"

export const listCommand = Command.make(
  "ls",
  {
    all: yes("all", "Also those that have ended", "a"),
    json,
    quiet: yes("quiet", "Only ids, one a line", "q")
  },
  (options) => act((context) => list(context, options))
).pipe(
  Command.withDescription("List sessions, newest first."),
  Command.withShortDescription("List sessions"),
  Command.withExamples([
    { command: "hob ls" },
    { command: "hob ls --all --json", description: 'For scripts: {"sessions": […]}' }
  ])
)

export const showCommand = Command.make("show", { session, json }, (options) =>
  act((context) => show(context, options))
).pipe(
  Command.withDescription("Show all that is known of a session: command, directory, state, exit code, output."),
  Command.withShortDescription("Show one session"),
  Command.withExamples([{ command: "hob show build" }, { command: "hob show build --json" }])
)

export const sendCommand = Command.make(
  "send",
  {
    session,
    text: Argument.String("text").pipe(
      Argument.withDescription("What to type, joined by spaces; `-` is standard input"),
      Argument.variadic()
    ),
    keys: texts("key", "KEY", "Keys by name, to the end of the line: Enter, Escape, C-c, M-x, Up, F5, …", "k"),
    eof: yes("eof", "Then end its input: closes standard input of a session on pipes, types C-d at a terminal")
  },
  ({ eof, keys, session, text }) => {
    const stdin = isStdin(text)
    return act((context) => send(context, { session, keys, stdin, eof, text: stdin ? [] : text }))
  }
).pipe(
  Command.withDescription(
    "Type into a session. Nothing is added to the text: end it with `--key Enter` to have it executed. All of it is accepted, or none."
  ),
  Command.withShortDescription("Type into a session"),
  Command.withExamples([
    { command: "hob send shell 'git status' --key Enter" },
    { command: "hob send build --key C-c", description: "Interrupt what runs in it" },
    { command: "hob send editor --key Escape : w q Enter" },
    {
      command: "hob send agent --eof - < request.json",
      description: "And no more: a program on pipes sees its input end"
    },
    { command: "hob send agent - < prompt.txt", description: "Standard input, as fast as the program reads" }
  ])
)

export const waitCommand = Command.make(
  "wait",
  {
    session,
    exit: yes("exit", "Until it has ended (the default)"),
    timeout: durationOrNull("timeout", "Give up after this long, with exit code 5"),
    json: yes("json", "Print the session as JSON")
  },
  ({ json, session, timeout }) => act((context) => wait(context, { session, timeout, json }))
).pipe(
  Command.withDescription(
    "Wait until a session has ended and its output is complete, and print its exit code (128 + n for signal n)."
  ),
  Command.withShortDescription("Wait until a session has ended"),
  Command.withExamples([
    { command: "hob wait --exit build" },
    { command: "hob wait --exit build --timeout 10m || hob kill build" }
  ])
)

export const killCommand = Command.make(
  "kill",
  {
    sessions,
    signal: textOrNull("signal", "SIGNAL", "Instead of TERM: INT, HUP, KILL, …", "s"),
    grace: durationOrNull("grace", "How long it has before it is killed with KILL (default: sessions.killGraceMillis)"),
    json: yes("json", "Print the sessions as JSON")
  },
  (options) => act((context) => kill(context, options))
).pipe(
  Command.withDescription(
    "End sessions: the signal goes to every process of each, and KILL to what is left after the grace. Their output stays until `hob rm`."
  ),
  Command.withShortDescription("End sessions"),
  Command.withExamples([
    { command: "hob kill build" },
    { command: "hob kill build --signal INT --grace 30s" },
    { command: "hob kill $(hob ls -q)", description: "All that run" }
  ])
)

export const removeCommand = Command.make(
  "rm",
  { sessions, force: yes("force", "End those that run", "f") },
  (options) => act((context) => remove(context, options))
).pipe(
  Command.withDescription("Forget sessions that have ended, and delete their logs."),
  Command.withShortDescription("Forget ended sessions"),
  Command.withExamples([{ command: "hob rm build" }, { command: "hob rm --force build", description: "End it first" }])
)

import { Argument, Command } from "effect/cli"
import { dialectDisable, dialectEnable, dialectList } from "../verbs/dialect.ts"
import { act } from "./act.ts"
import { json } from "./flags.ts"

const name = Argument.String("name").pipe(Argument.withDescription("The dialect: `hob dialect ls` lists them"))
const args = Argument.String("arg").pipe(
  Argument.withDescription(
    "What tells it from others of its kind, or what it is to run; behind `--` when it begins with a hyphen"
  ),
  Argument.variadic()
)

const listCommand = Command.make("ls", { json }, (options) => act((context) => dialectList(context, options))).pipe(
  Command.withDescription(
    "List every dialect: whether it is enabled, whether its clients are answered (up), where they look for it, and why if they are not: refused (somebody else answers there; hob tries again by itself) or closed (one of its clients shut it down; `enable` opens it again)."
  ),
  Command.withShortDescription("List the dialects"),
  Command.withExamples([{ command: "hob dialect ls" }, { command: "hob dialect ls --json" }])
)

const enableCommand = Command.make("enable", { name, args, json }, (options) =>
  act((context) => dialectEnable(context, options))
).pipe(
  Command.withDescription(
    "Answer the clients of another program's daemon, at once and after each start: written to the configuration file. Where that daemon runs itself this is refused, and its pid named."
  ),
  Command.withShortDescription("Answer another program's clients"),
  Command.withExamples([
    { command: "hob dialect enable claude-sessions", description: "Its command line and window work with hob" },
    {
      command: "hob dialect enable claude-sessions -- claude --model opus",
      description: "The same, and what its sessions run"
    },
    { command: "hob dialect enable photon kanban", description: "The clients of the photon kanban, and of no other" }
  ])
)

const disableCommand = Command.make("disable", { name, args, json }, (options) =>
  act((context) => dialectDisable(context, options))
).pipe(
  Command.withDescription(
    "Stop answering the clients of a dialect, at once and for good; without arguments all of this name. Sessions run on."
  ),
  Command.withShortDescription("Stop answering them"),
  Command.withExamples([{ command: "hob dialect disable claude-sessions" }])
)

export const dialectCommand = Command.make("dialect").pipe(
  Command.withDescription(
    "Dialects: hob in the place of other programs' daemons. Each is a protocol of its own, on the socket where that program's clients look for it."
  ),
  Command.withShortDescription("Answer the clients of other programs' daemons"),
  Command.withSubcommands([listCommand, enableCommand, disableCommand])
)

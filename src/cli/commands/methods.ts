import { Argument, Command } from "effect/cli"
import { methodsAdd, methodsList, methodsReload, methodsRemove } from "../verbs/methods.ts"
import { methodsCall } from "../verbs/methodsCall.ts"
import { act } from "./act.ts"
import { durationOrNull, json, textOrNull, yes } from "./flags.ts"
import { Option } from "effect"

const namespace = textOrNull("namespace", "NAME", "Methods of this namespace (default: default)", "N")
const file = Argument.String("file").pipe(
  Argument.withDescription("A module in TypeScript or JavaScript that Node can import as it stands")
)

const addCommand = Command.make("add", { file, namespace, json }, (options) =>
  act((context) => methodsAdd(context, options))
).pipe(
  Command.withDescription(
    "Add a module: its exported functions, or the methods of the class that it exports as its default, can be called from then on, also after a restart. It is loaded in a process of its own, and loaded anew whenever it or a file it imports from its own directory changes; calls in flight finish on the old code. Prints the names of its methods."
  ),
  Command.withShortDescription("Add a module's methods"),
  Command.withExamples([
    { command: "hob methods add ./board.ts" },
    { command: "hob methods add ./board.ts --namespace kanban", description: "With an instance of its own" }
  ])
)

const listCommand = Command.make(
  "ls",
  { all: yes("all", "Those of every namespace", "a"), namespace, json },
  (options) => act((context) => methodsList(context, options))
).pipe(
  Command.withDescription(
    "List the modules, how they are and what was last wrong with them, and every method with its time limit."
  ),
  Command.withShortDescription("List modules and methods"),
  Command.withExamples([
    { command: "hob methods ls --all" },
    { command: "hob methods ls --json", description: 'For scripts: {"modules": […], "methods": […]}, with schemas' }
  ])
)

const callCommand = Command.make(
  "call",
  {
    method: Argument.String("method").pipe(Argument.withDescription("Its name, as `hob methods ls` shows it")),
    params: Argument.String("params").pipe(
      Argument.withDescription("Its parameters as JSON; `-` reads them from standard input"),
      Argument.optional,
      Argument.map(Option.getOrNull)
    ),
    namespace,
    timeout: durationOrNull("timeout", "Stop it after so long (default: the method's own limit, or none)"),
    json
  },
  (options) => act((context) => methodsCall(context, options))
).pipe(
  Command.withDescription(
    "Call a method and print its result: a text as it is, all else as JSON. Progress and what the method says meanwhile go to standard error. What it asks is asked on the terminal; where standard input is none, the method hears that nobody is there. Ctrl-C stops the method. Exit code 1 if it fails, 2 if its parameters are wrong, 4 if there is no such method, 5 if it takes too long."
  ),
  Command.withShortDescription("Call a method"),
  Command.withExamples([
    { command: `hob methods call add '{"a": 1, "b": 2}'` },
    { command: "hob methods call report --timeout 10m --json > report.json" },
    { command: "jq .event payload.json | hob methods call handle -", description: "Parameters from standard input" }
  ])
)

const reloadCommand = Command.make(
  "reload",
  { file: file.pipe(Argument.optional, Argument.map(Option.getOrNull)), namespace, json },
  (options) => act((context) => methodsReload(context, options))
).pipe(
  Command.withDescription(
    "Load a module anew, or all of the namespace: for what hob can't see, such as an installed package that has changed. Exit code 1 if one of them can't be loaded; its old code then stays in charge."
  ),
  Command.withShortDescription("Load modules anew"),
  Command.withExamples([{ command: "hob methods reload ./board.ts" }, { command: "hob methods reload" }])
)

const removeCommand = Command.make("rm", { file, namespace, json }, (options) =>
  act((context) => methodsRemove(context, options))
).pipe(
  Command.withDescription("Remove a module: its methods can't be called any more. Calls in flight finish."),
  Command.withShortDescription("Remove a module"),
  Command.withExamples([{ command: "hob methods rm ./board.ts" }])
)

export const methodsCommand = Command.make("methods").pipe(
  Command.withDescription(
    "Call what modules of your own export: from here, from jobs and from webhooks. Each module runs in a process of its own, which may fail without harm to anything else."
  ),
  Command.withShortDescription("Your own modules' functions"),
  Command.withSubcommands([addCommand, listCommand, callCommand, reloadCommand, removeCommand])
)

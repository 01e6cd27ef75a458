import { Command } from "effect/cli"
import { configCheck, configPath, configReload, configShow } from "../verbs/config.ts"
import { act, actUnchecked } from "./act.ts"
import { json } from "./flags.ts"

const showCommand = Command.make("show", { json }, (options) => act((context) => configShow(context, options))).pipe(
  Command.withDescription(
    "Print every setting with its value and where it came from: flag, environment, file or default."
  ),
  Command.withShortDescription("Print every setting and where it came from"),
  Command.withExamples([{ command: "hob config show" }])
)

const pathCommand = Command.make("path", {}, () => act(configPath)).pipe(
  Command.withDescription("Print where the configuration file is, whether it exists or not."),
  Command.withShortDescription("Print where the configuration file is"),
  Command.withExamples([{ command: "$EDITOR $(hob config path)" }])
)

const checkCommand = Command.make("check", { json }, (options) =>
  actUnchecked((context) => configCheck(context, options))
).pipe(
  Command.withDescription(
    "Look for mistakes in the configuration file, the environment and `-c` flags, and tell all of them. Exit code 1 if there are any, 2 if all are in flags."
  ),
  Command.withShortDescription("Look for mistakes in the configuration"),
  Command.withExamples([
    { command: "hob config check" },
    { command: "hob config check -c sessions.maxCount=50", description: "Would this be accepted?" }
  ])
)

const reloadCommand = Command.make("reload", { json }, (options) =>
  act((context) => configReload(context, options))
).pipe(
  Command.withDescription(
    "Have the running daemon read the configuration again, and tell which settings changed and which wait for `hob restart`. With a mistake in it, what is in force stays in force."
  ),
  Command.withShortDescription("Have the running daemon read the configuration again"),
  Command.withExamples([{ command: "$EDITOR $(hob config path) && hob config reload" }])
)

export const configCommand = Command.make("config").pipe(
  Command.withDescription(
    "The configuration: flags before environment (HOB_GROUP_NAME) before config.json before defaults."
  ),
  Command.withShortDescription("Show, check and reload the configuration"),
  Command.withSubcommands([showCommand, pathCommand, checkCommand, reloadCommand])
)

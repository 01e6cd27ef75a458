import { Command } from "effect/cli"
import { configCheck, configPath, configShow } from "../verbs/config.ts"
import { act } from "./act.ts"
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

const checkCommand = Command.make("check", {}, () => act(configCheck)).pipe(
  Command.withDescription(
    "Look for mistakes in the configuration file, the environment and `-c` flags. Exit code 1 if there are any."
  ),
  Command.withShortDescription("Look for mistakes in the configuration"),
  Command.withExamples([{ command: "hob config check" }])
)

export const configCommand = Command.make("config").pipe(
  Command.withDescription(
    "The configuration: flags before environment (HOB_GROUP_NAME) before config.json before defaults."
  ),
  Command.withShortDescription("Show and check the configuration"),
  Command.withSubcommands([showCommand, pathCommand, checkCommand])
)

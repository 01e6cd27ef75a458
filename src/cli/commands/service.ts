import { Command } from "effect/cli"
import { serviceInstall, serviceStatus, serviceUninstall } from "../verbs/service.ts"
import { act } from "./act.ts"
import { json } from "./flags.ts"

const installCommand = Command.make("install", { json }, (options) =>
  act((context) => serviceInstall(context, options))
).pipe(
  Command.withDescription(
    "Have systemd (your own manager, no root) or launchd keep the daemon: started at login, started again when it fails. With systemd it also holds the socket, so that no client is refused while the daemon is replaced. A daemon that runs is replaced; sessions run on. Again after an upgrade that moved hob, or with other `-c` settings."
  ),
  Command.withShortDescription("Have the service manager keep the daemon"),
  Command.withExamples([
    { command: "hob service install" },
    { command: "hob service install -c daemon.logLevel=debug", description: "With a setting of its own" }
  ])
)

const uninstallCommand = Command.make("uninstall", { json }, (options) =>
  act((context) => serviceUninstall(context, options))
).pipe(
  Command.withDescription("Undo `hob service install`: the daemon stops, its files are removed, sessions run on."),
  Command.withShortDescription("Undo it; sessions run on"),
  Command.withExamples([{ command: "hob service uninstall" }])
)

const statusCommand = Command.make("status", { json }, (options) =>
  act((context) => serviceStatus(context, options))
).pipe(
  Command.withDescription(
    "Show whether it is installed, enabled and active, whether sessions outlive your last logout, and what differs from what this version would install. Exit code 0 when it is up, 1 when a part has failed, 3 otherwise."
  ),
  Command.withShortDescription("Show how the service is"),
  Command.withExamples([{ command: "hob service status" }, { command: "hob service status --json" }])
)

export const serviceCommand = Command.make("service").pipe(
  Command.withDescription(
    "The daemon as a service of systemd or launchd. hob works without: any command starts the daemon."
  ),
  Command.withShortDescription("Have systemd or launchd keep the daemon"),
  Command.withSubcommands([installCommand, uninstallCommand, statusCommand])
)

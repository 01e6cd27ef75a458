import { Command } from "effect/cli"
import {
  machineDisable,
  machineEnable,
  machineLogin,
  machineLogout,
  machinePair,
  machineStatus
} from "../verbs/machine.ts"
import { act } from "./act.ts"
import { json, textOrNull, yes } from "./flags.ts"

const pairCommand = Command.make("pair", { json }, (options) => act((context) => machinePair(context, options))).pipe(
  Command.withDescription(
    "Show a QR code and links, and wait until a device of the account has opened one of them: then this machine has credentials. Nothing else is begun by it."
  ),
  Command.withShortDescription("Log in by a device of the account"),
  Command.withExamples([{ command: "hob machine pair && hob machine enable" }])
)

const loginCommand = Command.make(
  "login",
  {
    secret: textOrNull(
      "secret",
      "SECRET",
      "The account's secret, as its devices show it for a backup. `-` reads it from standard input, `file:PATH` from a file, `env:NAME` from a variable"
    ),
    json
  },
  (options) => act((context) => machineLogin(context, options))
).pipe(
  Command.withDescription(
    "Log in by the account's secret; without it, with the credentials that the server's own program has on this machine (HAPPY_HOME_DIR, else ~/.happy), and as the machine that it is there."
  ),
  Command.withShortDescription("Log in by a secret, or with credentials that are there"),
  Command.withExamples([
    { command: "hob machine login", description: "As the server's own program on this machine" },
    { command: "hob machine login --secret -", description: "Asks for nothing but a line on standard input" }
  ])
)

const statusCommand = Command.make("status", { json }, (options) =>
  act((context) => machineStatus(context, options))
).pipe(
  Command.withDescription(
    "Tell how it stands with the remote server. It is ready once the server has confirmed everything: the machine, the connection, and each call that devices may make."
  ),
  Command.withShortDescription("Tell how it stands with the remote server"),
  Command.withExamples([{ command: "hob machine status" }, { command: "hob machine status --json" }])
)

const enableCommand = Command.make(
  "enable",
  {
    server: textOrNull("server", "URL", "The remote server (default: machine.serverUrl)"),
    noHttp: yes("no-http", "Leave the control API as it is; else it is switched on with it (`hob http enable`)"),
    json
  },
  (options) => act((context) => machineEnable(context, options))
).pipe(
  Command.withDescription(
    "Keep this machine in step with the remote server, now and after each start: written to the configuration file. Devices of the account can then start, stop and resume agents here. Files and commands only where machine.permissions says so. Switches the control API on this machine on too."
  ),
  Command.withShortDescription("Let devices of the account see and call this machine"),
  Command.withExamples([
    { command: "hob machine enable" },
    { command: "hob machine enable --server https://happy.example.org" }
  ])
)

const disableCommand = Command.make("disable", { json }, (options) =>
  act((context) => machineDisable(context, options))
).pipe(
  Command.withDescription("Tell the remote server that this machine is offline, and speak to it no longer."),
  Command.withShortDescription("Speak to the remote server no longer"),
  Command.withExamples([{ command: "hob machine disable" }])
)

const logoutCommand = Command.make("logout", { json }, (options) =>
  act((context) => machineLogout(context, options))
).pipe(
  Command.withDescription(
    "Remove the credentials, and with them this machine's id: who logs in next is another machine. Files of the server's own program (HAPPY_HOME_DIR) stay."
  ),
  Command.withShortDescription("Remove the credentials"),
  Command.withExamples([{ command: "hob machine logout" }])
)

export const machineCommand = Command.make("machine").pipe(
  Command.withDescription(
    "This machine on the network: devices of an account see it through a remote server, which can read nothing of it, and start, stop and resume agents on it."
  ),
  Command.withShortDescription("Let devices of an account call this machine"),
  Command.withSubcommands([pairCommand, loginCommand, statusCommand, enableCommand, disableCommand, logoutCommand])
)

import { NodeServices } from "@effect/platform-node"
import { Cause, Effect, Exit } from "effect"
import { CliConfig, CliError, CliOutput, Command, Completions, GlobalFlag } from "effect/cli"
import { VERSION } from "../config/version.ts"
import type { Paths } from "../config/paths.ts"
import { Exited, Home } from "./commands/act.ts"
import { agentCommand } from "./commands/agent.ts"
import { captureCommand } from "./commands/capture.ts"
import { channelsCommand, eventsCommand, pubCommand, subCommand } from "./commands/channels.ts"
import { configCommand } from "./commands/config.ts"
import { cronCommand } from "./commands/cron.ts"
import { daemonCommands } from "./commands/daemon.ts"
import { renameCommand, tagCommand, templatesCommand } from "./commands/labels.ts"
import { completionsCommand } from "./commands/completions.ts"
import { dialectCommand } from "./commands/dialect.ts"
import { doctorCommand } from "./commands/doctor.ts"
import { httpCommand, tokenCommand } from "./commands/http.ts"
import { lockCommand } from "./commands/locks.ts"
import { machineCommand } from "./commands/machine.ts"
import { methodsCommand } from "./commands/methods.ts"
import { versionCommand } from "./commands/meta.ts"
import { explainCommand, sessionCommand } from "./commands/explain.ts"
import { exportCommand, outputCommand } from "./commands/output.ts"
import { hob } from "./commands/root.ts"
import { attachCommand, runCommand } from "./commands/run.ts"
import { screenCommand } from "./commands/screen.ts"
import { searchCommand } from "./commands/search.ts"
import { serviceCommand } from "./commands/service.ts"
import { killCommand, listCommand, removeCommand, sendCommand, showCommand, waitCommand } from "./commands/sessions.ts"
import { callCommand, upstreamCommand } from "./commands/upstream.ts"
import { webhookCommand } from "./commands/webhooks.ts"
import { ExitCode } from "./exit.ts"
import { normalize } from "./normalize.ts"
import { presenter } from "./presenter.ts"
import { report } from "./report.ts"

/** Every command, in the order of the help. */
export const tree = hob.pipe(
  Command.withSubcommands([
    {
      group: "SESSIONS",
      commands: [
        runCommand,
        listCommand,
        attachCommand,
        sendCommand,
        outputCommand,
        screenCommand,
        searchCommand,
        waitCommand,
        killCommand,
        removeCommand,
        showCommand,
        explainCommand,
        renameCommand,
        tagCommand,
        templatesCommand,
        exportCommand
      ]
    },
    { group: "AGENTS", commands: [agentCommand] },
    { group: "CHANNELS", commands: [pubCommand, subCommand, channelsCommand, eventsCommand] },
    { group: "LOCKS", commands: [lockCommand] },
    { group: "METHODS", commands: [methodsCommand] },
    { group: "WEBHOOKS", commands: [webhookCommand] },
    { group: "HTTP", commands: [httpCommand, tokenCommand] },
    { group: "JOBS", commands: [cronCommand] },
    { group: "UPSTREAM", commands: [callCommand, upstreamCommand] },
    { group: "CAPTURE", commands: [captureCommand] },
    { group: "MACHINE", commands: [machineCommand] },
    { group: "DAEMON", commands: daemonCommands },
    {
      group: "MORE",
      commands: [
        sessionCommand,
        dialectCommand,
        configCommand,
        serviceCommand,
        doctorCommand(() => tree),
        completionsCommand(() => tree),
        versionCommand
      ]
    }
  ])
) as Command.Command<"hob", unknown, unknown, Exited, Home>

/** Runs the command line through the tree; gives the exit code. */
export const runTree = async (argv: ReadonlyArray<string>, paths: Paths): Promise<number> => {
  let args: ReadonlyArray<string>
  try {
    args = normalize(Completions.fromCommand(tree), argv)
  } catch (error) {
    return report(error)
  }
  const exit = await Command.runWith(tree, { version: VERSION })(args).pipe(
    Effect.provideService(CliConfig.CliConfig, CliConfig.make({ builtIns: [GlobalFlag.Help, GlobalFlag.Version] })),
    Effect.provideService(CliOutput.Presenter, presenter),
    Effect.provideService(Home, paths),
    Effect.provide(NodeServices.layer),
    Effect.runPromiseExit
  )
  if (Exit.isSuccess(exit)) return ExitCode.ok
  const error = Cause.squash(exit.cause)
  if (error instanceof Exited) return error.code
  if (CliError.isCliError(error)) {
    return error._tag === "ShowHelp" && error.errors.length === 0 ? ExitCode.ok : ExitCode.usage
  }
  return report(error)
}

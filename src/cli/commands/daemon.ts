import { Command, Flag } from "effect/cli"
import { logs } from "../verbs/logs.ts"
import { restart } from "../verbs/restart.ts"
import { start } from "../verbs/start.ts"
import { status } from "../verbs/status.ts"
import { stop } from "../verbs/stop.ts"
import { upgrade } from "../verbs/upgrade.ts"
import { act } from "./act.ts"
import { count, json, yes } from "./flags.ts"

const startCommand = Command.make(
  "start",
  { foreground: yes("foreground", "Stay in this terminal, log to standard error, end with Ctrl-C") },
  (options) => act((context) => start(context, options))
).pipe(
  Command.withDescription(
    "Start the daemon in the background. With one running, show its status. Other commands start it by themselves."
  ),
  Command.withShortDescription("Start the daemon"),
  Command.withExamples([
    { command: "hob start" },
    { command: "hob start --foreground", description: "For a service manager, or to watch it" },
    { command: "hob start -c daemon.logLevel=debug", description: "With a setting of its own" }
  ])
)

const stopCommand = Command.make(
  "stop",
  {
    all: yes("all", "End the sessions too, and the session-host"),
    force: yes("force", "Kill a daemon that does not answer"),
    self: yes("self", "With --all: also the session in which this command runs")
  },
  (options) => act((context) => stop(context, options))
).pipe(
  Command.withDescription(
    "Stop the daemon. Sessions run on in the session-host, and the next daemon finds them. Exit code 3 if none runs; --all starts one where only the session-host is there. --all inside a session is refused without --self."
  ),
  Command.withShortDescription("Stop the daemon; sessions run on"),
  Command.withExamples([
    { command: "hob stop" },
    { command: "hob stop --all", description: "End everything hob has started" }
  ])
)

const restartCommand = Command.make(
  "restart",
  { force: yes("force", "Kill a daemon that does not answer") },
  (options) => act((context) => restart(context, options))
).pipe(
  Command.withDescription("Stop the daemon and start it anew. Sessions and attached terminals stay."),
  Command.withShortDescription("Stop the daemon and start it anew"),
  Command.withExamples([{ command: "hob restart" }])
)

const upgradeCommand = Command.make(
  "upgrade",
  {
    check: yes("check", "Only look and say what would be done"),
    downgrade: yes("downgrade", "Also where what runs is the newer one"),
    json
  },
  (options) => act((context) => upgrade(context, options))
).pipe(
  Command.withDescription(
    "Have everything that runs be of the version that is installed: a new daemon takes the old one's place, and the session-host replaces itself in place. Programs, their output and attached terminals stay. What fails leaves the old one in charge, and says so with exit code 1."
  ),
  Command.withShortDescription("Replace what runs by what is installed, under the sessions"),
  Command.withExamples([
    { command: "hob upgrade", description: "After installing another version" },
    { command: "hob upgrade --check", description: "What runs, and what would be replaced" },
    { command: "hob upgrade --downgrade", description: "Back to an older version, with that version's `hob`" }
  ])
)

const statusCommand = Command.make("status", { json }, (options) => act((context) => status(context, options))).pipe(
  Command.withDescription(
    "Show the daemon, its session-host and the health of its parts. Never starts it: exit code 3 if it isn't running, 1 if it runs and does not answer."
  ),
  Command.withShortDescription("Show the daemon and its health"),
  Command.withExamples([{ command: "hob status" }, { command: "hob status --json", description: "For scripts" }])
)

const logsCommand = Command.make(
  "logs",
  {
    follow: yes("follow", "Go on as lines are added", "f"),
    lines: count("lines", "N", "How many lines to begin with", "n").pipe(Flag.withDefault(50)),
    host: yes("host", "The session-host's log instead of the daemon's")
  },
  (options) => act((context) => logs(context, options))
).pipe(
  Command.withDescription("Print the daemon's log. Works when it isn't running, and tells why it would not start."),
  Command.withShortDescription("Print the daemon's log"),
  Command.withExamples([
    { command: "hob logs" },
    { command: "hob logs -f -n 0", description: "Only what comes from now on" }
  ])
)

export const daemonCommands = [
  startCommand,
  stopCommand,
  restartCommand,
  upgradeCommand,
  statusCommand,
  logsCommand
] as const

import { Argument, Command } from "effect/cli"
import { agentEvents, agentKnown, agentList, agentStart, agentTurn } from "../verbs/agent.ts"
import { act } from "./act.ts"
import { countOrNull, json, session, textOrNull, texts, yes } from "./flags.ts"

const follow = yes("follow", "Print what it says until its turn has ended", "f")

const startCommand = Command.make(
  "start",
  {
    prompt: Argument.String("prompt").pipe(
      Argument.withDescription("What it is to do; `-` reads it from standard input. None: it waits for a turn"),
      Argument.variadic()
    ),
    agent: textOrNull("agent", "NAME", "Which one: `hob agent known` lists them (default: agents.default)", "a"),
    cwd: textOrNull("cwd", "DIR", "Where it runs (default: here)"),
    mkdir: yes("mkdir", "Make that directory where there is none"),
    env: texts("env", "KEY=VALUE", "A variable beside this shell's environment; may be repeated", "e"),
    name: textOrNull("name", "NAME", "A name to call its session by", "n"),
    tags: texts("tag", "TAG", "A label for groups and listings; may be repeated", "t"),
    key: textOrNull("key", "KEY", "Your own name for this start: given again, it is not done again"),
    once: yes("once", "There will be no further turn: it ends when it has answered"),
    follow,
    json
  },
  (options) => act((context) => agentStart(context, options))
).pipe(
  Command.withDescription(
    "Start a coding agent in a session on pipes, give it its first turn, and print the session's id. What it says is read into events (`hob agent events`) and kept as it comes (`hob output`)."
  ),
  Command.withShortDescription("Start a coding agent"),
  Command.withExamples([
    { command: 'hob agent start "Fix the failing test"' },
    { command: 'hob agent start --once --follow --cwd /srv/app "Update the changelog"' },
    { command: "hob agent start -a codex --name review - < task.md" }
  ])
)

const turnCommand = Command.make(
  "turn",
  {
    session,
    text: Argument.String("text").pipe(
      Argument.withDescription("What it is to do; `-` reads it from standard input"),
      Argument.variadic()
    ),
    last: yes("last", "There will be no further turn: it ends when it has answered"),
    follow,
    json
  },
  (options) => act((context) => agentTurn(context, options))
).pipe(
  Command.withDescription(
    "Give an agent that runs its next turn. One that is still at the one before takes it afterwards."
  ),
  Command.withShortDescription("Give an agent its next turn"),
  Command.withExamples([{ command: 'hob agent turn 1f3a --follow "Now the documentation"' }])
)

const eventsCommand = Command.make(
  "events",
  {
    session,
    since: countOrNull("since", "OFFSET", "Those behind this offset, which the last known one had"),
    follow: yes("follow", "And those that come, until it ends", "f"),
    raw: yes("raw", "Each as JSON, with the line that it was read from"),
    json
  },
  (options) => act((context) => agentEvents(context, options))
).pipe(
  Command.withDescription("Print what an agent has said: its answers, the tools it called, how its turns ended."),
  Command.withShortDescription("Print what an agent has said"),
  Command.withExamples([
    { command: "hob agent events 1f3a" },
    { command: "hob agent events 1f3a --follow --json --since 20480" }
  ])
)

const listCommand = Command.make("ls", { all: yes("all", "Also those that have ended", "a"), json }, (options) =>
  act((context) => agentList(context, options))
).pipe(
  Command.withDescription("List the sessions in which agents run: what they are at, and how their last turn ended."),
  Command.withShortDescription("List the agents that run"),
  Command.withExamples([{ command: "hob agent ls" }, { command: "hob agent ls --all --json" }])
)

const knownCommand = Command.make("known", { json }, (options) => act((context) => agentKnown(context, options))).pipe(
  Command.withDescription(
    "List the agents that can be started by name: those hob knows, and those of agents.commands."
  ),
  Command.withShortDescription("List the agents that can be started"),
  Command.withExamples([{ command: "hob agent known" }])
)

export const agentCommand = Command.make("agent").pipe(
  Command.withDescription(
    "Coding agents on pipes: started by name, given turns, and heard as events. For one in a terminal, `hob run claude`."
  ),
  Command.withShortDescription("Start coding agents and talk to them"),
  Command.withSubcommands([startCommand, turnCommand, eventsCommand, listCommand, knownCommand])
)

import { Option } from "effect"
import { Argument, Command } from "effect/cli"
import { explain } from "../verbs/explain.ts"
import { sign } from "../verbs/sign.ts"
import { act } from "./act.ts"
import { json, session, textOrNull } from "./flags.ts"

const make = (prefix: string) =>
  Command.make("explain", { session, json }, (options) => act((context) => explain(context, options))).pipe(
    Command.withDescription(
      "Say why hob thinks that a session's program is working, waiting for its user, idle, or that nobody knows: the rule that decided, what it matched on, what spoke against it, what the program and its hooks said of themselves, and the rows of the screen that were looked at."
    ),
    Command.withShortDescription("Say why a session counts as working, waiting or idle"),
    Command.withExamples([
      { command: `hob ${prefix}explain agent` },
      { command: `hob ${prefix}explain agent --json | jq .reasons`, description: "The first is the one that decided" }
    ])
  )

/** The same as `hob session explain`. */
export const explainCommand = make("")

const signCommand = Command.make(
  "sign",
  {
    agent: Argument.String("agent").pipe(Argument.withDescription("Whose hook it is: claude, codex, gemini, …")),
    event: Argument.String("event").pipe(
      Argument.withDescription(
        "The hook's name, or the JSON that the agent gives to it; default: that JSON on standard input"
      ),
      Argument.optional,
      Argument.map(Option.getOrNull)
    ),
    detail: textOrNull("detail", "TEXT", "What kind of the event, such as permission_prompt"),
    session: textOrNull("session", "SESSION", "Default: the session in which this runs", "s")
  },
  (options) => act((context) => sign(context, options))
).pipe(
  Command.withDescription(
    "For the hooks of agents: tells hob what the agent is about. Outside a session, and without a daemon, it does nothing, so it may stand in a configuration that is in force everywhere. Claude Code and Codex tell hob without it; `docs/activity.md` has the lines for their configurations."
  ),
  Command.withShortDescription("Tell hob what an agent's hook said"),
  Command.withExamples([
    { command: "hob session sign claude", description: "As a hook's command in Claude Code's settings" },
    { command: "hob session sign claude Notification --detail permission_prompt --session agent" }
  ])
)

export const sessionCommand = Command.make("session").pipe(
  Command.withDescription("What can be asked about a session, beside `hob show` and `hob screen`."),
  Command.withShortDescription("Ask about a session"),
  Command.withSubcommands([make("session "), signCommand])
)

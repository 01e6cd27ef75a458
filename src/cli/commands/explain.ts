import { Command } from "effect/cli"
import { explain } from "../verbs/explain.ts"
import { act } from "./act.ts"
import { json, session } from "./flags.ts"

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

export const sessionCommand = Command.make("session").pipe(
  Command.withDescription("What can be asked about a session, beside `hob show` and `hob screen`."),
  Command.withShortDescription("Ask about a session"),
  Command.withSubcommands([make("session ")])
)

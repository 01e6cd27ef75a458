import { Command } from "effect/cli"
import { screen } from "../verbs/screen.ts"
import { act } from "./act.ts"
import { json, session } from "./flags.ts"

export const screenCommand = Command.make("screen", { session, json }, (options) =>
  act((context) => screen(context, options))
).pipe(
  Command.withDescription(
    "Print what a terminal would show of a session now, or showed at its end, without attaching to it. With --json also the cursor, colours, modes and the title."
  ),
  Command.withShortDescription("Print a session's screen"),
  Command.withExamples([
    { command: "hob screen agent" },
    { command: "hob screen agent --json | jq .cursor", description: "Rows and columns count from 0" }
  ])
)

import { Command, Completions } from "effect/cli"
import { doctor } from "../verbs/doctor.ts"
import { actUnchecked } from "./act.ts"
import { json, yes } from "./flags.ts"

/** The tree is handed in: what completes it is looked at too. */
export const doctorCommand = (tree: () => Command.Command.Any) =>
  Command.make(
    "doctor",
    {
      json,
      fix: yes("fix", "Do what is marked with *: close files to others, remove what a dead process of hob left")
    },
    (options) => actUnchecked((context) => doctor(context, () => Completions.fromCommand(tree()), options))
  ).pipe(
    Command.withDescription(
      "Look at everything hob stands on: files and their permissions, what dead processes left, versions, limits, disk, clock, configuration, service, shell. Says what each finding means and the command that mends it. Starts nothing. Exit code 1 if there is a problem, 0 if there are at most warnings."
    ),
    Command.withShortDescription("Look for what is wrong, and say how to mend it"),
    Command.withExamples([
      { command: "hob doctor" },
      { command: "hob doctor --fix", description: "And do what can't lose anything" },
      { command: "hob doctor --json", description: 'For scripts: {"worst", "findings": […]}' }
    ])
  )

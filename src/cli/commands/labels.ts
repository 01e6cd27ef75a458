import { Argument, Command } from "effect/cli"
import { rename, tag } from "../verbs/labels.ts"
import { templates } from "../verbs/templates.ts"
import { act } from "./act.ts"
import { json, session, yes } from "./flags.ts"

const jsonOfSession = yes("json", "Print the session as JSON")

export const renameCommand = Command.make(
  "rename",
  {
    session,
    name: Argument.String("new-name").pipe(Argument.withDescription('Its name from now on; "" takes the name off')),
    json: jsonOfSession
  },
  ({ json, name, session }) => act((context) => rename(context, { session, name: name === "" ? null : name, json }))
).pipe(
  Command.withDescription(
    "Give a session another name. A name belongs to one session at a time, until that one has ended."
  ),
  Command.withShortDescription("Give a session another name"),
  Command.withExamples([
    { command: "hob rename 3f9a web" },
    { command: "hob rename web ''", description: "It has none any more" }
  ])
)

const words = Argument.String("tag").pipe(Argument.withDescription("A label"), Argument.variadic({ min: 1 }))

const addCommand = Command.make("add", { session, add: words, json: jsonOfSession }, (options) =>
  act((context) => tag(context, { ...options, remove: [] }))
).pipe(
  Command.withDescription("Put tags on a session; one that it has already stays."),
  Command.withShortDescription("Put tags on a session"),
  Command.withExamples([{ command: "hob tag add build ci nightly" }])
)

const removeCommand = Command.make("rm", { session, remove: words, json: jsonOfSession }, (options) =>
  act((context) => tag(context, { ...options, add: [] }))
).pipe(
  Command.withDescription("Take tags off a session; one that it doesn't have is no mistake."),
  Command.withShortDescription("Take tags off a session"),
  Command.withExamples([{ command: "hob tag rm build nightly" }])
)

export const tagCommand = Command.make("tag").pipe(
  Command.withDescription(
    "Tags make groups of sessions: `hob run --tag`, `hob ls --tag`, `hob kill --tag` and `hob rm --tag` take them. A session has up to 32."
  ),
  Command.withShortDescription("Put tags on a session, and take them off"),
  Command.withExamples([
    { command: "hob tag add build ci nightly" },
    { command: "hob tag rm build nightly" },
    { command: "hob kill --tag ci", description: "What they are good for" }
  ]),
  Command.withSubcommands([addCommand, removeCommand])
)

export const templatesCommand = Command.make("templates", { json }, (options) =>
  act((context) => templates(context, options))
).pipe(
  Command.withDescription(
    "List the templates of the configuration: named commands with directory, environment, tags and limits, for `hob run --template NAME`."
  ),
  Command.withShortDescription("List the templates there are"),
  Command.withExamples([{ command: "hob templates" }, { command: "hob templates --json", description: "For scripts" }])
)

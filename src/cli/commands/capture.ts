import { Argument, Command } from "effect/cli"
import { captureConfig, captureDiscard, captureList, captureShow, captureStatusVerb } from "../verbs/capture.ts"
import { captureSave, captureSaves } from "../verbs/captureSave.ts"
import { act } from "./act.ts"
import { json, textOrNull, yes } from "./flags.ts"

const CAPTURE = "Its id, or the beginning of it: `hob capture ls` lists them"
const capture = Argument.String("capture").pipe(Argument.withDescription(CAPTURE))

const statusCommand = Command.make("status", { json }, (options) =>
  act((context) => captureStatusVerb(context, options))
).pipe(
  Command.withDescription(
    "Tell whether anything is captured, and of each capture that is open its tool, repository, messages and code changes, and how many of them no save has written yet."
  ),
  Command.withShortDescription("What is being captured"),
  Command.withExamples([{ command: "hob capture status" }, { command: "hob capture status --json" }])
)

const listCommand = Command.make(
  "ls",
  {
    all: yes("all", "Closed ones too", "a"),
    repo: textOrNull("repo", "DIR", "Those of the git work tree that this directory is in"),
    json
  },
  ({ all, json, repo }) => act((context) => captureList(context, { all, repository: repo, json }))
).pipe(
  Command.withDescription(
    "List the captures that are open, newest first. A capture is closed when its agent has ended, or nothing was heard of it for long (capture.closeMillis); it is kept for a while (capture.retainMillis)."
  ),
  Command.withShortDescription("List captures"),
  Command.withExamples([
    { command: "hob capture ls --all" },
    { command: "hob capture ls --repo . --json", description: 'For scripts: {"captures": […]}' }
  ])
)

const showCommand = Command.make("show", { capture, json }, (options) =>
  act((context) => captureShow(context, options))
).pipe(
  Command.withDescription("Print all that was said and changed in a capture, in order."),
  Command.withShortDescription("Print a capture"),
  Command.withExamples([
    { command: "hob capture show 3f9a" },
    { command: "hob capture show 3f9a --json", description: "With times, roles and diffs" }
  ])
)

const discardCommand = Command.make(
  "discard",
  { captures: Argument.String("capture").pipe(Argument.withDescription(CAPTURE), Argument.atLeast(1)), json },
  (options) => act((context) => captureDiscard(context, options))
).pipe(
  Command.withDescription("Forget captures and all that is in them. What was saved stays where it is."),
  Command.withShortDescription("Forget captures"),
  Command.withExamples([{ command: "hob capture discard 3f9a" }])
)

const repo = textOrNull("repo", "DIR", "The git work tree that this directory is in")
const commit = textOrNull("commit", "HASH", "The commit that it led to")

const saveCommand = Command.make(
  "save",
  {
    captures: Argument.String("capture").pipe(Argument.withDescription(CAPTURE), Argument.variadic()),
    repo,
    commit,
    notes: yes("notes", "As notes of git (refs/notes/prompts) at the commit, instead of files"),
    markdown: yes("markdown", "Also as Markdown, in .prompts/markdown"),
    close: yes("close", "Nothing more is expected of them"),
    json
  },
  ({ repo, ...options }) => act((context) => captureSave(context, { ...options, repository: repo }))
).pipe(
  Command.withDescription(
    "Write what no save has written yet into the repository's `.prompts/`, as gitify-prompt does: of these captures, or of all of the work tree. Saving again writes nothing new."
  ),
  Command.withShortDescription("Write captures into their repository"),
  Command.withExamples([
    { command: "hob capture save", description: "Those of the work tree that you are in" },
    { command: "hob capture save 3f9a --markdown" },
    { command: "hob capture save --commit $(git rev-parse HEAD) --notes" }
  ])
)

const savesCommand = Command.make("saves", { commit, repo, json }, ({ repo, ...options }) =>
  act((context) => captureSaves(context, { ...options, repository: repo }))
).pipe(
  Command.withDescription("List what was saved, newest first: to which commit it belongs, and where it is."),
  Command.withShortDescription("What was saved, by commit"),
  Command.withExamples([{ command: "hob capture saves --commit HEAD_HASH" }, { command: "hob capture saves --repo ." }])
)

const configCommand = Command.make("config", { json }, (options) =>
  act((context) => captureConfig(context, options))
).pipe(
  Command.withDescription("Print the settings by which hob captures: those of the group `capture` that are in force."),
  Command.withShortDescription("How it captures"),
  Command.withExamples([{ command: "hob capture config" }])
)

export const captureCommand = Command.make("capture").pipe(
  Command.withDescription(
    "What is said to coding agents, and what they say and change, kept beside the commits it led to. Secrets are masked before anything is written down."
  ),
  Command.withShortDescription("The prompts behind commits"),
  Command.withSubcommands([
    statusCommand,
    listCommand,
    showCommand,
    saveCommand,
    savesCommand,
    discardCommand,
    configCommand
  ])
)

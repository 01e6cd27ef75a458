import { Effect } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import { exportLog } from "../verbs/export.ts"
import { output } from "../verbs/output.ts"
import { act } from "./act.ts"
import { countOrNull, session, yes } from "./flags.ts"

export const outputCommand = Command.make(
  "output",
  {
    session,
    follow: yes("follow", "Go on as more comes, until the session ends", "f"),
    since: countOrNull("since", "OFFSET", "From this byte on, counted from the session's start"),
    tail: countOrNull("tail", "LINES", "Only the last lines", "n"),
    plain: yes(
      "plain",
      "Text as a terminal shows it: no colours, no escape sequences, nothing that was overwritten, wrapped rows as one line. With --follow or --since: as it comes, each line once it stays as it is"
    )
  },
  (options) => act((context) => output(context, options))
).pipe(
  Command.validate(({ since, tail }) =>
    since !== null && tail !== null
      ? Effect.fail(new CliError.UserError({ cause: "--since and --tail exclude one another." }))
      : Effect.void
  ),
  Command.withDescription(
    "Print what a session has printed, byte for byte, also after it has ended. Of a session on pipes, standard output and standard error come in the order in which they were read, both on standard output; `hob export` tells them apart. What the log no longer holds is told on standard error."
  ),
  Command.withShortDescription("Print what a session has printed"),
  Command.withExamples([
    { command: "hob output build" },
    { command: "hob output -f build", description: "Follow it; survives restarts of the daemon" },
    { command: "hob output build --tail 20 --plain", description: "For a person or a model to read" },
    { command: "hob output build --since 4096", description: "Continue where you stopped reading" }
  ])
)

export const exportCommand = Command.make(
  "export",
  {
    session,
    format: Flag.Literals("format", ["jsonl", "asciicast", "text", "raw"]).pipe(
      Flag.withDefault("jsonl"),
      Flag.withDescription(
        "jsonl: one JSON object for each piece, input too, with time and direction; asciicast: a recording (version 2) for asciinema and its players; text: what a terminal showed, line by line; raw: output only, byte for byte"
      )
    )
  },
  (options) => act((context) => exportLog(context, options))
).pipe(
  Command.withDescription("Print a session's whole log."),
  Command.withShortDescription("Print a session's whole log"),
  Command.withExamples([
    { command: "hob export build > build.jsonl" },
    { command: "hob export build --format asciicast > build.cast && asciinema play build.cast" },
    { command: "hob export build --format raw > build.log" }
  ])
)

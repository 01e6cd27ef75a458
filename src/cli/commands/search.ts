import { Argument, Command } from "effect/cli"
import { search } from "../verbs/search.ts"
import { act } from "./act.ts"
import { countOrNull, json, texts, yes } from "./flags.ts"

export const searchCommand = Command.make(
  "search",
  {
    text: Argument.String("text").pipe(Argument.withDescription("What to look for")),
    ignoreCase: yes("ignore-case", "Upper case and lower case are the same", "i"),
    regex: yes("regex", "TEXT is a regular expression (JavaScript's), matched within a line", "e"),
    sessions: texts("session", "SESSION", "Only in this one; may be given several times", "s"),
    limit: countOrNull("limit", "COUNT", "At most so many matches (default: 1000)", "n"),
    json
  },
  (options) => act((context) => search(context, options))
).pipe(
  Command.withDescription(
    "Look for a text in what all sessions have shown, those that have ended too: the rendered lines, wrapped ones as one, without colours. Exit code 1 when there is none."
  ),
  Command.withShortDescription("Look for a text in all sessions"),
  Command.withExamples([
    { command: "hob search 'error TS'" },
    { command: "hob search -i todo --session agent" },
    { command: "hob search -e '^FAIL .*test' --json", description: 'For scripts: {"matches": […], "truncated": false}' }
  ])
)

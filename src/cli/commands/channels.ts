import { Effect, Option } from "effect"
import { Argument, CliError, Command } from "effect/cli"
import { reservedPrefixes } from "../../protocol/reservedChannels.ts"
import type { MessageForm } from "../messages.ts"
import { channels } from "../verbs/channels.ts"
import { events } from "../verbs/events.ts"
import { pub } from "../verbs/pub.ts"
import { sub } from "../verbs/sub.ts"
import { act } from "./act.ts"
import { countOrNull, durationOrNull, json, textOrNull, yes } from "./flags.ts"

const namespace = textOrNull("namespace", "NAME", "Channels of this namespace (default: default)", "N")
const since = textOrNull("since", "ID", "First what is kept and came behind this event; 0-0 for all that is kept")
const count = countOrNull("count", "COUNT", "End after so many events", "n")
const timeout = durationOrNull("timeout", "End after this long; with --count and fewer events, with exit code 5")
const PATTERN = "A channel's name, in which `*` stands for one segment and `**`, at the end, for all that follow"

const orNull = Argument.map(Option.getOrNull<string>)

/** How a message is taken, by its flags. */
export const formOf = (flags: { readonly text: boolean; readonly parse: boolean }): MessageForm =>
  flags.text ? "text" : flags.parse ? "json" : "either"

export const pubCommand = Command.make(
  "pub",
  {
    channel: Argument.String("channel").pipe(
      Argument.withDescription("Segments with `:` between, such as build:web:done")
    ),
    message: Argument.String("message").pipe(
      Argument.withDescription("JSON, or else text; `-` publishes each line of standard input; without one: null"),
      Argument.optional,
      orNull
    ),
    text: yes("text", "The message is text, even if it is JSON"),
    parse: yes("parse", "The message is JSON: anything else is refused"),
    namespace,
    json: yes("json", 'Print {"id": …, "receivers": …}, a line for each message')
  },
  ({ parse, text, ...options }) => act((context) => pub(context, { ...options, form: formOf({ parse, text }) }))
).pipe(
  Command.validate(({ parse, text }) =>
    parse && text
      ? Effect.fail(new CliError.UserError({ cause: "--text and --parse exclude one another." }))
      : Effect.void
  ),
  Command.withDescription(
    `Publish a message to whoever listens to the channel, now or later with --since. Ends once hob keeps it: in memory, or on disk where channels.rules says so. Of several lines, each is a message, in order; one that is refused is told with its number, and the exit code is not 0. Channels that begin with ${reservedPrefixes.join(", ")} are hob's own.`
  ),
  Command.withShortDescription("Publish a message to a channel"),
  Command.withExamples([
    { command: "hob pub build:web done" },
    { command: `hob pub build:web '{"ok": true, "seconds": 12}'`, description: "Any JSON" },
    { command: "hob pub --text phone:of:ada 0049", description: "Text, not the number" },
    { command: "tail -f app.log | hob pub app:log -", description: "Each line as it comes" },
    { command: "hob pub deploy:start --json", description: "No message; prints its id and who hears it" }
  ])
)

export const subCommand = Command.make(
  "sub",
  {
    patterns: Argument.String("pattern").pipe(Argument.withDescription(PATTERN), Argument.variadic({ min: 1 })),
    since,
    json: yes("json", "Print each event as JSON, as it came; with --exec it is what the command reads"),
    exec: textOrNull("exec", "CMD", "Run `sh -c CMD` for each event, one after another"),
    count,
    timeout,
    namespace
  },
  (options) => act((context) => sub(context, options))
).pipe(
  Command.withDescription(
    "Print what is published to channels that a pattern matches: the channel, a tab, and the message on one line. Goes on over restarts of the daemon, behind the last event; what may be missing is told on standard error, and with --json also as a line. --exec gives the message on standard input and in HOB_MESSAGE (up to 32 KiB), with HOB_CHANNEL and HOB_EVENT_ID; the next event waits for its end, and a command that fails is told and makes the exit code 1."
  ),
  Command.withShortDescription("Print what is published to channels"),
  Command.withExamples([
    { command: "hob sub 'build:**'", description: "build:web, build:web:done, …" },
    { command: "hob sub 'build:*' deploy --json | jq .message" },
    { command: "hob sub build:web --count 1 --timeout 10m", description: "Wait for one" },
    { command: "hob sub 'build:**' --since 3-1204", description: "What came meanwhile, and then go on" },
    { command: `hob sub deploy --exec 'notify-send "$HOB_CHANNEL" "$HOB_MESSAGE"'` }
  ])
)

export const channelsCommand = Command.make(
  "channels",
  {
    pattern: Argument.String("pattern").pipe(Argument.withDescription(PATTERN), Argument.optional, orNull),
    all: yes("all", "Those of every namespace", "a"),
    namespace,
    json
  },
  (options) => act((context) => channels(context, options))
).pipe(
  Command.withDescription(
    "List the channels that somebody listens to, or of which something is kept: who listens, how many events and how much of them --since can have, and where they are kept (channels.rules). Patterns that somebody listens to come last."
  ),
  Command.withShortDescription("List the channels there are"),
  Command.withExamples([
    { command: "hob channels" },
    { command: "hob channels 'build:**' --json", description: 'For scripts: {"channels": […], "patterns": […]}' }
  ])
)

export const eventsCommand = Command.make(
  "events",
  {
    patterns: Argument.String("pattern").pipe(
      Argument.withDescription("Only these: a pattern, or the first segment by itself, such as sessions"),
      Argument.variadic()
    ),
    since,
    json: yes("json", "Print each event as JSON, as it came"),
    count,
    timeout,
    namespace
  },
  (options) => act((context) => events(context, options))
).pipe(
  Command.withDescription(
    `Print what hob itself announces, as it happens: sessions that are created, attached, detached, waiting, exited, and locks that are acquired, released, expired. The same as \`hob sub\` on the channels that begin with ${reservedPrefixes.join(", ")}.`
  ),
  Command.withShortDescription("Print what happens"),
  Command.withExamples([
    { command: "hob events" },
    { command: "hob events sessions --since 0-0", description: "Also what is still known of the past" },
    { command: "hob events 'sessions:*' --json | jq -r 'select(.message.event == \"waiting\") | .message.name'" }
  ])
)

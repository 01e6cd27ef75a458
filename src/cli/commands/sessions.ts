import { Effect, Option } from "effect"
import { Argument, CliError, Command, Flag } from "effect/cli"
import { kill } from "../verbs/kill.ts"
import { list } from "../verbs/list.ts"
import { remove } from "../verbs/remove.ts"
import { isStdin, send } from "../verbs/send.ts"
import { submitMessage } from "../verbs/submit.ts"
import { show } from "../verbs/show.ts"
import { wait } from "../verbs/wait.ts"
import { parseStates, waitedFor, waitStates } from "../waitFor.ts"
import { act } from "./act.ts"
import { durationOrNull, json, orNull, self, session, sessionsIfAny, tags, textOrNull, texts, yes } from "./flags.ts"

export const listCommand = Command.make(
  "ls",
  {
    all: yes("all", "Also those that have ended", "a"),
    json,
    quiet: yes("quiet", "Only ids, one a line", "q"),
    tags
  },
  (options) => act((context) => list(context, options))
).pipe(
  Command.withDescription("List sessions, newest first."),
  Command.withShortDescription("List sessions"),
  Command.withExamples([
    { command: "hob ls" },
    { command: "hob ls --tag web --tag staging", description: "Those that have both tags" },
    { command: "hob ls --all --json", description: 'For scripts: {"sessions": […]}' }
  ])
)

export const showCommand = Command.make("show", { session, json }, (options) =>
  act((context) => show(context, options))
).pipe(
  Command.withDescription("Show all that is known of a session: command, directory, state, exit code, output."),
  Command.withShortDescription("Show one session"),
  Command.withExamples([{ command: "hob show build" }, { command: "hob show build --json" }])
)

export const sendCommand = Command.make(
  "send",
  {
    session,
    text: Argument.String("text").pipe(
      Argument.withDescription("What to type, joined by spaces; `-` is standard input"),
      Argument.variadic()
    ),
    keys: texts("key", "KEY", "Keys by name, to the end of the line: Enter, Escape, C-c, M-x, Up, F5, …", "k"),
    eof: yes("eof", "Then end its input: closes standard input of a session on pipes, types C-d at a terminal"),
    submit: yes("submit", "Deliver it as one message to a full-screen program, and see that it was taken"),
    timeout: durationOrNull("timeout", "With --submit: how long the program has to take it (default 30s)")
  },
  ({ eof, keys, session, submit, text, timeout }) => {
    const stdin = isStdin(text)
    const words = stdin ? [] : text
    return act((context) =>
      submit
        ? submitMessage(context, { session, stdin, text: words, timeout, isAlone: keys.length === 0 && !eof })
        : send(context, { session, keys, stdin, eof, text: words })
    )
  }
).pipe(
  Command.withDescription(
    "Type into a session. Nothing is added to the text: end it with `--key Enter` to have it executed. All of it is accepted, or none. `--submit` delivers a prompt to an agent: pasted as one message, then Enter by itself, and only successful when the program is seen to have taken it."
  ),
  Command.withShortDescription("Type into a session"),
  Command.withExamples([
    { command: "hob send shell 'git status' --key Enter" },
    { command: "hob send build --key C-c", description: "Interrupt what runs in it" },
    { command: "hob send editor --key Escape : w q Enter" },
    {
      command: "hob send agent --eof - < request.json",
      description: "And no more: a program on pipes sees its input end"
    },
    { command: "hob send agent --submit 'Please run the tests.'", description: "As one message, and proven" },
    { command: "hob send agent - < prompt.txt", description: "Standard input, as fast as the program reads" }
  ])
)

export const waitCommand = Command.make(
  "wait",
  {
    session,
    exit: yes("exit", "Until it has ended (the default)"),
    match: textOrNull("match", "REGEX", "Until a line on its screen matches, or one that comes", "m"),
    isNew: yes("new", "With --match: only lines that come from now on"),
    idle: durationOrNull("idle", "Until it has printed nothing for this long"),
    state: orNull(
      Flag.String("state").pipe(
        Flag.withMetavar("STATE,…"),
        Flag.withDescription(`Until its program is about one of these: ${waitStates.join(", ")} (see \`hob ls\`)`),
        Flag.filterMap(
          (text) => Option.fromUndefinedOr(parseStates(text)),
          () => `one or more of ${waitStates.join(", ")}, separated by commas`
        )
      )
    ),
    timeout: durationOrNull("timeout", "Give up after this long, with exit code 5"),
    json: yes("json", "Print the session as JSON; with a condition also what was met")
  },
  ({ json, session, timeout, ...flags }) =>
    act((context) => wait(context, { session, timeout, json, for: waitedFor(flags) }))
).pipe(
  Command.validate(({ isNew, match }) =>
    isNew && match === null
      ? Effect.fail(new CliError.UserError({ cause: "--new says which lines count for --match, and there is none." }))
      : Effect.void
  ),
  Command.withDescription(
    "Wait until a session has ended and its output is complete, and print its exit code (128 + n for signal n). Or until a line matches, it is quiet, or its program is about something: whichever comes first; exit code 1 when it ends before that."
  ),
  Command.withShortDescription("Wait until a session has ended"),
  Command.withExamples([
    { command: "hob wait --exit build" },
    { command: "hob wait --exit build --timeout 10m || hob kill build" },
    { command: "hob wait web --match 'listening on .*' --timeout 1m", description: "Prints the line" },
    { command: "hob wait agent --state waiting,idle", description: "It has a question, or is done" },
    { command: "hob wait agent --idle 2s" }
  ])
)

/** Sessions are named, or their tags are. */
const meantByOne = ({
  sessions,
  tags
}: {
  readonly sessions: ReadonlyArray<string>
  readonly tags: ReadonlyArray<string>
}) => {
  if (sessions.length > 0 !== tags.length > 0) return Effect.void
  const cause = sessions.length > 0 ? "Name sessions, or give --tag: not both." : "<session> is missing, or --tag."
  return Effect.fail(new CliError.UserError({ cause }))
}

export const killCommand = Command.make(
  "kill",
  {
    sessions: sessionsIfAny,
    tags,
    signal: textOrNull("signal", "SIGNAL", "Instead of TERM: INT, HUP, KILL, …", "s"),
    grace: durationOrNull("grace", "How long it has before it is killed with KILL (default: sessions.killGraceMillis)"),
    self,
    json: yes("json", "Print the sessions as JSON")
  },
  (options) => act((context) => kill(context, options))
).pipe(
  Command.validate((options) => meantByOne(options)),
  Command.withDescription(
    "End sessions, named or by their tags: the signal goes to every process of each, and KILL to what is left after the grace; also to what a session that is lost or has ended has left running. Their output stays until `hob rm`. None is started anew after that. The session in which this runs is ended only with --self."
  ),
  Command.withShortDescription("End sessions"),
  Command.withExamples([
    { command: "hob kill build" },
    { command: "hob kill build --signal INT --grace 30s" },
    { command: "hob kill --tag ci", description: "All that have this tag" },
    { command: "hob kill $(hob ls -q)", description: "All that run" }
  ])
)

export const removeCommand = Command.make(
  "rm",
  { sessions: sessionsIfAny, tags, force: yes("force", "End those that run", "f"), self },
  (options) => act((context) => remove(context, options))
).pipe(
  Command.withDescription("Forget sessions that have ended, and delete their logs."),
  Command.withShortDescription("Forget ended sessions"),
  Command.withExamples([
    { command: "hob rm build" },
    { command: "hob rm --tag ci" },
    { command: "hob rm --force build", description: "End it first" }
  ])
)

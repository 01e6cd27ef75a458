import { Argument, Command, Flag } from "effect/cli"
import { Option } from "effect"
import { cronAdd, cronHistory, cronList, cronPause, cronRemove, cronResume, cronRun } from "../verbs/cron.ts"
import { cronNext } from "../verbs/cronNext.ts"
import { parseCount } from "../plain.ts"
import { act } from "./act.ts"
import { choiceOrNull, countOrNull, durationOrNull, json, textOrNull, texts, yes } from "./flags.ts"

const job = Argument.String("job").pipe(Argument.withDescription("The job's name"))
const expression = Argument.String("expression").pipe(
  Argument.withDescription(
    "Five fields, six with seconds in front, or @hourly, @daily, @weekly, @monthly, @yearly; quoted"
  )
)
const namespace = textOrNull("namespace", "NAME", "Jobs of this namespace (default: default)", "N")
const all = yes("all", "Those of every namespace", "a")
const tz = textOrNull("tz", "ZONE", "Its time zone, such as Europe/Berlin (default: the machine's)")
const atMost = (name: string, most: number, description: string, otherwise: number) =>
  Flag.String(name).pipe(
    Flag.withMetavar("N"),
    Flag.withDescription(`${description} (default: ${otherwise})`),
    Flag.filterMap(
      (text) => Option.filter(Option.fromUndefinedOr(parseCount(text)), (count) => count >= 1 && count <= most),
      () => `a whole number from 1 to ${most}`
    ),
    Flag.withDefault(otherwise)
  )

const addCommand = Command.make(
  "add",
  {
    job,
    expression,
    work: Argument.String("method").pipe(
      Argument.withDescription(
        "A method of the namespace (`hob methods ls`); or, behind `--`, a program and its arguments"
      ),
      Argument.variadic()
    ),
    command: yes("command", "What stands behind the expression is a command, as `--` says too"),
    args: textOrNull("args", "JSON", "An object: what the method gets, or the command on its standard input"),
    tz,
    missed: choiceOrNull(
      "missed",
      ["skip", "once"],
      "Slots that passed while nobody could run them: make up for the last one, or for none (default: once)"
    ),
    overlap: choiceOrNull(
      "overlap",
      ["skip", "queue", "allow"],
      "A slot that comes while the job still runs (default: skip)"
    ),
    guarantee: choiceOrNull(
      "guarantee",
      ["at-most-once", "at-least-once"],
      "Whether a run that the daemon's death cuts off is run again (default: at-most-once)"
    ),
    timeout: durationOrNull("timeout", "A run that takes longer is stopped, and has failed"),
    retry: countOrNull(
      "retry",
      "N",
      "How often a run that fails is tried again, after 1 s, 2 s, 4 s and so on (default: 0)"
    ),
    jitter: durationOrNull("jitter", "Runs begin up to so much later than their slot, each by an amount of its own"),
    cwd: textOrNull("cwd", "DIRECTORY", "Of a command: where it runs (default: here)"),
    env: texts("env", "KEY=VALUE", "Of a command: a variable beside those of a login; may be repeated", "e"),
    namespace,
    json
  },
  (options) => act((context) => cronAdd(context, options))
).pipe(
  Command.withDescription(
    "Schedule a job, in place of one of the same name, if there is one. It calls a method, or runs a command in a session of its own, with the environment of a login. Slots are instants of the wall clock: each is run once and never twice, whatever is done to the clock, and whether daemon or machine are up decides only whether it is late. Where clocks change, a job whose minute or hour begins with `*` follows them; any other runs once, also when its time is left out or comes twice."
  ),
  Command.withShortDescription("Schedule a job"),
  Command.withExamples([
    { command: "hob cron add backup '30 2 * * *' -- restic backup ~/work", description: "Every night" },
    {
      command: `hob cron add tidy @hourly cleanUp --namespace kanban --args '{"maxAge": 7}'`,
      description: "Calls a method"
    },
    { command: "hob cron add report '0 9 * * mon-fri' --tz Europe/Berlin --missed skip -- ./report" },
    { command: "hob cron add sync '*/5 * * * *' --timeout 2m --retry 3 --jitter 30s -- ./sync" }
  ])
)

const listCommand = Command.make("ls", { all, namespace, json }, (options) =>
  act((context) => cronList(context, options))
).pipe(
  Command.withDescription("List jobs: when each runs next, how its last run went, and what it does."),
  Command.withShortDescription("List jobs"),
  Command.withExamples([
    { command: "hob cron ls" },
    { command: "hob cron ls --all --json", description: 'For scripts: {"jobs": […]}' }
  ])
)

const removeCommand = Command.make("rm", { job, namespace, json }, (options) =>
  act((context) => cronRemove(context, options))
).pipe(
  Command.withDescription("Forget a job. A run of it goes on, and its history is kept for a while."),
  Command.withShortDescription("Forget a job"),
  Command.withExamples([{ command: "hob cron rm backup" }])
)

const runCommand = Command.make(
  "run",
  { job, wait: yes("wait", "Wait for the end, and print what it printed or answered"), namespace, json },
  (options) => act((context) => cronRun(context, options))
).pipe(
  Command.withDescription(
    "Run a job now, paused or not, and print the number of the run. With --wait: what it printed or answered; exit code 1 if it failed, 5 if it took longer than it may."
  ),
  Command.withShortDescription("Run a job now"),
  Command.withExamples([{ command: "hob cron run backup" }, { command: "hob cron run backup --wait" }])
)

const pauseCommand = Command.make("pause", { job, namespace, json }, (options) =>
  act((context) => cronPause(context, options))
).pipe(
  Command.withDescription("Let a job's slots pass until it is resumed, also across restarts. A run goes on."),
  Command.withShortDescription("Let a job's slots pass"),
  Command.withExamples([{ command: "hob cron pause backup" }])
)

const resumeCommand = Command.make("resume", { job, namespace, json }, (options) =>
  act((context) => cronResume(context, options))
).pipe(
  Command.withDescription("Take a paused job up again, from its next slot on."),
  Command.withShortDescription("Take a paused job up again"),
  Command.withExamples([{ command: "hob cron resume backup" }])
)

const historyCommand = Command.make(
  "history",
  {
    job: Argument.optional(job),
    limit: atMost("limit", 10_000, "How many runs", 20),
    output: yes("output", "Also what each printed or answered"),
    all,
    namespace,
    json
  },
  ({ job, ...options }) => act((context) => cronHistory(context, { job: Option.getOrNull(job), ...options }))
).pipe(
  Command.withDescription(
    "Show runs of a job, or of all, the newest first: how each went, how long it took, and why it failed."
  ),
  Command.withShortDescription("Show how runs went"),
  Command.withExamples([
    { command: "hob cron history backup" },
    { command: "hob cron history backup --output --limit 1", description: "What the last run printed" },
    { command: "hob cron history --all --json", description: 'For scripts: {"runs": […]}' }
  ])
)

const nextCommand = Command.make(
  "next",
  { expression, count: atMost("count", 1000, "How many", 5), tz, json },
  (options) => act(() => cronNext(options))
).pipe(
  Command.withDescription(
    "Show when an expression is due next, in its time zone. Needs no daemon. Exit code 2 if it says no time, with the reason."
  ),
  Command.withShortDescription("Show when an expression is due"),
  Command.withExamples([
    { command: "hob cron next '30 2 * * *'" },
    { command: "hob cron next '0 9 * * mon-fri' --tz America/New_York --count 10" }
  ])
)

export const cronCommand = Command.make("cron").pipe(
  Command.withDescription("Jobs that run when their time has come: methods, or commands."),
  Command.withShortDescription("Jobs that run at their time"),
  Command.withSubcommands([
    addCommand,
    listCommand,
    removeCommand,
    runCommand,
    pauseCommand,
    resumeCommand,
    historyCommand,
    nextCommand
  ])
)

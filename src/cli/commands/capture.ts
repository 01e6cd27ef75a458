import { Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { captureConfig, captureDiscard, captureList, captureShow, captureStatusVerb } from "../verbs/capture.ts"
import { captureGit } from "../verbs/captureGit.ts"
import { captureHook } from "../verbs/captureHook.ts"
import { captureImport } from "../verbs/captureImport.ts"
import { captureInstall, captureUninstall } from "../verbs/captureInstall.ts"
import { captureSave, captureSaves } from "../verbs/captureSave.ts"
import { captureSearch } from "../verbs/captureSearch.ts"
import { act } from "./act.ts"
import { choiceOrNull, countOrNull, json, textOrNull, yes } from "./flags.ts"

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
    session: textOrNull(
      "session",
      "SESSION",
      "Those of agents in this session: its id, the beginning of it, or its name",
      "s"
    ),
    json
  },
  ({ repo, ...options }) => act((context) => captureList(context, { ...options, repository: repo }))
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

const searchCommand = Command.make(
  "search",
  {
    text: Argument.String("text").pipe(Argument.withDescription("What to look for, as it is")),
    ignoreCase: yes("ignore-case", "Whatever its case", "i"),
    repo,
    limit: countOrNull("limit", "COUNT", "At most so many (default: 100)", "n"),
    json
  },
  ({ repo, ...options }) => act((context) => captureSearch(context, { ...options, repository: repo }))
).pipe(
  Command.withDescription(
    "Find a text in all that is captured, newest first: in what was said, in names of files and in their diffs. Exit code 1 if it stands nowhere."
  ),
  Command.withShortDescription("Find a text in captures"),
  Command.withExamples([
    { command: "hob capture search 'login form'" },
    { command: "hob capture search -i jwt --repo ." }
  ])
)

const importCommand = Command.make(
  "import",
  {
    files: Argument.String("file").pipe(
      Argument.withDescription("Transcripts (default: all that the agents have written)"),
      Argument.variadic()
    ),
    agent: choiceOrNull("agent", ["claude", "codex", "gemini"], "Whose they are (default: all)"),
    json
  },
  (options) => act((context) => captureImport(context, options))
).pipe(
  Command.withDescription(
    "Read what Claude Code, Codex and Gemini CLI have written down of their sessions (~/.claude/projects, ~/.codex/sessions, ~/.gemini/tmp), as if their hooks had told it. Importing again, or what hooks have told already, changes nothing."
  ),
  Command.withShortDescription("Read agents' transcripts"),
  Command.withExamples([
    { command: "hob capture import" },
    { command: "hob capture import --agent claude session.jsonl" }
  ])
)

const hookCommand = Command.make(
  "hook",
  {
    agent: Argument.String("agent").pipe(Argument.withDescription("claude, codex, gemini or cursor")),
    event: Argument.String("event").pipe(
      Argument.withDescription("What Codex' `notify` gives; the others give it on standard input"),
      Argument.optional
    )
  },
  ({ agent, event }) => act((context) => captureHook(context, { agent, event: Option.getOrNull(event) }))
).pipe(
  Command.withDescription(
    "What agents call: `hob capture install` writes it into their configuration. It never hinders them: it ends with 0 whatever happens, within a moment, and starts no daemon; where none answers, what it was told waits for the next one, without its secrets."
  ),
  Command.withShortDescription("Called by agents"),
  Command.withExamples([{ command: "hob capture hook claude < event.json" }])
)

const gitCommand = Command.make(
  "git",
  {
    hook: Argument.String("hook").pipe(Argument.withDescription("post-commit, pre-commit or post-rewrite")),
    commit: Argument.String("commit").pipe(Argument.withDescription("Of post-commit: the commit"), Argument.optional)
  },
  ({ commit, hook }) => act((context) => captureGit(context, { hook, commit: Option.getOrNull(commit) }))
).pipe(
  Command.withDescription(
    "What the hooks of git call: `hob capture install` writes it into them. post-commit saves what was captured since the last commit, and does nothing during a rebase, cherry-pick, merge or revert; pre-commit adds it to the commit (--stage); post-rewrite tells which commits have become others."
  ),
  Command.withShortDescription("Called by git"),
  Command.withExamples([{ command: "hob capture git post-commit $(git rev-parse HEAD)" }])
)

const agent = (description: string) =>
  Flag.Literals("agent", ["claude", "codex", "gemini", "cursor", "all", "none"]).pipe(
    Flag.withDefault("all" as const),
    Flag.withDescription(description)
  )

const installCommand = Command.make(
  "install",
  {
    agent: agent("Which agent tells hob what it is told (default: all whose configuration is there)"),
    repo,
    notes: yes("notes", "Keep it in notes of git (refs/notes/prompts) instead of .prompts/"),
    stage: yes("stage", "Make it a part of the commit itself"),
    markdown: yes("markdown", "Also as Markdown, in .prompts/markdown"),
    json
  },
  ({ repo, ...options }) => act((context) => captureInstall(context, { ...options, repository: repo }))
).pipe(
  Command.withDescription(
    "Have agents and git tell hob by themselves: adds hooks to the agents' own configuration, and to the hooks of this repository (post-commit, post-rewrite; core.hooksPath is respected, hooks that are there are kept and called). Installing again changes nothing; `hob capture uninstall` takes exactly that away."
  ),
  Command.withShortDescription("Capture by itself, from now on"),
  Command.withExamples([
    { command: "hob capture install" },
    { command: "hob capture install --agent claude --repo ../app --stage" },
    { command: "hob capture install --agent none --notes" }
  ])
)

const uninstallCommand = Command.make(
  "uninstall",
  { agent: agent("From which agent's configuration it is taken (default: all)"), repo, json },
  ({ repo, ...options }) => act((context) => captureUninstall(context, { ...options, repository: repo }))
).pipe(
  Command.withDescription(
    "Take away what `hob capture install` has added, and nothing else. What was captured and saved stays."
  ),
  Command.withShortDescription("Capture by itself no more"),
  Command.withExamples([{ command: "hob capture uninstall" }, { command: "hob capture uninstall --agent claude" }])
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
    searchCommand,
    importCommand,
    installCommand,
    uninstallCommand,
    hookCommand,
    gitCommand,
    discardCommand,
    configCommand
  ])
)

import { Argument, Command } from "effect/cli"
import { attach } from "../verbs/attach.ts"
import { limitsOf } from "../limits.ts"
import { run } from "../verbs/run.ts"
import { act } from "./act.ts"
import {
  choiceOrNull,
  countOrNull,
  durationOrNull,
  session,
  shareOrNull,
  sizeOrNull,
  textOrNull,
  texts,
  yes
} from "./flags.ts"

export const runCommand = Command.make(
  "run",
  {
    name: textOrNull("name", "NAME", "A name to call it by", "n"),
    cwd: textOrNull("cwd", "DIR", "Where it runs (default: here)"),
    env: texts("env", "KEY=VALUE", "A variable beside this shell's environment; may be repeated", "e"),
    tags: texts("tag", "TAG", "A label for groups and listings; may be repeated", "t"),
    template: textOrNull(
      "template",
      "NAME",
      "A command of the configuration (`hob templates`); what is given here goes before it"
    ),
    pipe: yes("pipe", "On three pipes instead of a terminal, for programs that speak a protocol"),
    detach: yes("detach", "Leave it in the background and print its id", "d"),
    json: yes("json", "With --detach: print the session as JSON"),
    maxMemory: sizeOrNull("max-memory", "SIZE", "End it when its processes use more together: 512M, 2G"),
    maxCpu: shareOrNull("max-cpu", "SHARE", "No more processor time than that: 50% of one, or 2 processors"),
    maxProcesses: countOrNull("max-processes", "N", "No more processes than that at once"),
    ttl: durationOrNull("ttl", "End it so long after its start"),
    idleStop: durationOrNull(
      "idle-stop",
      "End it after so long without output, input or anybody attached; never while it is known to work"
    ),
    restart: choiceOrNull(
      "restart",
      ["no", "on-failure", "always"],
      "Start it anew when it has ended, also after a reboot: as a new session of the same name"
    ),
    restartMax: countOrNull(
      "restart-max",
      "N",
      "How often in a row at most; 0: no limit (default: sessions.restartMaxCount)"
    ),
    nest: yes("nest", "Show it here also when this is the terminal of a session"),
    command: Argument.String("command").pipe(
      Argument.withDescription("The program and its arguments (default: your shell)"),
      Argument.variadic()
    )
  },
  ({ idleStop, maxCpu, maxMemory, maxProcesses, ttl, ...options }) =>
    act((context) => run(context, { ...options, limits: limitsOf({ maxMemory, maxCpu, maxProcesses, ttl, idleStop }) }))
).pipe(
  Command.withDescription(
    "Run a command in a session that outlives this terminal, and attach to it. Without a terminal, its output is printed as it comes. Ends with the command's exit code; 127 if there is no such command."
  ),
  Command.withShortDescription("Run a command in a new session"),
  Command.withExamples([
    { command: "hob run", description: "Your shell; C-\\ leaves it running" },
    { command: "hob run --name web -- npm run dev" },
    { command: "id=$(hob run --detach -- make -j8)", description: "In the background, for a script" },
    { command: "hob run -d --cwd /srv --env PORT=8080 --tag web -- ./serve" },
    { command: "hob run -d --max-memory 2G --max-cpu 50% --ttl 2h -- ./build", description: "Held to limits" },
    { command: "hob run -d --restart on-failure --name web -- npm start", description: "Comes back when it fails" },
    { command: "hob run --template web -- --port 8080", description: "A template, with more arguments" },
    { command: "hob run --detach --pipe -- ./agent --stdio", description: "A program that talks over its pipes" }
  ])
)

export const attachCommand = Command.make(
  "attach",
  {
    session,
    readOnly: yes("read-only", "Only watch: nothing typed reaches it, and its size stays", "r"),
    nest: yes("nest", "Also when this is the terminal of another session"),
    take: yes("take", "Take the keyboard from whoever has it: type, and have the session in this terminal's size")
  },
  (options) => act((context) => attach(context, options))
).pipe(
  Command.withDescription(
    "Show a session in this terminal and type into it, until it ends or you type the detach key (C-\\, or what sessions.detachKey says). Its history is above, in the terminal's own. Any number of terminals may be attached: the first one types, and the session has its size; others watch, each in its own size, until they take the keyboard with Ctrl-T or its holder leaves. Ends with the session's exit code, or 0 after detaching."
  ),
  Command.withShortDescription("Show a session here and type into it"),
  Command.withExamples([
    { command: "hob attach build" },
    { command: "hob attach 1f3a --read-only", description: "By the beginning of its id" },
    { command: "hob attach build --take", description: "And type, though another terminal is attached" }
  ])
)

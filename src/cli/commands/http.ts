import { Argument, Command, Flag } from "effect/cli"
import { httpDisable, httpEnable, httpLogin, httpStatus, tokenList, tokenNew, tokenRevoke } from "../verbs/http.ts"
import { act } from "./act.ts"
import { choiceOrNull, countOrNull, durationOrNull, json } from "./flags.ts"

const scopes = ["read", "sessions", "admin"] as const

const enableCommand = Command.make(
  "enable",
  {
    port: countOrNull("port", "PORT", "The port (default: http.port, which is 64875); 0: any that is free"),
    json
  },
  (options) => act((context) => httpEnable(context, options))
).pipe(
  Command.withDescription(
    "Answer over HTTP, on 127.0.0.1, now and after each start: written to the configuration file. Whoever comes needs the token of the file that is printed, or one of `hob token new`."
  ),
  Command.withShortDescription("Answer over HTTP"),
  Command.withExamples([{ command: "hob http enable" }, { command: "hob http enable --port 0 --json" }])
)

const disableCommand = Command.make("disable", { json }, (options) =>
  act((context) => httpDisable(context, options))
).pipe(
  Command.withDescription("Answer over HTTP no longer. Whoever is connected is cut off; sessions run on."),
  Command.withShortDescription("Answer over HTTP no longer"),
  Command.withExamples([{ command: "hob http disable" }])
)

const statusCommand = Command.make("status", { json }, (options) =>
  act((context) => httpStatus(context, options))
).pipe(
  Command.withDescription("Show whether and where hob answers over HTTP, and why it doesn't where it should."),
  Command.withShortDescription("Show where hob answers over HTTP"),
  Command.withExamples([{ command: "hob http status --json" }])
)

const loginCommand = Command.make(
  "login",
  { scope: choiceOrNull("scope", scopes, "What the browser may do (default: admin)"), json },
  (options) => act((context) => httpLogin(context, options))
).pipe(
  Command.withDescription(
    "Print an address that lets one browser in, once and within a minute. It stays in for http.browserMillis; `hob token ls` lists it."
  ),
  Command.withShortDescription("Let a browser in"),
  Command.withExamples([{ command: "hob http login" }, { command: "hob http login --scope read" }])
)

export const httpCommand = Command.make("http").pipe(
  Command.withDescription(
    "The control API over HTTP: sessions, agents, events, and every method of the native protocol, for programs, scripts and browsers. Off until it is enabled."
  ),
  Command.withShortDescription("The control API over HTTP"),
  Command.withSubcommands([enableCommand, disableCommand, statusCommand, loginCommand])
)

const newCommand = Command.make(
  "new",
  {
    name: Argument.String("name").pipe(Argument.withDescription("What to call it: whom it is for")),
    scope: Flag.Literals("scope", scopes).pipe(
      Flag.withDescription(
        "read: see what runs and what it says; sessions: also start, steer and end them; admin: everything"
      ),
      Flag.withDefault("sessions" as const)
    ),
    expires: durationOrNull("expires", "How long it is good (default: until it is revoked)"),
    json
  },
  (options) => act((context) => tokenNew(context, options))
).pipe(
  Command.withDescription("Make a token for the HTTP API and print it, this once."),
  Command.withShortDescription("Make a token"),
  Command.withExamples([
    { command: "hob token new board --scope read" },
    { command: "hob token new ci --expires 12h", description: "For a script that starts sessions" }
  ])
)

const listCommand = Command.make("ls", { json }, (options) => act((context) => tokenList(context, options))).pipe(
  Command.withDescription(
    "List the tokens: what each may do, and how long. Those of browsers are among them. None is shown itself."
  ),
  Command.withShortDescription("List the tokens"),
  Command.withExamples([{ command: "hob token ls" }])
)

const revokeCommand = Command.make(
  "revoke",
  {
    token: Argument.String("token").pipe(Argument.withDescription("Its id, or the name that only one has")),
    json
  },
  (options) => act((context) => tokenRevoke(context, options))
).pipe(
  Command.withDescription(
    "Let nobody in by this token any more, and cut off who was. Of the first one, that of the file, another is made in its place."
  ),
  Command.withShortDescription("End a token"),
  Command.withExamples([{ command: "hob token revoke board" }])
)

export const tokenCommand = Command.make("token").pipe(
  Command.withDescription("Tokens for the HTTP API: who may come, to do what, and for how long."),
  Command.withShortDescription("Tokens for the HTTP API"),
  Command.withSubcommands([newCommand, listCommand, revokeCommand])
)

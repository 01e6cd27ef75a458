import { Option } from "effect"
import { Argument, Command } from "effect/cli"
import { ExitCode, Fault } from "../exit.ts"
import { call, subscribe } from "../verbs/call.ts"
import {
  upstreamAdd,
  upstreamList,
  upstreamLogin,
  upstreamPing,
  upstreamReconnect,
  upstreamRemove,
  upstreamStatus
} from "../verbs/upstream.ts"
import { act } from "./act.ts"
import { choiceOrNull, countOrNull, durationOrNull, json, textOrNull, yes } from "./flags.ts"

const upstream = textOrNull("upstream", "NAME", "Which one (default: upstream.default, else the only one)", "u")

export const callCommand = Command.make(
  "call",
  {
    method: Argument.String("method").pipe(
      Argument.withDescription("A method of the upstream, such as system.info"),
      Argument.optional,
      Argument.map(Option.getOrNull)
    ),
    args: Argument.String("arg").pipe(
      Argument.withDescription("Its parameters: JSON where they are JSON, else text; `-` stands for standard input"),
      Argument.variadic()
    ),
    upstream,
    timeout: durationOrNull(
      "timeout",
      "How long to wait for its answer, of a job for its beginning; 0: for ever (default: upstream.callMillis)"
    ),
    job: yes("job", "Wait for the job that it is, and tell how far it is", "j"),
    jobPrint: choiceOrNull(
      "job-print",
      ["progressbar", "description"] as const,
      "How to tell that (default: progressbar); --job is meant too"
    ),
    subscribe: textOrNull("subscribe", "COLLECTION", "Print this collection's events instead, a line for each"),
    channel: yes("channel", "With --subscribe: publish them on the channel upstream:NAME:COLLECTION too"),
    quiet: yes("quiet", "Say nothing of progress and failures", "q"),
    json
  },
  ({ channel, method, subscribe: collection, ...options }) =>
    act((context) => {
      if (collection !== null) {
        if (method !== null) throw new Fault(ExitCode.usage, "Of a method and --subscribe only one can be given.")
        return subscribe(context, { collection, channel, upstream: options.upstream })
      }
      if (method === null) throw new Fault(ExitCode.usage, "Which method? `hob call METHOD [ARG…]`")
      return call(context, { method, ...options })
    })
).pipe(
  Command.withDescription(
    "Call a method of an upstream and print its result: a text as it is, true and false as True and False, all else as the JSON that came. The connection is made and logged in by the first call, and shared by all. Without --job, the result of a method that is a job is its id. Parameters and results are carried as they are written; hob reads none. A call that was sent when the connection was lost is not sent again, and says so. Exit code 1 if it fails, 2 if it can't be sent so, 4 if there is no such upstream, 5 if it takes too long."
  ),
  Command.withShortDescription("Call a method of an upstream"),
  Command.withExamples([
    { command: "hob call system.info" },
    { command: `hob call pool.query '[["name", "=", "tank"]]' '{"get": true}'` },
    { command: "hob call --job pool.scrub.run tank", description: "With its progress, until it has ended" },
    { command: "hob call --json alert.list --upstream nas | jq length" },
    { command: "hob call --subscribe alert.list", description: "A line for each event, until Ctrl-C" }
  ])
)

const name = Argument.String("name").pipe(Argument.withDescription("`hob upstream ls` lists those there are"))
const nameOrNull = name.pipe(Argument.optional, Argument.map(Option.getOrNull))

const credential = {
  passwordStdin: yes("password-stdin", "Log in with a password, from standard input"),
  apiKeyStdin: yes("api-key-stdin", "Log in with an API key, from standard input"),
  tokenStdin: yes("token-stdin", "Log in with a token, from standard input")
}
const user = textOrNull("user", "USER", "Whose password or API key it is", "U")

const addCommand = Command.make(
  "add",
  {
    name: Argument.String("name").pipe(Argument.withDescription("How it will be called here")),
    uri: Argument.String("uri").pipe(
      Argument.withDescription(
        "ws://HOST/PATH, wss://HOST/PATH or ws+unix:///PATH (default: this machine's own middleware)"
      ),
      Argument.optional,
      Argument.map(Option.getOrNull)
    ),
    user,
    ...credential,
    insecure: yes("insecure", "Take any certificate for the server's"),
    ca: textOrNull("ca", "FILE", "Certificates to trust, as PEM, beside the system's"),
    concurrency: countOrNull("concurrency", "N", "Calls that may be out at once (default: 1); TrueNAS runs 10"),
    lifetime: durationOrNull(
      "lifetime",
      "Disconnect when unused for so long; 0: never (default: upstream.lifetimeMillis)"
    ),
    json
  },
  (options) => act((context) => upstreamAdd(context, options))
).pipe(
  Command.withDescription(
    "Add a server to call. Nothing is connected yet: the first call does that, logs in, and everybody shares the connection from then on. The credential is read from standard input, at a terminal unseen, and kept where only you can read it."
  ),
  Command.withShortDescription("Add a server to call"),
  Command.withExamples([
    { command: "hob upstream add nas wss://nas.lan/api/current --user ada --api-key-stdin < key" },
    { command: "hob upstream add local", description: "The middleware of this machine, by its socket" },
    {
      command: "hob upstream add nas wss://nas.lan/api/current --user ada --password-stdin --ca ca.pem --concurrency 8"
    }
  ])
)

const listCommand = Command.make("ls", { json }, (options) => act((context) => upstreamList(context, options))).pipe(
  Command.withDescription("List the upstreams: how each is, and who logs in with what. Credentials are not shown."),
  Command.withShortDescription("List the upstreams"),
  Command.withExamples([{ command: "hob upstream ls" }])
)

const statusCommand = Command.make("status", { name: nameOrNull, json }, (options) =>
  act((context) => upstreamStatus(context, options))
).pipe(
  Command.withDescription(
    "Show how an upstream is: its connection, why it is not there, and what is out. Never waits for calls. Exit code 1 when the login is refused, or it is waited to try again."
  ),
  Command.withShortDescription("Show how an upstream is"),
  Command.withExamples([{ command: "hob upstream status nas" }])
)

const reconnectCommand = Command.make("reconnect", { name: nameOrNull, json }, (options) =>
  act((context) => upstreamReconnect(context, options))
).pipe(
  Command.withDescription(
    "Close the connection and make a new one, also where the login had been refused for good. Calls that are out fail; jobs are found again."
  ),
  Command.withShortDescription("Connect anew"),
  Command.withExamples([{ command: "hob upstream reconnect nas" }])
)

const loginCommand = Command.make("login", { name: nameOrNull, user, ...credential, json }, (options) =>
  act((context) => upstreamLogin(context, options))
).pipe(
  Command.withDescription(
    "Change the credential, if one is given, and log in anew. A one-time password is asked for at the terminal."
  ),
  Command.withShortDescription("Change the credential, and log in"),
  Command.withExamples([
    { command: "hob upstream login nas --password-stdin", description: "Typed unseen" },
    { command: "hob upstream login nas", description: "With a one-time password" }
  ])
)

const pingCommand = Command.make(
  "ping",
  { name: nameOrNull, timeout: durationOrNull("timeout", "How long to wait for the answer (default: 10s)"), json },
  (options) => act((context) => upstreamPing(context, options))
).pipe(
  Command.withDescription(
    "Ask an upstream for a sign of life, whatever else is out there, and print how long that took."
  ),
  Command.withShortDescription("Ask for a sign of life"),
  Command.withExamples([{ command: "hob upstream ping nas" }])
)

const removeCommand = Command.make("rm", { name, json }, (options) =>
  act((context) => upstreamRemove(context, options))
).pipe(
  Command.withDescription("Remove an upstream and its credential. Calls that are out fail."),
  Command.withShortDescription("Remove an upstream"),
  Command.withExamples([{ command: "hob upstream rm nas" }])
)

export const upstreamCommand = Command.make("upstream").pipe(
  Command.withDescription(
    "Servers elsewhere that speak JSON-RPC over WebSocket, such as TrueNAS: logged in to once, called from anywhere. `hob call` calls them."
  ),
  Command.withShortDescription("Servers to call, logged in to once"),
  Command.withSubcommands([
    addCommand,
    listCommand,
    statusCommand,
    pingCommand,
    loginCommand,
    reconnectCommand,
    removeCommand
  ])
)

import { Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { parseWait } from "../hotLocks.ts"
import { lock, lockAcquire, lockList, lockRelease, lockRenew } from "../verbs/lock.ts"
import { act } from "./act.ts"
import { countOrNull, durationOrNull, json, orNull, textOrNull, yes } from "./flags.ts"

const name = Argument.String("name").pipe(Argument.withDescription("Segments with `:` between, such as deploy:web"))
const namespace = textOrNull("namespace", "NAME", "Locks of this namespace (default: default)", "N")
const ttl = durationOrNull(
  "ttl",
  "How long it is held unless it is renewed (default: locks.defaultTtlMillis; renew: as long as before)"
)
const wait = orNull(
  Flag.String("wait").pipe(
    Flag.withMetavar("[DURATION]"),
    Flag.withDescription(
      "Wait for it, so long at most, or without a duration as long as it takes (default: not at all)"
    ),
    Flag.filterMap(
      (text) => Option.fromUndefinedOr(parseWait(text)),
      () => "a duration such as 500ms, 5s, 2m or 1h, or nothing"
    )
  )
)
const holder = textOrNull("holder", "HOLDER", "Who holds it: whoever says the same is the same")
const token = countOrNull("token", "TOKEN", "The token that `hob lock acquire` printed")

const acquireCommand = Command.make("acquire", { name, holder, ttl, wait, namespace, json }, (options) =>
  act((context) => lockAcquire(context, options))
).pipe(
  Command.withDescription(
    "Take a lock for its ttl and print its fencing token; nothing renews it but `hob lock renew`. Exit code 121 if somebody else holds it. Without --holder the token is what shows whose it is; a --holder that holds it already renews it."
  ),
  Command.withShortDescription("Take a lock, without a command"),
  Command.withExamples([
    { command: "token=$(hob lock acquire deploy --ttl 10m)" },
    { command: "hob lock acquire deploy --wait 1m --json", description: "Also until when" },
    { command: "hob lock acquire deploy --holder ada", description: "For whoever says that they are ada" }
  ])
)

const releaseCommand = Command.make("release", { name, holder, token, namespace, json }, (options) =>
  act((context) => lockRelease(context, options))
).pipe(
  Command.withDescription(
    "Give a lock back: by its token, by its holder, or by both. Exit code 122 if it is not held, or not theirs."
  ),
  Command.withShortDescription("Give a lock back"),
  Command.withExamples([
    { command: 'hob lock release deploy --token "$token"' },
    { command: "hob lock release deploy --holder ada" }
  ])
)

const renewCommand = Command.make("renew", { name, holder, token, ttl, namespace, json }, (options) =>
  act((context) => lockRenew(context, options))
).pipe(
  Command.withDescription(
    "Hold a lock for its ttl from now on: by its token, by its holder, or by both. Exit code 122 if it is over, or not theirs: stop what it protected."
  ),
  Command.withShortDescription("Hold a lock for longer"),
  Command.withExamples([{ command: 'hob lock renew deploy --token "$token" --ttl 10m' }])
)

const listCommand = Command.make(
  "ls",
  { all: yes("all", "Those of every namespace", "a"), namespace, json },
  (options) => act((context) => lockList(context, options))
).pipe(
  Command.withDescription(
    "List the locks that are held: token, what is left of them, whether they end with a connection, how many wait, and who holds them."
  ),
  Command.withShortDescription("List the locks that are held"),
  Command.withExamples([
    { command: "hob lock ls" },
    { command: "hob lock ls --all --json", description: 'For scripts: {"locks": […]}' }
  ])
)

export const lockCommand = Command.make(
  "lock",
  {
    name,
    ttl,
    wait,
    namespace,
    command: Argument.String("command").pipe(
      Argument.withDescription("The program and its arguments, behind `--`"),
      Argument.variadic()
    )
  },
  (options) => act((context) => lock(context, options))
).pipe(
  Command.withDescription(
    "Run a command while holding a lock, as flock(1) does. Ends with the command's exit code (128 + n for signal n), or with 121, and nothing is run, if somebody else holds the lock and went on holding it for as long as --wait says. The lock is renewed while the command runs, and taken up again when the daemon was killed or restarted; if it is lost all the same, the command and what it has started are ended (SIGTERM, after 5 s SIGKILL) and the exit code is 122. They are ended too when hob itself is killed with SIGKILL, and the lock is not free before. The command finds HOB_LOCK_NAME and HOB_LOCK_TOKEN, the fencing token. SIGINT, SIGQUIT, SIGTERM and SIGHUP are passed on to it; keys of the terminal reach it by themselves."
  ),
  Command.withShortDescription("Run a command that nobody else runs meanwhile"),
  Command.withExamples([
    { command: "hob lock deploy -- ./deploy.sh", description: "Exit code 121 if it is held by somebody else" },
    { command: "hob lock deploy --wait 10m -- ./deploy.sh", description: "In the order of coming" },
    { command: `hob lock db --wait -- sh -c 'migrate --fence "$HOB_LOCK_TOKEN"'`, description: "As long as it takes" },
    { command: "hob lock cache --ttl 5s -- make", description: "Free after 5 s if nobody renews it any more" },
    { command: "hob lock -- ls make", description: "A lock that is called as a command of this one" }
  ]),
  Command.withSubcommands([acquireCommand, releaseCommand, renewCommand, listCommand])
)

import { Argument, Command, Flag } from "effect/cli"
import {
  webhookAllow,
  webhookDeliveries,
  webhookList,
  webhookOff,
  webhookOn,
  webhookRemove,
  webhookReplay,
  webhookShow,
  webhookTest
} from "../verbs/webhook.ts"
import { act } from "./act.ts"
import { choiceOrNull, countOrNull, durationOrNull, json, orNull, texts, textOrNull, yes } from "./flags.ts"

const method = Argument.String("method").pipe(Argument.withDescription("`hob methods ls` lists those there are"))
const namespace = textOrNull("namespace", "NAME", "That of the method (default: default)", "N")
const all = yes("all", "Those of every namespace", "a")
const delivery = Argument.Int("delivery").pipe(
  Argument.withDescription("Its number: `hob webhook deliveries` lists them, and the sender was told it")
)

const FROM = "`-` reads it from standard input, `file:PATH` from a file, `env:NAME` from a variable"

const allowCommand = Command.make(
  "allow",
  {
    method,
    secret: texts(
      "secret",
      "[SECRET]",
      `Senders send it in the header X-Webhook-Secret; alone, a new one is made. ${FROM}`
    ),
    github: texts("github", "[SECRET]", "GitHub signs with it (X-Hub-Signature-256); alone, a new one is made"),
    stripe: texts("stripe", "SECRET", "Stripe signs with it (Stripe-Signature)"),
    standard: texts(
      "standard",
      "[SECRET]",
      "Senders of Standard Webhooks sign with it (whsec_…), or it is their public key (whpk_…); alone, a new one is made"
    ),
    noSecret: yes("no-secret", "Whoever reaches the port may call it"),
    retry: countOrNull(
      "retry",
      "N",
      "Run it again up to N times when it fails: 5 s, 5 min, 30 min, 2 h … later (default: 0)"
    ),
    guarantee: choiceOrNull(
      "guarantee",
      ["at-most-once", "at-least-once"] as const,
      "Whether a run in which hob died is run again by itself (default: at-most-once)"
    ),
    timeout: durationOrNull("timeout", "How long a run may take"),
    namespace,
    json
  },
  (options) => act((context) => webhookAllow(context, options))
).pipe(
  Command.withDescription(
    `Let other programs call a method over HTTP, and print where they send to. Who may is known by a secret, given by one of --secret, --github, --stripe and --standard (${FROM}; given twice, any of them is good), else by PHOTON_WEBHOOK_SECRET. A method that is allowed already is changed.`
  ),
  Command.withShortDescription("Let senders call a method"),
  Command.withExamples([
    { command: "hob webhook allow push --github", description: "Makes the secret to enter at GitHub" },
    { command: "hob webhook allow payment --stripe env:STRIPE_WEBHOOK_SECRET" },
    { command: "hob webhook allow push --github env:NEW --github env:OLD", description: "While the secret is changed" },
    { command: "hob webhook allow ping --no-secret", description: "For whoever reaches the port" }
  ])
)

const listCommand = Command.make("ls", { all, namespace, json }, (options) =>
  act((context) => webhookList(context, options))
).pipe(
  Command.withDescription(
    "List the methods that senders may call: how they show who they are, where they send to, and why the last of them was refused. Secrets are not shown."
  ),
  Command.withShortDescription("List the methods that senders may call"),
  Command.withExamples([{ command: "hob webhook ls" }, { command: "hob webhook ls --all --json" }])
)

const removeCommand = Command.make("rm", { method, namespace, json }, (options) =>
  act((context) => webhookRemove(context, options))
).pipe(
  Command.withDescription("Let senders call a method no longer. What they have sent stays on record, and is not run."),
  Command.withShortDescription("Let senders call a method no longer"),
  Command.withExamples([{ command: "hob webhook rm push" }])
)

const deliveriesCommand = Command.make(
  "deliveries",
  {
    method: orNull(
      Flag.String("method").pipe(Flag.withMetavar("METHOD"), Flag.withDescription("Those of this method"))
    ),
    state: choiceOrNull(
      "state",
      ["pending", "running", "succeeded", "failed", "interrupted"] as const,
      "Those in this state"
    ),
    limit: countOrNull("limit", "N", "How many (default: 50)"),
    before: countOrNull("before", "DELIVERY", "Those before this one"),
    all,
    namespace,
    json
  },
  (options) => act((context) => webhookDeliveries(context, options))
).pipe(
  Command.withDescription(
    "List what was sent, the newest first: succeeded, failed (as often as it may), interrupted (hob died in its run), pending (it waits for its next run) or running."
  ),
  Command.withShortDescription("List what was sent"),
  Command.withExamples([
    { command: "hob webhook deliveries" },
    { command: "hob webhook deliveries --state failed --json", description: "What needs somebody to look at it" }
  ])
)

const showCommand = Command.make("show", { delivery, json }, (options) =>
  act((context) => webhookShow(context, options))
).pipe(
  Command.withDescription("Show one delivery: its headers but for the secret ones, its body, and what became of it."),
  Command.withShortDescription("Show one delivery"),
  Command.withExamples([{ command: "hob webhook show 17" }])
)

const replayCommand = Command.make(
  "replay",
  {
    delivery,
    timeout: durationOrNull("timeout", "How long to wait for it (default: 1m); it goes on all the same"),
    json
  },
  (options) => act((context) => webhookReplay(context, options))
).pipe(
  Command.withDescription(
    "Run a delivery once more with what was sent then, and print its result. Exit code 1 if it fails, 5 if it has not ended in time."
  ),
  Command.withShortDescription("Run a delivery once more"),
  Command.withExamples([{ command: "hob webhook replay 17" }])
)

const testCommand = Command.make(
  "test",
  {
    method,
    body: Argument.String("body").pipe(
      Argument.withDescription("A JSON object (default: {})"),
      Argument.optional,
      Argument.map((body) => (body._tag === "Some" ? body.value : null))
    ),
    namespace,
    json
  },
  (options) => act((context) => webhookTest(context, options))
).pipe(
  Command.withDescription(
    "Send a delivery to hob's own port, signed as its sender would sign it, and print what comes back. The method is run. Exit code 1 if it is refused or fails."
  ),
  Command.withShortDescription("Send a test, as its sender would"),
  Command.withExamples([{ command: `hob webhook test push '{"ref":"refs/heads/main"}'` }])
)

const onCommand = Command.make(
  "on",
  { port: countOrNull("port", "PORT", "The port (default: webhooks.port, which is 3457)"), json },
  (options) => act((context) => webhookOn(context, options))
).pipe(
  Command.withDescription(
    "Listen for webhooks, on 127.0.0.1, now and after each start: written to the configuration file. A tunnel or a proxy brings them in from outside."
  ),
  Command.withShortDescription("Listen for webhooks"),
  Command.withExamples([{ command: "hob webhook on" }, { command: "hob webhook on --port 8080" }])
)

const offCommand = Command.make("off", { json }, (options) => act((context) => webhookOff(context, options))).pipe(
  Command.withDescription("Listen for webhooks no longer. What was sent and waits is run all the same."),
  Command.withShortDescription("Listen no longer"),
  Command.withExamples([{ command: "hob webhook off" }])
)

export const webhookCommand = Command.make("webhook").pipe(
  Command.withDescription(
    "Webhooks: methods that other programs call over HTTP. Every request shows whose it is, is on record before it is answered, and is run once."
  ),
  Command.withShortDescription("Let other programs call methods over HTTP"),
  Command.withSubcommands([
    allowCommand,
    listCommand,
    removeCommand,
    deliveriesCommand,
    showCommand,
    replayCommand,
    testCommand,
    onCommand,
    offCommand
  ])
)

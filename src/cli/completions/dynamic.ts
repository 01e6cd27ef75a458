import type { Completions } from "effect/cli"

/** What a word may be that only a running hob knows: `hob __complete KIND` prints it. */
export const dynamicKinds = [
  "sessions",
  "running",
  "tags",
  "templates",
  "channels",
  "locks",
  "jobs",
  "methods",
  "webhooks",
  "namespaces"
] as const
export type DynamicKind = (typeof dynamicKinds)[number]

/** What a word may be that every hob of this version knows. */
export const staticKinds = ["settings", "keys", "dialects"] as const
export type StaticKind = (typeof staticKinds)[number]

type Kind = DynamicKind | StaticKind

/** Commands to which a session that has ended is of no use. */
const ofRunning: ReadonlySet<string> = new Set(["attach", "send", "kill", "wait"])

/** Commands to which a method is of use that senders may call. */
const ofWebhooks: ReadonlySet<string> = new Set(["rm", "test", "deliveries"])

const ofLocks: ReadonlySet<string> = new Set(["lock", "acquire", "release", "renew"])

/** By what the command line calls it. */
const kindOf = (command: string, word: string): Kind | undefined => {
  switch (word) {
    case "session":
      return ofRunning.has(command) ? "running" : "sessions"
    case "tag":
    case "untag":
      return "tags"
    case "channel":
    case "pattern":
      return "channels"
    case "job":
      return "jobs"
    case "method":
      return ofWebhooks.has(command) ? "webhooks" : "methods"
    case "namespace":
      return "namespaces"
    case "template":
      return "templates"
    case "name":
      if (ofLocks.has(command)) return "locks"
      return command === "enable" || command === "disable" ? "dialects" : undefined
    case "config":
      return "settings"
    case "key":
      return "keys"
    default:
      return undefined
  }
}

const MARK = "hobdynamic_"

/** Stands in a generated script where the values of a kind belong: a word that no shell has to quote. */
export const mark = (kind: Kind): string => `${MARK}${kind}`

/** Matches {@link mark}; its first group is the kind. */
export const markPattern = (before: string, behind: string): RegExp =>
  new RegExp(`${before}${MARK}([a-z]+)${behind}`, "g")

type Descriptor = Completions.CommandDescriptor

/** The command tree, in which each word of such a kind is a choice of its mark. */
export const withMarks = (command: Descriptor): Descriptor => ({
  ...command,
  flags: command.flags.map((flag) => {
    const kind = flag.type._tag === "String" ? kindOf(command.name, flag.name) : undefined
    return kind === undefined ? flag : { ...flag, type: { _tag: "Choice", values: [mark(kind)] } }
  }),
  arguments: command.arguments.map((argument) => {
    const kind = argument.type._tag === "String" ? kindOf(command.name, argument.name) : undefined
    return kind === undefined ? argument : { ...argument, type: { _tag: "Choice", values: [mark(kind)] } }
  }),
  subcommands: command.subcommands.map(withMarks)
})

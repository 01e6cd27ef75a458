/** The plain forms of the commands about channels: see hot.ts. */
import { parseDuration } from "./duration.ts"
import type { Verb } from "./hotVerb.ts"
import { parseCount, type Plain } from "./plain.ts"

// Loaded by whoever needs them: the other commands start in less time without.
const verbs = () => import("./verbs/messages.ts")

const following = {
  flags: { "--since": "value", "--json": "boolean", "--count": "value", "--timeout": "value", "--namespace": "value" },
  aliases: { "-n": "--count", "-N": "--namespace" }
} as const

/** Null when a value is not what it has to be. */
const followed = (plain: Plain) => {
  const [count, timeout] = [plain.value("--count"), plain.value("--timeout")]
  const options = {
    patterns: plain.words,
    namespace: plain.value("--namespace"),
    since: plain.value("--since"),
    json: plain.has("--json"),
    count: count === null ? null : parseCount(count),
    timeout: timeout === null ? null : parseDuration(timeout)
  }
  return options.count === undefined || options.timeout === undefined
    ? null
    : { ...options, count: options.count, timeout: options.timeout }
}

export const channelVerbs: Readonly<Record<string, Verb>> = {
  pub: {
    grammar: {
      flags: { "--text": "boolean", "--parse": "boolean", "--json": "boolean", "--namespace": "value" },
      aliases: { "-N": "--namespace" },
      words: [1, 2]
    },
    action: (plain) => {
      const [channel, message = null] = plain.words
      const [text, parse] = [plain.has("--text"), plain.has("--parse")]
      if (text && parse) return null
      const form = text ? "text" : parse ? "json" : "either"
      const [namespace, json] = [plain.value("--namespace"), plain.has("--json")]
      return async (context) => (await verbs()).pub(context, { channel: channel!, message, form, namespace, json })
    }
  },
  sub: {
    grammar: { ...following, flags: { ...following.flags, "--exec": "value" }, words: [1, Number.MAX_SAFE_INTEGER] },
    action: (plain) => {
      const options = followed(plain)
      return options === null
        ? null
        : async (context) => (await verbs()).sub(context, { ...options, exec: plain.value("--exec") })
    }
  },
  events: {
    grammar: { ...following, words: [0, Number.MAX_SAFE_INTEGER] },
    action: (plain) => {
      const options = followed(plain)
      return options === null ? null : async (context) => (await verbs()).events(context, options)
    }
  },
  channels: {
    grammar: {
      flags: { "--all": "boolean", "--json": "boolean", "--namespace": "value" },
      aliases: { "-a": "--all", "-N": "--namespace" },
      words: [0, 1]
    },
    action: (plain) => {
      const [pattern = null] = plain.words
      const [all, json, namespace] = [plain.has("--all"), plain.has("--json"), plain.value("--namespace")]
      return async (context) => (await verbs()).channels(context, { pattern, all, json, namespace })
    }
  }
}

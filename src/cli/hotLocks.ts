/** The plain forms of `hob lock`: see hot.ts. What it runs may take long, and nothing of the tree is loaded meanwhile. */
import { parseDuration } from "./duration.ts"
import type { Action, Verb } from "./hotVerb.ts"
import { ExitCode } from "./exit.ts"
import { ENDLESS, type Grammar, parseCount, type Plain } from "./plain.ts"

// Loaded by whoever needs them: the other commands start in less time without.
const verbs = () => import("./verbs/lock.ts")

/** How long to wait, as a flag says it: undefined when it is wrong. */
export const parseWait = (text: string): number | undefined => (text === ENDLESS ? Infinity : parseDuration(text))

/** Null when a value is not what it has to be. */
const common = (plain: Plain) => {
  const [ttl, wait, token] = [plain.value("--ttl"), plain.value("--wait"), plain.value("--token")]
  const values = {
    ttl: ttl === null ? null : parseDuration(ttl),
    wait: wait === null ? null : parseWait(wait),
    token: token === null ? null : parseCount(token)
  }
  if (values.ttl === undefined || values.wait === undefined || values.token === undefined) return null
  return {
    name: plain.words[0] ?? "",
    namespace: plain.value("--namespace"),
    holder: plain.value("--holder"),
    json: plain.has("--json"),
    ttl: values.ttl,
    wait: values.wait,
    token: values.token
  }
}

const named = { "--namespace": "value", "--holder": "value", "--json": "boolean" } as const

/** The verb, when its values are what they have to be. */
const verb = (
  grammar: Grammar,
  action: (options: NonNullable<ReturnType<typeof common>>, plain: Plain) => Action
): Verb => ({
  grammar: { ...grammar, aliases: { ...grammar.aliases, "-N": "--namespace" } },
  action: (plain) => {
    const options = common(plain)
    return options === null ? null : action(options, plain)
  }
})

const waiting = { "--ttl": "value", "--wait": "duration or alone" } as const

export const lockVerbs: Readonly<Record<string, Verb>> = {
  // Not in the tree: see guard.ts.
  __end: {
    grammar: { flags: {}, words: [3, 3] },
    action: ({ words: [pid, startTime, grace] }) => {
      const numbers = [parseCount(pid!), parseCount(grace!)] as const
      if (numbers[0] === undefined || numbers[1] === undefined) return null
      const [root, graceMillis] = numbers
      return async () => {
        await (await import("./guard.ts")).endLeftover(root, startTime!, graceMillis)
        return ExitCode.ok
      }
    }
  },
  lock: {
    ...verb(
      { flags: { "--namespace": "value", ...waiting }, words: [2, Number.MAX_SAFE_INTEGER], wordsBeforeCommand: 1 },
      (options, { words }) =>
        async (context) =>
          (await verbs()).lock(context, { ...options, command: words.slice(1) })
    ),
    below: {
      acquire: verb(
        { flags: { ...named, ...waiting }, words: [1, 1], takesNoCommand: true },
        (options) => async (context) => (await verbs()).lockAcquire(context, options)
      ),
      release: verb(
        { flags: { ...named, "--token": "value" }, words: [1, 1], takesNoCommand: true },
        (options) => async (context) => (await verbs()).lockRelease(context, options)
      ),
      renew: verb(
        { flags: { ...named, "--token": "value", "--ttl": "value" }, words: [1, 1], takesNoCommand: true },
        (options) => async (context) => (await verbs()).lockRenew(context, options)
      ),
      ls: verb(
        {
          flags: { "--namespace": "value", "--all": "boolean", "--json": "boolean" },
          aliases: { "-a": "--all" },
          words: [0, 0]
        },
        ({ json, namespace }, plain) =>
          async (context) =>
            (await verbs()).lockList(context, { all: plain.has("--all"), json, namespace })
      )
    }
  }
}

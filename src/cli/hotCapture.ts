/** The plain forms of `hob capture`: see hot.ts. That of its hook is runHook.ts. */
import type { Action, Verb } from "./hotVerb.ts"
import { type Grammar, parseCount, type Plain } from "./plain.ts"

// Loaded by whoever needs them.
const verbs = () => import("./verbs/capture.ts")
const saving = () => import("./verbs/captureSave.ts")

const verb = (grammar: Grammar, action: (plain: Plain) => Action | null): Verb => ({ grammar, action })

export const captureVerbs: Readonly<Record<string, Verb>> = {
  capture: {
    // Alone it has nothing to do: the tree tells what there is.
    grammar: { flags: {}, words: [0, 0] },
    action: () => null,
    below: {
      status: verb(
        { flags: { "--json": "boolean" }, words: [0, 0] },
        (plain) => (context) =>
          verbs().then(({ captureStatusVerb }) => captureStatusVerb(context, { json: plain.has("--json") }))
      ),
      ls: verb(
        {
          flags: { "--all": "boolean", "--repo": "value", "--session": "value", "--json": "boolean" },
          aliases: { "-a": "--all", "-s": "--session" },
          words: [0, 0]
        },
        (plain) => {
          const repository = plain.value("--repo")
          return (context) =>
            verbs().then(({ captureList }) =>
              captureList(context, {
                all: plain.has("--all"),
                repository,
                session: plain.value("--session"),
                json: plain.has("--json")
              })
            )
        }
      ),
      show: verb(
        { flags: { "--json": "boolean" }, words: [1, 1] },
        (plain) => (context) =>
          verbs().then(({ captureShow }) =>
            captureShow(context, { capture: plain.words[0]!, json: plain.has("--json") })
          )
      ),
      discard: verb(
        { flags: { "--json": "boolean" }, words: [1, Number.MAX_SAFE_INTEGER] },
        (plain) => (context) =>
          verbs().then(({ captureDiscard }) =>
            captureDiscard(context, { captures: plain.words, json: plain.has("--json") })
          )
      ),
      save: verb(
        {
          flags: {
            "--repo": "value",
            "--commit": "value",
            "--notes": "boolean",
            "--markdown": "boolean",
            "--close": "boolean",
            "--json": "boolean"
          },
          words: [0, Number.MAX_SAFE_INTEGER]
        },
        (plain) => (context) =>
          saving().then(({ captureSave }) =>
            captureSave(context, {
              captures: plain.words,
              repository: plain.value("--repo"),
              commit: plain.value("--commit"),
              notes: plain.has("--notes"),
              markdown: plain.has("--markdown"),
              close: plain.has("--close"),
              json: plain.has("--json")
            })
          )
      ),
      saves: verb(
        { flags: { "--repo": "value", "--commit": "value", "--json": "boolean" }, words: [0, 0] },
        (plain) => (context) =>
          saving().then(({ captureSaves }) =>
            captureSaves(context, {
              commit: plain.value("--commit"),
              repository: plain.value("--repo"),
              json: plain.has("--json")
            })
          )
      ),
      git: verb(
        { flags: {}, words: [1, 2] },
        ({ words: [hook, commit = null] }) =>
          (context) =>
            import("./verbs/captureGit.ts").then(({ captureGit }) => captureGit(context, { hook: hook!, commit }))
      ),
      search: verb(
        {
          flags: { "--ignore-case": "boolean", "--repo": "value", "--limit": "value", "--json": "boolean" },
          aliases: { "-i": "--ignore-case", "-n": "--limit" },
          words: [1, 1]
        },
        (plain) => {
          const limit = plain.value("--limit")
          const count = limit === null ? null : parseCount(limit)
          if (count === undefined) return null
          return (context) =>
            import("./verbs/captureSearch.ts").then(({ captureSearch }) =>
              captureSearch(context, {
                text: plain.words[0]!,
                ignoreCase: plain.has("--ignore-case"),
                repository: plain.value("--repo"),
                limit: count,
                json: plain.has("--json")
              })
            )
        }
      ),
      config: verb(
        { flags: { "--json": "boolean" }, words: [0, 0] },
        (plain) => (context) =>
          verbs().then(({ captureConfig }) => captureConfig(context, { json: plain.has("--json") }))
      )
    }
  }
}

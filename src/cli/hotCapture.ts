/** The plain forms of `hob capture`: see hot.ts. */
import type { Action, Verb } from "./hot.ts"
import type { Grammar, Plain } from "./plain.ts"
import {
  captureConfig,
  captureDiscard,
  captureList,
  captureShow,
  captureStatusVerb
} from "./verbs/capture.ts"

const verb = (grammar: Grammar, action: (plain: Plain) => Action | null): Verb => ({ grammar, action })

export const captureVerbs: Readonly<Record<string, Verb>> = {
  capture: {
    // Alone it has nothing to do: the tree tells what there is.
    grammar: { flags: {}, words: [0, 0] },
    action: () => null,
    below: {
      status: verb({ flags: { "--json": "boolean" }, words: [0, 0] }, (plain) => (context) =>
        captureStatusVerb(context, { json: plain.has("--json") })
      ),
      ls: verb(
        {
          flags: { "--all": "boolean", "--repo": "value", "--json": "boolean" },
          aliases: { "-a": "--all" },
          words: [0, 0]
        },
        (plain) => {
          const repository = plain.value("--repo")
          return (context) =>
            captureList(context, {
              all: plain.has("--all"),
              repository: repository,
              json: plain.has("--json")
            })
        }
      ),
      show: verb({ flags: { "--json": "boolean" }, words: [1, 1] }, (plain) => (context) =>
        captureShow(context, { capture: plain.words[0]!, json: plain.has("--json") })
      ),
      discard: verb({ flags: { "--json": "boolean" }, words: [1, Number.MAX_SAFE_INTEGER] }, (plain) => (context) =>
        captureDiscard(context, { captures: plain.words, json: plain.has("--json") })
      ),
      config: verb({ flags: { "--json": "boolean" }, words: [0, 0] }, (plain) => (context) =>
        captureConfig(context, { json: plain.has("--json") })
      )
    }
  }
}

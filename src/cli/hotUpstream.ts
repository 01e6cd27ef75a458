/** The plain form of `hob call`: see hot.ts. */
import { parseDuration } from "./duration.ts"
import type { Verb } from "./hotVerb.ts"

// Loaded by whoever needs it: the other commands start in less time without.
const verb = () => import("./verbs/call.ts")

export const upstreamVerbs: Readonly<Record<string, Verb>> = {
  call: {
    grammar: {
      flags: {
        "--upstream": "value",
        "--timeout": "value",
        "--job": "boolean",
        "--job-print": "value",
        "--json": "boolean",
        "--quiet": "boolean"
      },
      aliases: { "-u": "--upstream", "-t": "--timeout", "-j": "--job", "-q": "--quiet" },
      words: [1, Number.MAX_SAFE_INTEGER]
    },
    action: (plain) => {
      const [method, ...args] = plain.words
      const [timeoutText, jobPrint] = [plain.value("--timeout"), plain.value("--job-print")]
      const timeout = timeoutText === null ? null : parseDuration(timeoutText)
      if (timeout === undefined) return null
      if (jobPrint !== null && jobPrint !== "progressbar" && jobPrint !== "description") return null
      return async (context) =>
        (await verb()).call(context, {
          method: method!,
          args,
          upstream: plain.value("--upstream"),
          timeout,
          job: plain.has("--job"),
          jobPrint,
          json: plain.has("--json"),
          quiet: plain.has("--quiet")
        })
    }
  }
}

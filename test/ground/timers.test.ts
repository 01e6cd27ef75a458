import { assert, describe, it } from "vitest"
import { files, read } from "../support/tree.ts"

/**
 * Where plain timers and the edges of the Effect runtime may stand, and why. Everywhere else they would escape
 * TestClock and supervision.
 */
const allowed: ReadonlyArray<readonly [prefix: RegExp, why: string]> = [
  [/\/main\.ts$/, "the entry of a process runs its one program"],
  [/^src\/sessionhost\//, "plain Node by decision: no Effect runtime in the byte path"],
  [/^src\/screens\//, "plain Node: parsing of terminal output, in a process of its own"],
  [/^src\/methodWorker\//, "plain Node: the process of a user's module"],
  [/^src\/actors\/turns\.ts$/, "asks the loop itself when its next turn begins"],
  [/^src\/wire\/unixSocket\.ts$/, "plain Node: the session-host and the bare client connect with it"],
  [/^src\/client\//, "promise forms and the bare client serve programs without Effect"],
  [/^src\/cli\//, "hot verbs load no Effect"]
]

const forbidden =
  /(?<![\w.])(setTimeout|setInterval|setImmediate)\s*\(|\bEffect\.(runFork|runPromise|runPromiseExit|runSync|runSyncExit|runCallback|runForkWith|runPromiseWith|runSyncWith)\b|globalThis\.(setTimeout|setInterval)|\bfrom\s*"node:timers/g

const withoutComments = (source: string): string =>
  source.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " ")).replace(/(^|\s)\/\/.*$/gm, "$1")

const findings = (file: string, source: string): ReadonlyArray<string> =>
  allowed.some(([prefix]) => prefix.test(file))
    ? []
    : [...withoutComments(source).matchAll(forbidden)].map((match) => {
        const line = source.slice(0, match.index).split("\n").length
        return `${file}:${line}: ${match[0]}`
      })

describe("timers and runtimes", () => {
  it("no Effect code of src has a timer or a runtime of its own", () => {
    const found = files("src")
      .filter((file) => file.endsWith(".ts"))
      .flatMap((file) => findings(file, read(file)))
    assert.deepStrictEqual(found, [])
  })

  it("the check sees them, and not in comments", () => {
    assert.lengthOf(findings("src/locks/a.ts", "setTimeout(() => {}, 1)"), 1)
    assert.lengthOf(findings("src/locks/a.ts", "const f = () => Effect.runFork(x)"), 1)
    assert.lengthOf(findings("src/locks/a.ts", "// setTimeout(…) would escape\n/* Effect.runPromise */"), 0)
    assert.lengthOf(findings("src/locks/a.ts", "socket.setTimeout(0)"), 0)
    assert.lengthOf(findings("src/daemon/main.ts", "Effect.runFork(x)"), 0)
  })
})

/**
 * Captures something in a repository: `captureSaver.ts DIRECTORY REPOSITORY`; and again, saves it. It says `saved N`, or
 * `failed REASON`, and how many entries are not saved.
 */
import { Effect } from "effect"
import { writeSync } from "node:fs"
import { changeOf, messageOf } from "./numbered.ts"
import { open } from "./support.ts"

const [at, repository] = process.argv.slice(2) as [string, string]

const program = Effect.gen(function* () {
  const { add, captures } = yield* open(at)
  if ((yield* captures.list()).length === 0) {
    const { id } = yield* captures.create({ tool: "t", cwd: repository })
    for (const number of [1, 2, 10]) yield* add(id, messageOf(number))
    yield* captures.addCodeChange({ capture: id, ...changeOf(3) })
    return
  }
  const said = yield* captures.save({ repository, markdown: true }).pipe(
    Effect.map(({ saves }) => `saved ${saves.length}`),
    Effect.catch((error) => Effect.succeed(`failed ${error._tag === "CaptureNotSaved" ? error.reason : error._tag}`))
  )
  const [capture] = yield* captures.list()
  writeSync(1, `${said}\nunsaved ${capture!.unsaved}\n`)
})

await Effect.runPromise(Effect.scoped(program))

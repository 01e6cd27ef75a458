/**
 * Captures numbered messages and changes, several at a time, and says each number once it was acknowledged:
 * `captureWriter.ts DIRECTORY DURABILITY FIRST [COUNT]`. It says what `test/storage/storeWriter.ts` says.
 */
import { Effect } from "effect"
import { writeSync } from "node:fs"
import type { Durability } from "../../src/storage/sqlite.ts"
import { changeOf, messageOf, numberOf } from "./numbered.ts"
import { open } from "./support.ts"

const [at, durability, first, count = "Infinity"] = process.argv.slice(2) as [string, Durability, string, string?]
const end = Number(first) + Number(count)
let next = Number(first)
let acknowledged: { readonly number: number; readonly seq: number } | undefined

const say = (line: string) => Effect.sync(() => void writeSync(1, `${line}\n`))

const program = Effect.gen(function* () {
  const { add, captures, database } = yield* open(at, {}, { storage: { durability } })
  yield* say("open")
  const known = (yield* captures.list()).at(0)
  // One that can't be begun is begun with the next number.
  let id: string | undefined = known?.id
  const begin = Effect.suspend(() =>
    id === undefined ? Effect.map(captures.create({ tool: "t" }), (made) => (id ??= made.id)) : Effect.succeed(id)
  )
  const readBack = Effect.suspend(() =>
    acknowledged === undefined
      ? Effect.succeed("read")
      : Effect.map(captures.show({ capture: id!, after: acknowledged.seq - 1 }), ({ entries }) =>
          numberOf(entries[0]) === acknowledged!.number ? "read" : "misread"
        )
  ).pipe(Effect.orElseSucceed(() => "unread"))

  const writer = Effect.gen(function* () {
    while (next < end) {
      const number = next++
      yield* begin.pipe(
        Effect.flatMap((capture) =>
          number % 3 === 0 ? captures.addCodeChange({ capture, ...changeOf(number) }) : add(capture, messageOf(number))
        ),
        Effect.tap(({ seq }) => {
          acknowledged = { number, seq: seq! }
          return say(String(number))
        }),
        Effect.catch((error) => Effect.flatMap(readBack, (outcome) => say(`failed ${number} ${error._tag} ${outcome}`)))
      )
    }
  })
  yield* Effect.all([writer, writer, writer, writer, writer], { concurrency: "unbounded", discard: true })
  yield* say(`state ${(yield* database.status).state}`)
})

await Effect.runPromise(
  Effect.scoped(program).pipe(Effect.catch((error) => say(`unusable ${(error as Error).message}`)))
)

/**
 * Writes numbered notes, several at a time, and says each number once it was acknowledged: `storeWriter.ts PATH
 * DURABILITY FIRST [COUNT]`. Without a count it goes on until it is killed. After a write that fails it reads back what
 * was acknowledged last, and says `failed NUMBER TAG READ`; at its end it says how the store is.
 */
import { Effect } from "effect"
import { writeSync } from "node:fs"
import { Database } from "../../src/storage/Database.ts"
import type { Durability } from "../../src/storage/sqlite.ts"
import { noteOf, steps } from "./notes.ts"

const [path, durability, first, count = "Infinity"] = process.argv.slice(2) as [string, Durability, string, string?]
const end = Number(first) + Number(count)
let next = Number(first)
let acknowledged = 0

const say = (line: string) => Effect.sync(() => void writeSync(1, `${line}\n`))

const writer = Effect.gen(function* () {
  const { read, write } = yield* Database
  const readBack = read((sql) => sql.get("SELECT body FROM notes WHERE id = ?", acknowledged)?.["body"]).pipe(
    Effect.map((body) => (acknowledged === 0 || body === noteOf(acknowledged)[1] ? "read" : "misread")),
    Effect.orElseSucceed(() => "unread")
  )
  while (next < end) {
    const id = next++
    yield* write((sql) => sql.run("INSERT INTO notes (id, body, attachment) VALUES (?, ?, ?)", ...noteOf(id))).pipe(
      Effect.tap(() => {
        acknowledged = id
        return say(String(id))
      }),
      Effect.catch((error) => Effect.flatMap(readBack, (outcome) => say(`failed ${id} ${error._tag} ${outcome}`)))
    )
  }
})

const program = Effect.gen(function* () {
  const { status } = yield* Database
  yield* say("open")
  yield* Effect.all([writer, writer, writer, writer, writer], { concurrency: "unbounded", discard: true })
  yield* say(`state ${(yield* status).state}`)
})

await Effect.runPromise(
  Effect.provide(program, Database.layerFile({ path, durability, steps })).pipe(
    Effect.catch((error) => say(`unusable ${error.message}`))
  )
)

import { Effect, Scope } from "effect"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Database } from "../../src/storage/Database.ts"
import { bundle as bundleFile } from "../support/bundle.ts"
import { noteOf, steps } from "./notes.ts"

/** A directory that is gone with the scope. */
export const temporaryDirectory = (below: string = tmpdir()): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => fs.mkdtempSync(join(below, "hob-store-"))),
    (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true, maxRetries: 20 }))
  )

/** A program of the tests, by its path from here, in one file: see test/support/bundle.ts. */
export const bundle = (entry: string, directory: string): Promise<string> =>
  bundleFile(join(import.meta.dirname, entry), directory)

/** The notes a store holds from this number on, checked one by one; and what it found damaged when it was opened. */
export const readNotes = (path: string, from = 0) =>
  Effect.gen(function* () {
    const { read, status } = yield* Database
    const rows = yield* read((sql) => sql.all("SELECT id, body, attachment FROM notes WHERE id >= ? ORDER BY id", from))
    const wrong = rows.filter(({ attachment, body, id }) => {
      const [, wantedBody, wantedAttachment] = noteOf(Number(id))
      const same =
        wantedAttachment === null ? attachment === null : wantedAttachment.length === (attachment as Uint8Array)?.length
      return body !== wantedBody || !same
    })
    const { damage } = yield* status
    const ids = rows.map(({ id }) => Number(id))
    // The index by itself: it holds the text and the number.
    const indexed = yield* read((sql) =>
      sql.all("SELECT id, body FROM notes INDEXED BY notes_by_body WHERE body > '' AND id >= ?", from)
    )
    const astray = indexed.filter(({ body, id }) => body !== noteOf(Number(id))[1])
    if (indexed.length !== ids.length) wrong.push({ rows: ids.length, indexed: indexed.length })
    return { ids, wrong: [...wrong, ...astray], damage }
  }).pipe(Effect.provide(Database.layerFile({ path, durability: "process-crash", steps })))

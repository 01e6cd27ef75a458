import { Effect, Scope } from "effect"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Migration } from "../../src/storage/migrations.ts"

/** A directory that is gone with the scope. */
export const temporaryDirectory: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(join(tmpdir(), "hob-store-"))),
  (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true }))
)

/** A store of tests: one table as concerns have them. */
export const steps: ReadonlyArray<Migration> = [
  {
    name: "notes",
    sql: `
      CREATE TABLE notes (
        id INTEGER PRIMARY KEY,
        body TEXT NOT NULL,
        attachment BLOB,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(id, body, attachment)) STORED
      ) STRICT;
    `
  }
]

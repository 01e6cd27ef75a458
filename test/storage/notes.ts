import type { Migration } from "../../src/storage/migrations.ts"

/** A schema for tests: one table as concerns have them, with an index. */
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
      CREATE INDEX notes_by_body ON notes (body);
    `
  }
]

/** What the note with this number holds: some are short, some fill pages. */
export const noteOf = (id: number): readonly [id: number, body: string, attachment: Uint8Array | null] => [
  id,
  `note ${id} ${"ä".repeat(id % 97)}`,
  id % 5 === 0 ? Buffer.alloc((id * 7919) % 6000, id & 0xff) : null
]

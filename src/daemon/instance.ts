import { Effect, Schema, type Scope } from "effect"
import { mkdirSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import type { Paths } from "../config/paths.ts"

export class LockBusy extends Schema.TaggedError<LockBusy>()("LockBusy", {}) {}

export const becomeTheOnly = (paths: Paths): Effect.Effect<void, LockBusy, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.suspend(() => {
      for (const path of [paths.home, paths.logs, paths.sessions]) {
        try {
          mkdirSync(path, { mode: 0o700 })
        } catch {}
      }
      const database = new DatabaseSync(paths.lock, { timeout: 0 })
      try {
        database.exec("PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
      } catch {
        database.close()
        return Effect.fail(new LockBusy())
      }
      return Effect.succeed(database)
    }),
    (database) => Effect.sync(() => database.close())
  )

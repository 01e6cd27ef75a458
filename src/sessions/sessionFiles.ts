import { Effect, Option, Schema } from "effect"
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import type { SessionId } from "../protocol/index.ts"
import { EnvironmentFile, ExitFile, SessionFile } from "../protocol/sessionHost.ts"
import type { Entry } from "./entry.ts"

const decodeSessionFile = Schema.decodeUnknownOption(Schema.fromJsonString(SessionFile))
const decodeExitFile = Schema.decodeUnknownOption(Schema.fromJsonString(ExitFile))

const decodeEnvironment = Schema.decodeUnknownOption(Schema.fromJsonString(EnvironmentFile))

const readText = (path: string): Effect.Effect<string | null> =>
  Effect.promise(() => readFile(path, "utf8").catch(() => null))

/** Reads one session's directory; null when its `session.json` is missing or damaged. */
export const readEntry = (sessionsDirectory: string, id: string): Effect.Effect<Entry | null> =>
  Effect.gen(function* () {
    const file = decodeSessionFile(yield* readText(join(sessionsDirectory, id, "session.json")))
    if (Option.isNone(file) || file.value.id !== id) return null
    const exit = decodeExitFile(yield* readText(join(sessionsDirectory, id, "exit.json")))
    return { file: file.value, host: null, exit: Option.getOrNull(exit), starting: false }
  })

/** The environment that was kept for a restart; null when it is not there or damaged. */
export const readEnvironment = (sessionsDirectory: string, id: string) =>
  Effect.map(readText(join(sessionsDirectory, id, "environment.json")), (text) =>
    Option.getOrNull(decodeEnvironment(text))
  )

/** Every session that has a directory. A damaged one is logged and left alone. */
export const readEntries = Effect.fn("sessions.readEntries")(function* (sessionsDirectory: string) {
  const names = yield* Effect.promise(() => readdir(sessionsDirectory).catch(() => []))
  const entries = new Map<SessionId, Entry>()
  yield* Effect.forEach(
    names,
    (name) =>
      Effect.gen(function* () {
        const entry = yield* readEntry(sessionsDirectory, name)
        if (entry !== null) entries.set(entry.file.id, entry)
        else yield* Effect.logWarning(`${join(sessionsDirectory, name)} has no readable session.json; left alone`)
      }),
    { concurrency: 32, discard: true }
  )
  return entries
})

import { Effect, Schema } from "effect"
import type { Paths } from "../config/paths.ts"
import { ListReply } from "../protocol/sessionHost.ts"
import { Catalogue } from "./Catalogue.ts"
import { HostLink } from "./HostLink.ts"
import { readEntry } from "./sessionFiles.ts"

const decode = Schema.decodeUnknownEffect(ListReply)

/**
 * After the host has been replaced: what it held before and its successor does not hold has ended meanwhile, or is lost.
 * Those that begin while this looks are none of its business.
 */
export const loseMissing = Effect.fn("Sessions.loseMissing")(function* (paths: Paths) {
  const { announce, entries, put } = yield* Catalogue
  const link = yield* HostLink
  const before = [...entries.values()].filter(({ exit, host, starting }) => host !== null && exit === null && !starting)
  const reply = yield* link.call({ op: "list" }).pipe(
    Effect.flatMap(decode),
    Effect.orElseSucceed(() => null)
  )
  if (reply === null) return
  const held = new Set(reply.sessions.map(({ id }) => id))
  for (const { file } of before) {
    const entry = entries.get(file.id)
    if (held.has(file.id) || entry === undefined || entry.host === null || entry.exit !== null) continue
    const onDisk = yield* readEntry(paths.sessions, file.id)
    if (onDisk?.exit) yield* announce("closed", put(onDisk))
    else {
      yield* announce("lost", put({ ...entry, host: null }))
      yield* Effect.logError(`session ${file.id} was lost when the session-host was replaced; its log is kept`)
    }
  }
})

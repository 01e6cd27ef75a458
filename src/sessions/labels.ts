import { Effect, Result, Schema } from "effect"
import {
  type Session,
  type SessionAmbiguous,
  SessionHostUnavailable,
  SessionNameTaken,
  SessionNotFound,
  TooManyTags
} from "../protocol/index.ts"
import { HostSession } from "../protocol/sessionHost.ts"
import { Catalogue } from "./Catalogue.ts"
import { answered, type Entry, isOpen, toSession } from "./entry.ts"
import { type HostCall, HostLink } from "./HostLink.ts"

type Lookup = SessionNotFound | SessionAmbiguous | SessionHostUnavailable
type Changes = Omit<Extract<HostCall, { op: "set" }>, "op" | "session">

const decodeHostSession = Schema.decodeUnknownEffect(HostSession)

const MOST_TAGS = 32

/** May this session have that name? Ended ones give theirs up. */
export const decideName = (
  entries: Iterable<Entry>,
  entry: Entry,
  name: string | null
): Result.Result<void, SessionNameTaken> => {
  if (name === null || !isOpen(entry)) return Result.void
  for (const other of entries) {
    if (other.file.id !== entry.file.id && isOpen(other) && other.file.name === name) {
      return Result.fail(new SessionNameTaken({ name, id: other.file.id }))
    }
  }
  return Result.void
}

/** The tags of a session that loses some and gets others: each once, in the order in which they came. */
export const decideTags = (
  entry: Entry,
  { add = [], remove = [] }: { readonly add?: ReadonlyArray<string>; readonly remove?: ReadonlyArray<string> }
): Result.Result<ReadonlyArray<string>, TooManyTags> => {
  const kept = entry.file.tags.filter((tag) => !remove.includes(tag))
  const tags = [...new Set([...kept, ...add])]
  return tags.length > MOST_TAGS
    ? Result.fail(new TooManyTags({ id: entry.file.id, count: tags.length }))
    : Result.succeed(tags)
}

const changed = (entry: Entry, changes: Changes): Entry => {
  const { restartsAt, ...rest } = entry
  const settled = changes.restartedAs !== undefined || changes.restartStopped !== undefined
  const file = { ...entry.file, ...changes }
  return settled || restartsAt === undefined ? { ...rest, file } : { ...rest, file, restartsAt }
}

/** What sessions are called and how they are grouped; the session-host writes it down. */
export const makeLabels = Effect.gen(function* () {
  const catalogue = yield* Catalogue
  const link = yield* HostLink
  const { entries, find, put } = catalogue

  /** Changes what `session.json` says. In force before it is written, so that two can't be given one name; undone when it can't be. */
  const change = Effect.fnUntraced(function* (entry: Entry, changes: Changes) {
    const { id } = entry.file
    const undo = (before: Entry["file"]) =>
      Effect.sync(() => {
        const now = entries.get(id)
        if (now !== undefined) put({ ...now, file: before })
      })
    put(changed(entry, changes))
    const reply = yield* link.call({ op: "set", session: id, ...changes }).pipe(
      Effect.catchTag("HostRefused", ({ refusal }) =>
        Effect.fail(
          refusal.code === "unknown-session"
            ? new SessionNotFound({ session: id })
            : new SessionHostUnavailable({ detail: `it could not write that down: ${refusal.message}` })
        )
      ),
      Effect.onError(() => undo(entry.file))
    )
    const host = yield* Effect.orDie(decodeHostSession(reply))
    const now = entries.get(id)
    if (now === undefined) return yield* new SessionNotFound({ session: id })
    if (isOpen(now)) return put(answered(changed(now, changes), host))
    // Of one that it doesn't hold the host announces nothing.
    const ended = put(changed(now, changes))
    yield* catalogue.announce("changed", ended)
    return ended
  })

  const rename = Effect.fn("Sessions.rename")(function* (
    ref: string,
    name: string | null
  ): Effect.fn.Return<Session, Lookup | SessionNameTaken> {
    const entry = yield* find(ref)
    yield* Effect.fromResult(decideName(entries.values(), entry, name))
    return toSession(yield* change(entry, { name }))
  })

  const tag = Effect.fn("Sessions.tag")(function* (
    ref: string,
    changes: { readonly add?: ReadonlyArray<string>; readonly remove?: ReadonlyArray<string> }
  ): Effect.fn.Return<Session, Lookup | TooManyTags> {
    const entry = yield* find(ref)
    return toSession(yield* change(entry, { tags: yield* Effect.fromResult(decideTags(entry, changes)) }))
  })

  return { change, rename, tag }
})

export type Labels = Effect.Success<typeof makeLabels>

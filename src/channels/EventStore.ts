import { Schema } from "effect"
import type { StorageError } from "../protocol/storage.ts"
import { type Database, problemOf } from "../storage/Database.ts"
import type { Event } from "./Event.ts"
import type { Kept } from "./Window.ts"

/** A channel as the store has it when the daemon starts. */
export interface StoredChannel {
  readonly channel: string
  /** Events up to this position were dropped. */
  readonly dropped: number
  readonly kept: ReadonlyArray<Kept & { readonly at: number }>
}

/** An event, and where the channel's one before it is, or what was dropped before it. */
export interface Linked {
  readonly event: Event
  readonly previous: number
}

/** The events of channels that are kept on disk. Callback-first: publishing needs no fiber. */
export interface EventStore {
  readonly load: (namespace: string) => ReadonlyArray<StoredChannel>
  /** All of them in one transaction; `answer` is called once they are there, or with why none is. */
  readonly append: (
    namespace: string,
    events: ReadonlyArray<Linked>,
    answer: (problem: StorageError | undefined) => void
  ) => void
  /** Up to `limit` events of a channel behind a position, in order. */
  readonly read: (namespace: string, channel: string, after: number, limit: number) => ReadonlyArray<Event>
  /** Forgets events up to a position. What can't be forgotten now is when the daemon starts. */
  readonly drop: (namespace: string, channel: string, through: number) => void
}

const EventRow = Schema.Struct({
  position: Schema.Int,
  channel: Schema.String,
  at_millis: Schema.Int,
  bytes: Schema.Int,
  message: Schema.String
})
const KeptRow = Schema.Struct({
  position: Schema.Int,
  channel: Schema.String,
  previous: Schema.Int,
  at_millis: Schema.Int,
  bytes: Schema.Int
})
const DroppedRow = Schema.Struct({ channel: Schema.String, position: Schema.Int })

const readEvents = Schema.decodeUnknownSync(Schema.Array(EventRow))
const readKept = Schema.decodeUnknownSync(Schema.Array(KeptRow))
const readDropped = Schema.decodeUnknownSync(Schema.Array(DroppedRow))

/** The clocks that ages are measured with. */
export interface Clocks {
  readonly wall: () => number
  readonly monotonic: () => number
}

export const make = (database: Database["Service"], clocks: Clocks): EventStore => {
  /** An event of an earlier daemon is as old as the wall clock says, which is all that is left of it. */
  const sinceOf = (atMillis: number) => clocks.monotonic() - Math.max(0, clocks.wall() - atMillis)

  const load = (namespace: string): ReadonlyArray<StoredChannel> => {
    const [kept, dropped] = database.readNow((sql) => [
      readKept(
        sql.all(
          "SELECT position, channel, previous, at_millis, bytes FROM channel_events WHERE namespace = ? ORDER BY position",
          namespace
        )
      ),
      readDropped(sql.all("SELECT channel, position FROM channel_drops WHERE namespace = ?", namespace))
    ])
    const channels = new Map(
      dropped.map(({ channel, position }) => [channel, { dropped: position, kept: [] as Array<Kept & { at: number }> }])
    )
    for (const { at_millis, bytes, channel, position, previous } of kept) {
      let found = channels.get(channel)
      if (found === undefined) channels.set(channel, (found = { dropped: previous, kept: [] }))
      // One was damaged and is gone: what was before it can't be had without a hole.
      if (previous > Math.max(found.dropped, found.kept.at(-1)?.position ?? 0)) {
        found.dropped = previous
        found.kept = []
      }
      found.kept.push({ position, bytes, since: sinceOf(at_millis), at: at_millis })
    }
    return [...channels].map(([channel, { dropped, kept }]) => ({ channel, dropped, kept }))
  }

  const append: EventStore["append"] = (namespace, events, answer) =>
    void database.submit(
      (sql) => {
        for (const { event, previous } of events) {
          const { at, bytes, channel, json, position } = event
          sql.run(
            "INSERT INTO channel_events (position, namespace, channel, previous, at_millis, bytes, message) VALUES (?, ?, ?, ?, ?, ?, ?)",
            position,
            namespace,
            channel,
            previous,
            at,
            bytes,
            json
          )
        }
      },
      (exit) => answer(exit._tag === "Success" ? undefined : problemOf(exit))
    )

  const read: EventStore["read"] = (namespace, channel, after, limit) =>
    database
      .readNow((sql) =>
        readEvents(
          sql.all(
            "SELECT position, channel, at_millis, bytes, message FROM channel_events WHERE namespace = ? AND channel = ? AND position > ? ORDER BY position LIMIT ?",
            namespace,
            channel,
            after,
            limit
          )
        )
      )
      .map(({ at_millis: at, bytes, message: json, position }) => ({
        position,
        channel,
        at,
        since: sinceOf(at),
        json,
        bytes
      }))

  const drop: EventStore["drop"] = (namespace, channel, through) =>
    void database.submit(
      (sql) => {
        sql.run(
          "DELETE FROM channel_events WHERE namespace = ? AND channel = ? AND position <= ?",
          namespace,
          channel,
          through
        )
        sql.run(
          "INSERT OR REPLACE INTO channel_drops (namespace, channel, position) VALUES (?, ?, ?)",
          namespace,
          channel,
          through
        )
      },
      () => {}
    )

  return { load, append, read, drop }
}

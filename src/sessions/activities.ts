import { Effect, Schema } from "effect"
import { ActivitiesReply } from "../protocol/screens.ts"
import type { HelloReply } from "../protocol/sessionHost.ts"
import { Catalogue } from "./Catalogue.ts"
import { HostLink } from "./HostLink.ts"

const decodeReply = Schema.decodeUnknownEffect(ActivitiesReply)

/**
 * What sessions were about before this daemon heard of it: the screens process only announces changes. What has changed
 * meanwhile is newer, and stays.
 */
export const learnActivities = Effect.fn("Sessions.learnActivities")(function* ({
  sessions
}: Pick<HelloReply, "sessions">) {
  if (!sessions.some(({ exit, kind }) => kind === "pty" && exit === null)) return
  const { announce, entries, put } = yield* Catalogue
  const link = yield* HostLink
  const reply = yield* link.call({ op: "screens", request: { op: "activities" } }).pipe(
    Effect.flatMap(decodeReply),
    Effect.catch((error) => Effect.as(Effect.logDebug(`what sessions are about is not known: ${error.message}`), null))
  )
  for (const { activity, session, title } of reply?.activities ?? []) {
    const known = entries.get(session)
    const entry = known !== undefined && title && known.title === undefined ? put({ ...known, title }) : known
    if (entry === undefined || (entry.activity !== undefined && entry.activity.since >= activity.since)) continue
    yield* announce("activity", put({ ...entry, activity }))
  }
})

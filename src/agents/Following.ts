import { Effect, Stream } from "effect"
import type { Announcer } from "../actors/Announcer.ts"
import { AGENTS_PREFIX, type AgentEvent } from "../protocol/agents.ts"
import { ChannelName } from "../protocol/channelNames.ts"
import type { Session } from "../protocol/index.ts"
import { logPieces } from "../sessions/hostStream.ts"
import type { Sessions } from "../sessions/Sessions.ts"
import { EventReader } from "./EventReader.ts"
import type { Reader } from "./formats/event.ts"
import type { AgentRow } from "./rows.ts"

const FIRST_PAUSE_MILLIS = 250
const LAST_PAUSE_MILLIS = 15_000
/** What is announced of a text, or of anything else that it says; the event itself has all of it. */
const ANNOUNCED_CHARACTERS = 16 * 1024

export interface FollowOptions {
  readonly sessions: Sessions["Service"]
  readonly row: () => AgentRow
  readonly read: Reader
  /** It has said this; all of what came together. */
  readonly heard: (events: ReadonlyArray<AgentEvent>, session: Session) => Effect.Effect<void>
}

/**
 * Reads what an agent says from where it was read up to, until its session has ended and all of it is read. What stands
 * in the way (a session-host that is away) is tried again: the session's log is the truth.
 */
export const followAgent = (options: FollowOptions): Effect.Effect<void> =>
  Effect.gen(function* () {
    let pause = FIRST_PAUSE_MILLIS
    for (;;) {
      const before = options.row().offset
      const done = yield* followOnce(options).pipe(
        Effect.catchTag("SessionNotFound", () => Effect.succeed(true)),
        Effect.catch((error) => Effect.as(Effect.logDebug(`an agent's output waits: ${error.message}`), false)),
        Effect.catchDefect((defect) => Effect.as(Effect.logError("an agent's output could not be read", defect), false))
      )
      if (done) return
      pause = options.row().offset > before ? FIRST_PAUSE_MILLIS : Math.min(pause * 2, LAST_PAUSE_MILLIS)
      yield* Effect.sleep(pause)
    }
  })

const followOnce = Effect.fnUntraced(function* ({ heard, read, row, sessions }: FollowOptions) {
  const { offset, session: id } = row()
  const reader = new EventReader({ read })
  const ticket = yield* sessions.attach(id, { mode: "records", follow: true, uncounted: true, since: offset })
  yield* Stream.runForEach(logPieces(ticket), (pieces) => {
    const events = pieces.flatMap((piece) => reader.push(piece))
    if (events.length === 0) return Effect.void
    // Its name and tags as they are now: it may have been renamed since.
    const session = Effect.orElseSucceed(sessions.show(id), () => ticket.session)
    return Effect.flatMap(session, (session) => heard(events, session))
  })
  // A log that is read to its end: an older session-host ends what it sends where the log ends for now.
  const { closedAt, state } = yield* sessions.show(id)
  return state === "lost" || (state === "exited" && closedAt !== null)
})

/** Says on a session's channel what its agent says. Pieces of answers are left to those who read the events. */
export const announceEvents = (
  announcer: Announcer["Service"],
  { id, name, tags }: Session,
  events: ReadonlyArray<AgentEvent>
): void => {
  const channel = ChannelName.make(`${AGENTS_PREFIX}${id}`)
  for (const event of events) {
    if (event.type === "delta") continue
    announcer.announce({ channel, message: { event: event.type, id, name, tags, ...shortened(event) } })
  }
}

/** Each field for itself: a text is cut, anything else that is too long is left out, and either is said. */
const shortened = ({ type: _type, ...event }: AgentEvent): object => {
  const short: Record<string, unknown> = {}
  let isCut = false
  for (const [name, value] of Object.entries(event)) {
    const length =
      typeof value === "string" ? value.length : typeof value === "object" ? JSON.stringify(value).length : 0
    const isLong = length > ANNOUNCED_CHARACTERS
    isCut ||= isLong
    short[name] = !isLong ? value : typeof value === "string" ? value.slice(0, ANNOUNCED_CHARACTERS) : null
  }
  return isCut ? { ...short, cut: true } : short
}

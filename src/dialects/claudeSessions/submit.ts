import { Effect, RcMap, Semaphore } from "effect"
import type { Session, SessionId } from "../../protocol/index.ts"
import { makeScreens } from "../../sessions/screens.ts"
import { Sessions } from "../../sessions/Sessions.ts"
import { typed } from "./translate.ts"

/** Where nobody sees when a program has read a text, Enter comes so much behind it: in one piece with it, it would be a new line of it. */
const PAUSE = "60 millis"
const ENTER = Buffer.from("\r")
const LINE_END = Buffer.from("\n")
/** Who sees it has to answer within this. */
const SEEN_WITHIN = "3 seconds"

/** What an editor takes for keys; a line end is none here. */
// oxlint-disable-next-line no-control-regex
const keys = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/

/** Programs that read lines: an answer to them ends with Enter, as a message does. */
const readers: ReadonlySet<string> = new Set(["shell", "viewer", "repl", "relay"])

/** Whether an agent asks its user something: it takes keys, and Enter would confirm what is chosen. */
const isAsking = ({ activity }: Session): boolean =>
  activity?.state === "waiting" && activity.agent !== null && !readers.has(activity.agent)

/**
 * Types texts and submits them, one after the other in each session. A message goes the way of `sessions.submit`: it is
 * there once the program is seen to have taken it. Otherwise it is typed as it stands: with Enter a little later where it
 * has control characters in it, or the screens process can't be had; without where it is a key for an agent that asks.
 */
export const makeSubmit = Effect.gen(function* () {
  const sessions = yield* Sessions
  const screens = yield* makeScreens
  const turns = yield* RcMap.make<SessionId, Semaphore.Semaphore, never, never>({ lookup: () => Semaphore.make(1) })

  const type = Effect.fnUntraced(function* ({ id, kind }: Session, text: string) {
    if (kind === "pipe") return void (yield* sessions.send(id, Buffer.concat([Buffer.from(text), LINE_END])))
    if (text !== "") {
      yield* sessions.send(id, Buffer.from(text))
      yield* Effect.sleep(PAUSE)
    }
    yield* sessions.send(id, ENTER)
  })

  /** Whether somebody sees the session's screen: asked before anything is typed, so that nothing is typed twice. */
  const isSeen = (id: SessionId) =>
    screens.screen(id).pipe(
      Effect.as(true),
      Effect.timeoutOrElse({ duration: SEEN_WITHIN, orElse: () => Effect.succeed(false) }),
      Effect.catchTag("SessionHostUnavailable", () => Effect.succeed(false))
    )

  return Effect.fn("claudeSessions.submit")(function* ({ id }: Session, text: string) {
    const turn = yield* RcMap.get(turns, id)
    return yield* turn.withPermits(1)(
      Effect.gen(function* () {
        const words = typed(text)
        const session = yield* sessions.show(id)
        const areKeys = keys.test(words)
        const isKey = areKeys || [...words].length === 1
        if (isKey && isAsking(session)) return void (yield* sessions.send(id, Buffer.from(words)))
        const isMessage = session.kind === "pty" && words !== "" && !areKeys && (yield* isSeen(id))
        yield* isMessage ? screens.submit(id, words) : type(session, words)
      })
    )
  }, Effect.scoped)
})

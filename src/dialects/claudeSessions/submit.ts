import { Effect } from "effect"
import type { Sessions } from "../../sessions/Sessions.ts"
import { typed } from "./translate.ts"

/** Time for a program to take the text before Enter comes: in one piece with it, Enter would be one more line of a paste. */
const PAUSE = "60 millis"
const ENTER = Buffer.from("\r")

/**
 * Types a text and then Enter, as a write of its own: a full-screen program takes a line feed for a new line of its
 * editor and nothing else.
 */
export const submit = Effect.fn("claudeSessions.submit")(function* (
  sessions: Sessions["Service"],
  id: string,
  text: string
) {
  const words = typed(text)
  if (words !== "") {
    yield* sessions.send(id, Buffer.from(words))
    yield* Effect.sleep(PAUSE)
  }
  yield* sessions.send(id, ENTER)
})

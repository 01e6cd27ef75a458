import { Duration, Effect, Option } from "effect"
import { SessionScreensRpcs } from "../protocol/index.ts"
import type { WaitMet } from "../protocol/screens.ts"
import { makeScreens } from "./screens.ts"
import { makeSearch } from "./search.ts"
import { Sessions } from "./Sessions.ts"

/** Answers the methods of `sessions.*` that are about screens. */
export const layer = SessionScreensRpcs.toLayer(
  Effect.gen(function* () {
    const sessions = yield* Sessions
    const screens = yield* makeScreens
    const search = yield* makeSearch
    return SessionScreensRpcs.of({
      "sessions.search": (query) => search(query),
      "sessions.screen": ({ session }) => screens.screen(session),
      "sessions.text": ({ from = 0, session }) => screens.text(session, from),
      "sessions.submit": ({ session, text, timeoutMillis }) => screens.submit(session, text, timeoutMillis),
      "sessions.explain": ({ session }) => screens.explain(session),
      "sessions.sign": ({ session, ...sign }) => screens.sign(session, sign),
      "sessions.wait": ({ for: wanted, session, timeoutMillis }) =>
        Effect.gen(function* () {
          const before = yield* sessions.show(session)
          const met =
            wanted === undefined
              ? Effect.as<WaitMet>({ met: "ended" })(sessions.wait(before.id))
              : screens.waitFor(before.id, wanted)
          const first = yield* timeoutMillis === undefined
            ? Effect.asSome(met)
            : Effect.timeoutOption(met, Duration.millis(timeoutMillis))
          return {
            session: yield* sessions.show(before.id),
            timedOut: Option.isNone(first),
            met: Option.getOrNull(first)
          }
        })
    })
  })
)

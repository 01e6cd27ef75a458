import { Effect, Schema } from "effect"
import { BadSearch, SessionHostUnavailable } from "../protocol/index.ts"
import { ScreensError, type SearchQuery, SearchReply } from "../protocol/screens.ts"
import { Catalogue } from "./Catalogue.ts"
import { askScreens } from "./askScreens.ts"
import { HostLink } from "./HostLink.ts"

const decodeReply = Schema.decodeUnknownEffect(SearchReply)
const isScreensError = Schema.is(ScreensError)

/** All history there is may have to be read. */
const ALLOWED = "5 minutes"

/** Answers `sessions.search`: says where to look, and has the screens process look. */
export const makeSearch = Effect.gen(function* () {
  const { entries, find, hostKnown } = yield* Catalogue
  const link = yield* HostLink

  const newestFirst = () =>
    Array.from(entries.values())
      .filter(({ file }) => file.kind === "pty")
      .sort((a, b) => (a.file.createdAt < b.file.createdAt ? 1 : -1))
      .map(({ file }) => file.id)

  return Effect.fn("Sessions.search")(function* ({
    sessions,
    ...query
  }: SearchQuery & { readonly sessions?: ReadonlyArray<string> }) {
    yield* hostKnown
    const ids =
      sessions === undefined
        ? newestFirst()
        : yield* Effect.forEach(sessions, (ref) => Effect.map(find(ref), ({ file }) => file.id))
    const first = query.after === undefined ? 0 : ids.indexOf(query.after.session)
    if (first < 0) {
      const detail = "the session whose line it is to go on after is gone; search again from the beginning"
      return yield* new BadSearch({ text: query.text, detail })
    }
    const rest = ids.slice(first)
    const reply = yield* askScreens(link, { op: "search", sessions: rest, query }, ALLOWED).pipe(
      Effect.catchTag("HostRefused", ({ refusal }): Effect.Effect<never, BadSearch | SessionHostUnavailable> => {
        const { screens } = refusal
        const isBad = isScreensError(screens) && screens.code === "bad-request"
        return Effect.fail(
          isBad
            ? new BadSearch({ text: query.text, detail: screens.message })
            : new SessionHostUnavailable({ detail: refusal.message })
        )
      })
    )
    return yield* Effect.orDie(decodeReply(reply))
  })
})

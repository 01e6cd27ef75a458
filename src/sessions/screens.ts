import { Effect, Schedule, Schema } from "effect"
import {
  BadMatch,
  NoTerminal,
  NotSubmitted,
  type SessionAmbiguous,
  SessionEnded,
  SessionHostUnavailable,
  type SessionNotFound
} from "../protocol/index.ts"
import {
  Explanation,
  Screen,
  ScreensError,
  type ScreensRequest,
  Submitted,
  TextReply,
  type WaitFor,
  WaitMet
} from "../protocol/screens.ts"
import { Catalogue } from "./Catalogue.ts"
import { type Entry, isOpen, stateOf } from "./entry.ts"
import { askScreens } from "./askScreens.ts"
import { HostLink } from "./HostLink.ts"
import { Sessions } from "./Sessions.ts"

/** The screens process answered, and the answer is no. */
class ScreensRefused extends Schema.TaggedError<ScreensRefused>()("ScreensRefused", { error: ScreensError }) {}

type Lookup = SessionNotFound | SessionAmbiguous | SessionHostUnavailable

const isScreensError = Schema.is(ScreensError)

const SUBMIT_MILLIS = 30_000

/** What a session that has ended printed last may have to be read first, all of it. */
const READ_MILLIS = 120_000
const allowed = (entry: Entry) => (isOpen(entry) ? "a while" : READ_MILLIS)

/** The screens process is started again by the host, and reads what it needs from the log. */
const againSoon = Schedule.spaced("250 millis")

/** After the end of a session the screens process has still to read what it printed last; it has the first word for so long. */
const READING = "10 seconds"

/** What is on the screens of sessions: asked of the screens process, by way of the session-host. */
export const makeScreens = Effect.gen(function* () {
  const { entries, find } = yield* Catalogue
  const link = yield* HostLink
  const { wait } = yield* Sessions

  const ask = <A>(schema: Schema.Codec<A, unknown>, request: ScreensRequest, allow: "a while" | "for ever" | number) =>
    askScreens(link, request, allow === "a while" ? 0 : allow === "for ever" ? "1000 days" : allow).pipe(
      Effect.catchTag("HostRefused", ({ refusal }): Effect.Effect<never, ScreensRefused | SessionHostUnavailable> =>
        Effect.fail(
          isScreensError(refusal.screens)
            ? new ScreensRefused({ error: refusal.screens })
            : new SessionHostUnavailable({ detail: refusal.message })
        )
      ),
      Effect.flatMap((reply) => Effect.orDie(Schema.decodeUnknownEffect(schema)(reply)))
    )

  /** Refusals that have no error of their own in a method. */
  const otherwise = ({ error }: ScreensRefused) => Effect.fail(new SessionHostUnavailable({ detail: error.message }))

  const onTerminal = Effect.fnUntraced(function* (ref: string) {
    const entry = yield* find(ref)
    if (entry.file.kind !== "pty") return yield* new NoTerminal({ id: entry.file.id })
    return entry
  })

  const ended = (entry: Entry) => new SessionEnded({ id: entry.file.id, state: stateOf(entry) })

  const running = Effect.fnUntraced(function* (ref: string) {
    const entry = yield* onTerminal(ref)
    if (!isOpen(entry)) return yield* ended(entry)
    return entry
  })

  const screen = Effect.fn("Sessions.screen")(function* (ref: string) {
    const entry = yield* onTerminal(ref)
    return yield* ask(Screen, { op: "screen", session: entry.file.id }, allowed(entry)).pipe(
      Effect.catchTag("ScreensRefused", otherwise)
    )
  })

  const text = Effect.fn("Sessions.text")(function* (ref: string, from: number) {
    const entry = yield* onTerminal(ref)
    return yield* ask(TextReply, { op: "text", session: entry.file.id, from }, allowed(entry)).pipe(
      Effect.catchTag("ScreensRefused", otherwise)
    )
  })

  const submit = Effect.fn("Sessions.submit")(function* (ref: string, message: string, timeoutMillis = SUBMIT_MILLIS) {
    const entry = yield* running(ref)
    const { id } = entry.file
    const data = Buffer.from(message).toString("base64")
    return yield* ask(Submitted, { op: "submit", session: id, data, timeoutMillis }, timeoutMillis).pipe(
      Effect.catchTag(
        "ScreensRefused",
        (refused): Effect.Effect<never, NotSubmitted | SessionEnded | SessionHostUnavailable> => {
          const { code, message: detail } = refused.error
          if (code === "ended") return Effect.fail(ended(entries.get(id) ?? entry))
          if (code === "not-taken" || code === "input-queue-full") return Effect.fail(new NotSubmitted({ id, detail }))
          return otherwise(refused)
        }
      )
    )
  })

  const explain = Effect.fn("Sessions.explain")(function* (ref: string) {
    const { file } = yield* running(ref)
    return yield* ask(Explanation, { op: "explain", session: file.id }, "a while").pipe(
      Effect.catchTag("ScreensRefused", otherwise)
    )
  })

  const sign = Effect.fn("Sessions.sign")(function* (
    ref: string,
    given: { readonly agent: string; readonly event: string; readonly detail?: string }
  ) {
    const { file } = yield* running(ref)
    return yield* ask(Schema.Struct({}), { op: "sign", session: file.id, ...given }, "a while").pipe(
      Effect.catchTag("ScreensRefused", otherwise)
    )
  })

  /** Waits until what is wanted is so, or the session has ended; also across the death of the screens process. */
  const waitFor = Effect.fn("Sessions.waitFor")(function* (
    ref: string,
    wanted: WaitFor
  ): Effect.fn.Return<WaitMet, Lookup | NoTerminal | BadMatch> {
    const { file } = yield* onTerminal(ref)
    const answer = ask(WaitMet, { op: "wait", session: file.id, for: wanted }, "for ever").pipe(
      Effect.retry({ schedule: againSoon, while: (error) => error._tag === "SessionHostUnavailable" }),
      Effect.catchTag("ScreensRefused", (refused): Effect.Effect<never, BadMatch | SessionHostUnavailable> =>
        refused.error.code === "bad-request"
          ? Effect.fail(new BadMatch({ match: wanted.match ?? "", detail: refused.error.message }))
          : otherwise(refused)
      )
    )
    const end = wait(file.id).pipe(Effect.andThen(Effect.sleep(READING)), Effect.as<WaitMet>({ met: "ended" }))
    return yield* Effect.raceFirst(answer, end)
  })

  return { screen, text, submit, explain, sign, waitFor }
})

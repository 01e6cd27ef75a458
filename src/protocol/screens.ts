/**
 * What is asked of the screens process: it follows the output of every session under a terminal, keeps an emulator of
 * each, and so knows what is on the screen, what it was about before, and what the program is doing.
 *
 * It has no socket of its own. It connects to the session-host, says `screens` as its first frame, and from then on
 * both send `control` frames on that connection: what a daemon asks of it is forwarded by the host as it is, and what
 * it announces goes to every daemon connected.
 */
import { Schema } from "effect"
import { Activity, ActivityReason, ActivityState } from "./activity.ts"
import { Cells, Millis, Offset, SessionId, Timestamp } from "./ids.ts"

export const SCREENS_PROTOCOL_VERSION = 1

/** First frame of the screens process. `token` was given to it by the host that started it, in `HOB_SCREENS_TOKEN`. */
export const ScreensHello = Schema.Struct({
  token: Schema.String,
  protocol: Schema.Int,
  pid: Schema.Int,
  /** Which hob it is; null as the build: it runs from source. */
  version: Schema.optionalKey(Schema.String),
  build: Schema.optionalKey(Schema.NullOr(Schema.String))
})
export type ScreensHello = typeof ScreensHello.Type

/** How one run of cells looks; what is absent is the terminal's default. Colours: 0 to 255 of the palette, or `#rrggbb`. */
export const ScreenStyle = Schema.Struct({
  fg: Schema.optionalKey(Schema.Union([Schema.Int, Schema.String])),
  bg: Schema.optionalKey(Schema.Union([Schema.Int, Schema.String])),
  bold: Schema.optionalKey(Schema.Boolean),
  dim: Schema.optionalKey(Schema.Boolean),
  italic: Schema.optionalKey(Schema.Boolean),
  underline: Schema.optionalKey(Schema.Literals(["single", "double", "curly", "dotted", "dashed"])),
  underlineColor: Schema.optionalKey(Schema.Union([Schema.Int, Schema.String])),
  blink: Schema.optionalKey(Schema.Boolean),
  inverse: Schema.optionalKey(Schema.Boolean),
  invisible: Schema.optionalKey(Schema.Boolean),
  strikethrough: Schema.optionalKey(Schema.Boolean),
  overline: Schema.optionalKey(Schema.Boolean),
  link: Schema.optionalKey(Schema.String)
})
export type ScreenStyle = typeof ScreenStyle.Type

/** One row of a screen: its text, without blanks at the end, and the runs of it that are not plain. */
export const ScreenRow = Schema.Struct({
  text: Schema.String,
  /** Whether the line goes on in the next row. */
  wrapped: Schema.Boolean,
  /** `column` and `cells` count cells: a wide character takes two. */
  runs: Schema.Array(Schema.Struct({ column: Schema.Int, cells: Schema.Int, style: ScreenStyle }))
})
export type ScreenRow = typeof ScreenRow.Type

/** A session's screen as a terminal would show it. */
export const Screen = Schema.Struct({
  /** Output up to here is on it. */
  offset: Offset,
  cols: Cells,
  rows: Cells,
  /** From top to bottom, as many as `rows`. */
  lines: Schema.Array(ScreenRow),
  /** `column` and `row` count from 0; `column` is `cols` when the next character wraps. */
  cursor: Schema.Struct({
    column: Schema.Int,
    row: Schema.Int,
    visible: Schema.Boolean,
    shape: Schema.Literals(["block", "underline", "bar"]),
    blink: Schema.Boolean
  }),
  title: Schema.NullOr(Schema.String),
  /** Whether the alternate screen is shown. */
  alternate: Schema.Boolean,
  /** Every mode by name, such as `bracketedPaste`: true. */
  modes: Schema.Record(Schema.String, Schema.Union([Schema.Boolean, Schema.Int, Schema.String])),
  /** Lines above the screen, one that is wrapped counted once: `kept` in the emulator, `total` in all since the session began. */
  history: Schema.Struct({ kept: Schema.Int, total: Schema.Int })
})
export type Screen = typeof Screen.Type

/** What `sessions.wait` can wait for beside the end. Whichever comes first. */
export const WaitFor = Schema.Struct({
  /** A regular expression (JavaScript's, flags `u` and `m`) that a rendered line has to match: one on the screen now, or one that comes. */
  match: Schema.optionalKey(Schema.String.check(Schema.isBetweenLength(1, 1024))),
  /** Only lines that were not there when the wait began count for `match`. */
  onlyNew: Schema.optionalKey(Schema.Boolean),
  /** No output for this long. */
  idleMillis: Schema.optionalKey(Millis),
  /** Its activity is one of these. What it was when somebody typed into it counts only if it stays so: work follows. */
  activity: Schema.optionalKey(Schema.NonEmptyArray(ActivityState))
})
export type WaitFor = typeof WaitFor.Type

/** What a wait ended with. */
export const WaitMet = Schema.Struct({
  met: Schema.Literals(["match", "idle", "activity", "ended"]),
  /** With `match`: the line, and what of it matched (the whole match first, then the groups). */
  line: Schema.optionalKey(Schema.String),
  groups: Schema.optionalKey(Schema.Array(Schema.NullOr(Schema.String))),
  /** With `activity`: what it is about. */
  activity: Schema.optionalKey(Activity)
})
export type WaitMet = typeof WaitMet.Type

/** Answer to `submit`. */
export const Submitted = Schema.Struct({
  /** What showed that the program took it: its screen or activity changed after Enter. */
  proof: Schema.Literals(["screen", "activity"]),
  /** How it was typed: as one bracketed paste, or plain. */
  typedAs: Schema.Literals(["paste", "text"]),
  /** How often Enter was typed; more than once when a first one was swallowed. */
  enters: Schema.Int,
  bytes: Schema.Int
})
export type Submitted = typeof Submitted.Type

/** Answer to `text`: rendered lines, wrapped rows joined, from line `from` (counted from 0 since the session began). */
export const TextReply = Schema.Struct({
  from: Schema.Int,
  lines: Schema.Array(Schema.String),
  /** The line after the last one given. */
  next: Schema.Int,
  /** The first line that is still kept, and the line after the last one of the screen. */
  oldest: Schema.Int,
  end: Schema.Int
})
export type TextReply = typeof TextReply.Type

/** Answer to `explain`. */
export const Explanation = Schema.Struct({
  activity: Activity,
  reasons: Schema.Array(ActivityReason),
  /** The non-empty rows of the screen that were looked at, from top to bottom. */
  lines: Schema.Array(Schema.String),
  /** What the program and its hooks said of themselves, newest first. */
  signs: Schema.Array(Schema.Struct({ at: Timestamp, sign: Schema.String, detail: Schema.String }))
})
export type Explanation = typeof Explanation.Type

/** A line of a session's history, or of its screen, that was looked for. */
export const SearchMatch = Schema.Struct({
  session: SessionId,
  /** Counted from 0 since the session began; wrapped rows are one line. */
  line: Schema.Int,
  text: Schema.String,
  /** Where the match is in `text`, in UTF-16 units. */
  from: Schema.Int,
  to: Schema.Int,
  /** About when the line was last on the screen; null for a line that still is, or when it is not known. */
  at: Schema.NullOr(Timestamp)
})
export type SearchMatch = typeof SearchMatch.Type

/** A line of a session's history, by its number. */
const SearchPlace = Schema.Struct({ session: SessionId, line: Schema.Int })

/** Answer to `search`: of each session in the order asked for, oldest line first. */
export const SearchReply = Schema.Struct({
  matches: Schema.Array(SearchMatch),
  /** All matches as the query wanted them, `as` text; there are none in `matches` then. */
  text: Schema.optionalKey(Schema.String),
  /** The last match in `text`; not there when there is none. */
  last: Schema.optionalKey(SearchPlace),
  /** There are more than `limit`, or than fit in an answer: they are had by asking again, `after` the last one. */
  truncated: Schema.Boolean
})
export type SearchReply = typeof SearchReply.Type

/** What `search` looks for. */
export const SearchQuery = Schema.Struct({
  text: Schema.String.check(Schema.isBetweenLength(1, 1024)),
  ignoreCase: Schema.optionalKey(Schema.Boolean),
  /** `text` is a regular expression (JavaScript's, flag `u`), matched within a line. */
  regex: Schema.optionalKey(Schema.Boolean),
  limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 }))),
  /** Only what comes behind this line of this session, in the order of the answer. */
  after: Schema.optionalKey(SearchPlace),
  /**
   * `text`: matches come as one string, which takes much less time where they are many. A line each: session, line, from,
   * to and text of a {@link SearchMatch}, with tabs between. A daemon that does not know it answers with `matches`.
   */
  as: Schema.optionalKey(Schema.Literal("text"))
})
export type SearchQuery = typeof SearchQuery.Type

/** What a daemon asks. `session` is one under a terminal, running or ended. */
export const ScreensRequest = Schema.Union([
  /** Answer: {@link Screen}. */
  Schema.Struct({ op: Schema.Literal("screen"), session: SessionId }),
  /** Answer: {@link TextReply}, at most 1 MiB. `from` negative: so many lines before the end. */
  Schema.Struct({ op: Schema.Literal("text"), session: SessionId, from: Schema.Int }),
  /** Answer: {@link WaitMet}, whenever that is. */
  Schema.Struct({ op: Schema.Literal("wait"), session: SessionId, for: WaitFor }),
  /** Types base64 `data` as one message and has it taken. Answer: {@link Submitted}; error `not-taken`. */
  Schema.Struct({
    op: Schema.Literal("submit"),
    session: SessionId,
    data: Schema.String,
    /** How long the program has to show that it took it. */
    timeoutMillis: Millis
  }),
  /** Answer: {@link Explanation}. */
  Schema.Struct({ op: Schema.Literal("explain"), session: SessionId }),
  /** Every running session's activity. Answer: {@link ActivitiesReply}. */
  Schema.Struct({ op: Schema.Literal("activities") }),
  /** Looks through the history and the screen of each session. Answer: {@link SearchReply}. */
  Schema.Struct({ op: Schema.Literal("search"), sessions: Schema.Array(SessionId), query: SearchQuery }),
  /** An agent's own hook told what it is about. Answer: {}. */
  Schema.Struct({
    op: Schema.Literal("sign"),
    session: SessionId,
    agent: Schema.String,
    event: Schema.String,
    detail: Schema.optionalKey(Schema.String)
  })
])
export type ScreensRequest = typeof ScreensRequest.Type

export const ActivitiesReply = Schema.Struct({
  activities: Schema.Array(
    Schema.Struct({ session: SessionId, activity: Activity, title: Schema.optionalKey(Schema.NullOr(Schema.String)) })
  )
})

/** Why the screens process refused. */
export const ScreensError = Schema.Struct({
  code: Schema.Literals([
    "bad-request",
    "unknown-session",
    "no-terminal",
    "ended",
    "not-taken",
    "input-queue-full",
    "internal"
  ]),
  message: Schema.String
})
export type ScreensError = typeof ScreensError.Type

/** Screens process → host → daemons. */
export const ScreensEvent = Schema.Struct({
  type: Schema.Literals(["activity", "title"]),
  session: SessionId,
  activity: Schema.optionalKey(Activity),
  /** Empty when there is none any more. */
  title: Schema.optionalKey(Schema.String)
})
export type ScreensEvent = typeof ScreensEvent.Type

/** Host → screens process, in a `control` frame: a daemon's question, or that it is not interested any more. `id` is the host's own. */
export const ScreensAsk = Schema.Union([
  Schema.Struct({ ask: Schema.Int, request: Schema.Unknown }),
  Schema.Struct({ cancel: Schema.Int }),
  /** For an attaching client. Answered by a `snapshot` frame with this id. */
  Schema.Struct({
    snapshot: Schema.Int,
    session: SessionId,
    /** Lines of history before the screen. */
    historyLines: Schema.Int,
    /** The offset at which the session's output ended when it was asked. */
    head: Schema.optionalKey(Schema.Int)
  })
])
export type ScreensAsk = typeof ScreensAsk.Type

/** Screens process → host, in a `control` frame, beside `HostRequest`s. */
export const ScreensAnswer = Schema.Union([
  Schema.Struct({
    answer: Schema.Int,
    result: Schema.optionalKey(Schema.Unknown),
    error: Schema.optionalKey(ScreensError)
  }),
  Schema.Struct({ announce: ScreensEvent })
])
export type ScreensAnswer = typeof ScreensAnswer.Type

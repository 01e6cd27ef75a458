/**
 * Methods about what is on a session's screen, and was: answered by the screens process, through the session-host.
 */
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { Endless } from "./endless.ts"
import { added, Millis, SessionId, SessionRef } from "./ids.ts"
import { Explanation, Screen, SearchQuery, SearchReply, Submitted, TextReply, WaitFor, WaitMet } from "./screens.ts"
import { Lookup, Session, SessionEnded } from "./sessions.ts"

/** Only a session under a terminal has a screen; this one is on pipes. */
export class NoTerminal extends Schema.TaggedError<NoTerminal>()("NoTerminal", { id: SessionId }) {
  override get message() {
    return `Session ${this.id} is on pipes, not under a terminal: it has no screen. \`hob output\` has what it printed.`
  }
}

/** What a wait is to wait for can't be looked for: it is no regular expression, or one that takes too long. */
export class BadMatch extends Schema.TaggedError<BadMatch>()("BadMatch", {
  match: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `"${this.match}" can't be waited for: ${this.detail}`
  }
}

/**
 * Waits until a session has ended and its output is complete, or with `for` until something is so before that:
 * whichever comes first is in `met`. `timedOut` is true, and `met` null, when `timeoutMillis` passed first.
 */
export const Wait = Rpc.make("sessions.wait", {
  payload: { session: SessionRef, timeoutMillis: Schema.optionalKey(Millis), for: Schema.optionalKey(WaitFor) },
  success: Schema.Struct({
    session: Session,
    timedOut: Schema.Boolean,
    met: added(Schema.NullOr(WaitMet), null)
  }),
  error: Schema.Union([Lookup, NoTerminal, BadMatch])
}).annotate(Endless, true)

/** The screen of a session under a terminal as it is now, or as it was at the end. */
export const ScreenOf = Rpc.make("sessions.screen", {
  payload: { session: SessionRef },
  success: Screen,
  error: Schema.Union([Lookup, NoTerminal])
})

/** Rendered lines of a session under a terminal, wrapped rows joined, a piece at a time; `from` negative: so many before the end. */
export const Text = Rpc.make("sessions.text", {
  payload: { session: SessionRef, from: Schema.optionalKey(Schema.Int) },
  success: TextReply,
  error: Schema.Union([Lookup, NoTerminal])
})

/** The program did not take the message: what of it was typed is still in its editor. */
export class NotSubmitted extends Schema.TaggedError<NotSubmitted>()("NotSubmitted", {
  id: SessionId,
  detail: Schema.String
}) {
  override get message() {
    return `Session ${this.id}: ${this.detail}`
  }
}

/**
 * Delivers a message to a full-screen program: typed as one, then Enter, and answered once the program is seen to have
 * taken it, within `timeoutMillis` (default 30 s). Control characters but tab and new line are left out.
 * Messages to one session go one after the other, whoever sends them.
 */
export const Submit = Rpc.make("sessions.submit", {
  payload: {
    session: SessionRef,
    text: Schema.String.check(Schema.isBetweenLength(1, 256 * 1024)),
    timeoutMillis: Schema.optionalKey(Millis)
  },
  success: Submitted,
  error: Schema.Union([Lookup, NoTerminal, SessionEnded, NotSubmitted])
})

/** Why a session's activity is what it is. */
export const Explain = Rpc.make("sessions.explain", {
  payload: { session: SessionRef },
  success: Explanation,
  error: Schema.Union([Lookup, NoTerminal, SessionEnded])
})

/** An agent tells what it is about by a hook of its own: a sign that goes before what its screen says. */
export const Sign = Rpc.make("sessions.sign", {
  payload: {
    session: SessionRef,
    /** Such as `claude`. */
    agent: Schema.String.check(Schema.isBetweenLength(1, 64)),
    /** In the agent's own words, such as `Stop` or `Notification`. */
    event: Schema.String.check(Schema.isBetweenLength(1, 64)),
    detail: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(1024)))
  },
  success: Schema.Struct({}),
  error: Schema.Union([Lookup, NoTerminal, SessionEnded])
})

/** What is looked for can't be looked for: it is no regular expression, or one that takes too long. */
export class BadSearch extends Schema.TaggedError<BadSearch>()("BadSearch", {
  text: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `"${this.text}" can't be searched for: ${this.detail}`
  }
}

/**
 * Looks for a text, or a regular expression, in what sessions under a terminal have shown: their history, and their
 * screens as they are now. Without `sessions`, in all that are kept, ended ones too, newest first.
 */
export const Search = Rpc.make("sessions.search", {
  payload: { ...SearchQuery.fields, sessions: Schema.optionalKey(Schema.Array(SessionRef)) },
  success: SearchReply,
  error: Schema.Union([Lookup, BadSearch])
})

export const SessionScreensRpcs = RpcGroup.make(Wait, ScreenOf, Text, Submit, Explain, Sign, Search)

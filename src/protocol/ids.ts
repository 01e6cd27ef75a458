import { Effect, Schema } from "effect"

/** A session's identity: a UUID v4 in lower case, given by hob when the session is accepted and never used again. */
export const SessionId = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u, {
    expected: "a UUID v4"
  })
).pipe(Schema.brand("SessionId"))
export type SessionId = typeof SessionId.Type

/**
 * How a person names a session: the whole id, a unique prefix of it, or the session's name.
 * Resolved by the daemon; several matches are an error that lists them.
 */
export const SessionRef = Schema.String.check(
  Schema.isBetweenLength(1, 128, { expected: "1 to 128 characters: an id, the beginning of one, or a name" })
)
export type SessionRef = typeof SessionRef.Type

/** The beginning of an id must have this many characters: shorter ones collide too easily to be typed into scripts. */
export const MIN_ID_PREFIX = 2

/** A name a person gives to a session: 1 to 64 of letters, digits, `.`, `_`, `-`, beginning with a letter or digit. */
export const SessionName = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/u, {
    expected: "1 to 64 of letters, digits, '.', '_', '-', beginning with a letter or digit"
  })
)
export type SessionName = typeof SessionName.Type

/** A label for listings and groups: 1 to 64 of any characters but control characters, spaces and commas, not beginning with `-` or `+`. */
export const Tag = Schema.String.check(
  Schema.isPattern(/^(?![-+])[^\s,\p{Cc}]{1,64}$/u, {
    expected: "1 to 64 characters without spaces and commas, not beginning with '-' or '+'"
  })
)
export type Tag = typeof Tag.Type

/** Up to 32 tags, in the order in which they were given. */
export const Tags = Schema.Array(Tag).check(Schema.isMaxLength(32))
export type Tags = typeof Tags.Type

/** A count of bytes in a session's output since it began. Never decreases, survives log rotation. */
export const Offset = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
export type Offset = typeof Offset.Type

/** An instant as ISO 8601 in UTC with milliseconds, for people and scripts; never used to order anything. */
export const Timestamp = Schema.String.annotate({ description: "an instant: ISO 8601, UTC, milliseconds" })
export type Timestamp = typeof Timestamp.Type

/** A duration on the wire: whole milliseconds. The field's name ends in `Millis`. */
export const Millis = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 366 * 24 * 3600 * 1000 }))
export type Millis = typeof Millis.Type

/** Terminal columns or rows. Absurd sizes are refused, not clamped: a program would misdraw and nobody would know why. */
export const Cells = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4096 }))
export type Cells = typeof Cells.Type

/** A field that was added after others had begun to speak this protocol: where it is missing it has this value. */
export const added = <S extends Schema.Top>(schema: S, value: S["Encoded"]) =>
  schema.pipe(Schema.withDecodingDefaultKey(Effect.succeed(value)))

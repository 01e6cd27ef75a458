import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { SessionName, SessionRef, Tags } from "./ids.ts"
import { Lookup, Session, SessionNameTaken, TooManyTags } from "./sessions.ts"

/**
 * Gives a session another name, or with null none. A name is taken as long as a session that has not ended has it; an
 * ended session may be renamed too.
 */
export const Rename = Rpc.make("sessions.rename", {
  payload: { session: SessionRef, name: Schema.NullOr(SessionName) },
  success: Session,
  error: Schema.Union([Lookup, SessionNameTaken])
})

/** Takes the tags `remove` off a session and puts those of `add` on it. A tag that is both is put on. */
export const Tag = Rpc.make("sessions.tag", {
  payload: { session: SessionRef, add: Schema.optionalKey(Tags), remove: Schema.optionalKey(Tags) },
  success: Session,
  error: Schema.Union([Lookup, TooManyTags])
})

export const TagsRpcs = RpcGroup.make(Rename, Tag)

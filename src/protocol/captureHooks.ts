/** What agents' hooks and git's tell of captures. */
import { Schema } from "effect"
import { Rpc } from "effect/rpc"
import { AbsolutePath, CaptureId, TooManyCaptures } from "./captureEntries.ts"
import { CommitSha, MoveCaptureSaves } from "./captureSaves.ts"
import { SessionId, Timestamp } from "./ids.ts"
import { StorageError } from "./storage.ts"

/** The agents whose hooks are understood. */
export const CaptureAgent = Schema.Literals(["claude", "codex", "gemini", "cursor"])
export type CaptureAgent = typeof CaptureAgent.Type

/** What one call of an agent's hook says: also what stands in the spool while no daemon answers. */
export const HookCall = Schema.Struct({
  agent: CaptureAgent,
  /** Of this call: told twice, it counts once. */
  id: Schema.String.check(Schema.isPattern(/^[0-9a-f]{16,64}$/u, { expected: "16 to 64 hexadecimal digits" })),
  /** What the agent gave to its hook, as it is. */
  event: Schema.Record(Schema.String, Schema.Unknown),
  /** When it was, if not now. */
  at: Schema.optionalKey(Timestamp),
  /** The terminal session of hob in which the agent runs. */
  session: Schema.optionalKey(SessionId)
})
export type HookCall = typeof HookCall.Type

/** An agent's hook was called: `hob capture hook` tells it. Events that captures have no use for are taken and forgotten. */
export const TellHook = Rpc.make("capture.hook", {
  payload: HookCall.fields,
  success: Schema.Struct({
    /** Null where it was of no use. */
    capture: Schema.NullOr(CaptureId),
    /** How many messages and changes it brought, those that were there already among them. */
    entries: Schema.Int
  }),
  error: Schema.Union([TooManyCaptures, StorageError])
})

/** What a hook leaves in the spool when no daemon answers: a call of an agent's, a commit, or commits that became others. */
export const SpoolRecord = Schema.Union([
  Schema.Struct({ type: Schema.Literal("hook"), ...HookCall.fields }),
  Schema.Struct({ type: Schema.Literal("commit"), repository: AbsolutePath, commit: CommitSha }),
  Schema.Struct({
    type: Schema.Literal("rewrite"),
    repository: AbsolutePath,
    commits: MoveCaptureSaves.payloadSchema.fields.commits
  })
])
export type SpoolRecord = typeof SpoolRecord.Type

import { Schema } from "effect"
import { Timestamp } from "./ids.ts"

/** The disk is full. Nothing of this request was changed; it works again once there is space. */
export class StorageFull extends Schema.TaggedError<StorageFull>()("StorageFull", { path: Schema.String }) {
  override get message() {
    return `The disk that holds ${this.path} is full. Nothing was changed; try again when there is space.`
  }
}

/**
 * The store can't be written, or a part of it can't be read. A write that meets this was not acknowledged; whether it
 * took effect is known after the next start.
 */
export class StorageFailed extends Schema.TaggedError<StorageFailed>()("StorageFailed", {
  path: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.path}: ${this.reason}`
  }
}

/** More writes are waiting than the store takes. Nothing of this request was changed; try again later. */
export class StorageBusy extends Schema.TaggedError<StorageBusy>()("StorageBusy", { capacity: Schema.Int }) {
  override get message() {
    return `The store is busy: ${this.capacity} writes are waiting.`
  }
}

/** A key or a credential can't be read or kept where `secrets.store` says. */
export class SecretUnusable extends Schema.TaggedError<SecretUnusable>()("SecretUnusable", {
  /** Its name, not the secret. */
  secret: Schema.String,
  /** What is wrong, and what to do. */
  reason: Schema.String
}) {
  override get message() {
    return `The secret ${this.secret} can't be used: ${this.reason}`
  }
}

/** What a write to the store can meet. */
export const StorageError = Schema.Union([StorageFull, StorageFailed, StorageBusy])
export type StorageError = typeof StorageError.Type

/** Something of the store that was found damaged when it was opened, and what became of it. */
export const StorageDamage = Schema.Struct({
  /** `file`: the whole file was moved aside and a new one begun; `log`: the newest changes are gone; `row`: one record was taken out. */
  kind: Schema.Literals(["file", "log", "row"]),
  /** The file or the record, what is wrong with it, and where it is kept. */
  detail: Schema.String,
  at: Timestamp
})
export type StorageDamage = typeof StorageDamage.Type

/** The store as it is now. */
export const StorageStatus = Schema.Struct({
  path: Schema.String,
  /** `full`: the last write found no space; reads go on. `read-only`: a write failed; reads go on, writes need a restart. */
  state: Schema.Literals(["ok", "full", "read-only"]),
  /** Why it is not `ok`, and since when. */
  problem: Schema.NullOr(Schema.Struct({ reason: Schema.String, since: Timestamp })),
  durability: Schema.Literals(["process-crash", "power-loss"]),
  damage: Schema.Array(StorageDamage)
})
export type StorageStatus = typeof StorageStatus.Type

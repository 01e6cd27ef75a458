import type { Effect } from "effect"

/** A place for secrets. It fails with a sentence that says what is wrong and what to do. */
export interface SecretStore {
  /** Null where it is not. */
  readonly get: (name: string) => Effect.Effect<Uint8Array | null, string>
  /** In the place of another one. Once it is answered it is there. */
  readonly set: (name: string, secret: Uint8Array) => Effect.Effect<void, string>
  /** What is not there is none to be removed. */
  readonly remove: (name: string) => Effect.Effect<void, string>
}

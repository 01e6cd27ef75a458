/** What upstreams are logged in to with: secrets of this home, by the upstream's name. */
import { Effect, Option, Redacted, Schema } from "effect"
import { StorageFailed, type StorageError } from "../protocol/storage.ts"
import { Credential } from "../protocol/upstream.ts"
import type { Secrets } from "../secrets/Secrets.ts"
import type { LinkCredential } from "./Link.ts"
import { Refused } from "./login.ts"

const Stored = Schema.fromJsonString(Credential)
const decode = Schema.decodeUnknownOption(Stored)

const secretOf = (name: string): string => `upstreams/${name}`

/** The credential, read when somebody logs in. */
export const read = (secrets: Secrets["Service"], name: string): Effect.Effect<LinkCredential, Refused> =>
  secrets.read(secretOf(name)).pipe(
    Effect.mapError(({ message }) => new Refused("hob", message)),
    Effect.flatMap((found) => {
      const text = found === null ? "" : new TextDecoder().decode(Redacted.value(found))
      return Option.match(decode(text), {
        onNone: () =>
          Effect.fail(
            new Refused("hob", "its credential is not where it was kept. `hob upstream login NAME` gives it another.")
          ),
        onSome: ({ kind, secret }) => Effect.succeed({ kind, secret: Redacted.make(secret) })
      })
    })
  )

export const write = (
  secrets: Secrets["Service"],
  name: string,
  credential: Credential
): Effect.Effect<void, StorageError> =>
  Effect.suspend(() => {
    const bytes = new TextEncoder().encode(JSON.stringify(credential))
    return secrets.write(secretOf(name), Redacted.make(bytes))
  }).pipe(Effect.mapError(storageFailed))

export const remove = (secrets: Secrets["Service"], name: string): Effect.Effect<void, StorageError> =>
  Effect.mapError(secrets.remove(secretOf(name)), storageFailed)

const storageFailed = ({ message }: { readonly message: string }) =>
  new StorageFailed({ path: "the upstream's credential", reason: message })

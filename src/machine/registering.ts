import { Data, Effect, Redacted } from "effect"
import type { Credentials } from "./credentials.ts"
import type { Cipher } from "./encryption.ts"
import { type DaemonFacts, daemonState, type Metadata } from "./facts.ts"
import * as server from "./server.ts"

/** A clock that is no further away is as good as one's own: the server says whole seconds. */
const SKEW_MILLIS = 5000

/** Why the machine is not in step. */
export class OutOfStep extends Data.TaggedError("OutOfStep")<{ readonly reason: string }> {
  override get message() {
    return this.reason
  }
}

export interface RegisteringOptions {
  readonly url: string
  readonly machineId: string
  readonly credentials: Credentials
  readonly metadata: Metadata
  readonly facts: DaemonFacts
}

export interface RegisteredMachine {
  readonly cipher: Cipher
  /** What the server has, whatever was posted. */
  readonly row: server.Registered
  /** To be added to one's own time for the server. */
  readonly skewMillis: number
}

/** Tells the server of the machine: before each connection, for it may have forgotten. */
export const register = (options: RegisteringOptions): Effect.Effect<RegisteredMachine, OutOfStep> =>
  Effect.gen(function* () {
    const { credentials, facts, machineId, metadata, url } = options
    const { makeCipher, wrapMachineKey } = yield* Effect.promise(() => import("./encryption.ts"))
    const key = Redacted.value(credentials.key)
    const cipher = makeCipher(key)
    const { skewMillis, value } = yield* Effect.mapError(
      server.register(url, credentials.token, {
        id: machineId,
        metadata: cipher.encrypt(metadata),
        daemonState: cipher.encrypt(daemonState(facts, "offline", undefined)),
        ...(key.kind === "legacy" ? {} : { dataEncryptionKey: wrapMachineKey(key.machineKey, key.publicKey) })
      }),
      (error) => new OutOfStep({ reason: error._tag === "Refused" ? refusal(error) : error.reason })
    )
    return { cipher, row: value.machine, skewMillis: Math.abs(skewMillis) < SKEW_MILLIS ? 0 : skewMillis }
  })

const refusal = ({ reason, status }: server.Refused): string => {
  if (status === 401) {
    return `The server does not know the credentials any more (${reason}). \`hob machine logout\`, then \`hob machine pair\`.`
  }
  if (status < 500) return `The server has refused (${status}): ${reason}.`
  return `The server has failed (${status}: ${reason}). It may know this machine's id from another account: then \`hob machine logout\` and a new login make another one.`
}

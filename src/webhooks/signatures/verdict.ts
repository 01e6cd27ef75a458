import type { KeyObject } from "node:crypto"
import type { Headers } from "../../wire/http/headers.ts"

/** What a secret is once it has been read: for HMAC-SHA256, the digest of a secret that is sent itself, or a public key. */
export type Key =
  | { readonly type: "hmac"; readonly key: KeyObject }
  | { readonly type: "digest"; readonly digest: Buffer }
  | { readonly type: "ed25519"; readonly key: KeyObject }

/** A request whose sender is to be known by its signature. */
export interface Signed {
  readonly headers: Headers
  /** As it came: a body that was parsed and written again has another signature. */
  readonly body: Buffer
  /** Any of them will do: the old and the new one while they are changed. */
  readonly keys: ReadonlyArray<Key>
  readonly nowMillis: number
  /** How far a signed time may be from now, either way. */
  readonly toleranceMillis: number
}

/** Whether it is the sender's. `id` is the sender's own name for the delivery, if it has one. */
export type Verdict =
  | { readonly ok: true; readonly id?: string | undefined }
  | { readonly ok: false; readonly status: 400 | 401; readonly reason: string }

export const valid = (id?: string): Verdict => ({ ok: true, id })
/** The request is not what the scheme asks for. */
export const malformed = (reason: string): Verdict => ({ ok: false, status: 400, reason })
/** It is, but not the sender's. */
export const refused = (reason: string): Verdict => ({ ok: false, status: 401, reason })

/** Senders count seconds. Undefined when it is near enough. */
export const untimely = (seconds: string, { nowMillis, toleranceMillis }: Signed): Verdict | undefined => {
  if (!/^\d{1,12}$/.test(seconds)) return malformed("The timestamp of the signature is not a whole number of seconds.")
  const away = Number(seconds) * 1000 - nowMillis
  if (-away > toleranceMillis) return refused("The timestamp of the signature is too old.")
  if (away > toleranceMillis) return refused("The timestamp of the signature is in the future: compare the clocks.")
  return undefined
}

/** More signatures than that are no rotation. */
export const MAX_SIGNATURES = 16

/** 1 to 256 visible characters of ASCII. */
export const isSenderId = (id: string): boolean => /^[\x21-\x7e]{1,256}$/.test(id)

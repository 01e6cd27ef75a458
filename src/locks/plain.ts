/**
 * The requests that are asked many thousands of times a second, read and answered without the schemas. Whatever is not
 * as most clients write it is left to them, mistakes above all.
 */
import { Option, Schema } from "effect"
import type { PlainParams } from "../actors/DirectMethods.ts"
import {
  type Acquire,
  type Acquired,
  type LockEvent,
  LockHolder,
  LockName,
  LockToken,
  LockTtl,
  LockWait,
  type Release
} from "../protocol/locks.ts"
import { remember } from "../wire/remember.ts"

const recognizer = <A extends string>(schema: Schema.ConstraintDecoder<A>) => {
  const decode = Schema.decodeUnknownOption(schema)
  const isRight = remember((text) => Option.isSome(decode(text)))
  return (value: unknown): value is A => typeof value === "string" && isRight(value)
}

const isName = recognizer(LockName)
const isHolder = recognizer(LockHolder)
const isTtl = Schema.is(LockTtl)
const isWait = Schema.is(LockWait)
const isToken = Schema.is(LockToken)

const NO_TEXTS = Object.freeze({})

type Asked<A> = { readonly [K in keyof A]?: unknown }

const parse = <A>(text: string): Asked<A> | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

type AcquirePayload = typeof Acquire.payloadSchema.Type
type ReleasePayload = typeof Release.payloadSchema.Type

/** The parameters of `locks.acquire`, of the default namespace and bound to no connection. */
export const readPlainAcquire = (text: string): PlainParams<AcquirePayload> | undefined => {
  const { bind = "lease", holder, name, namespace, ttlMillis, waitMillis = 0 } = parse<AcquirePayload>(text) ?? {}
  if (namespace !== undefined || bind !== "lease" || !isName(name) || !isHolder(holder) || !isWait(waitMillis)) {
    return undefined
  }
  if (ttlMillis === undefined) return { payload: { name, holder, waitMillis }, texts: NO_TEXTS }
  return isTtl(ttlMillis) ? { payload: { name, holder, ttlMillis, waitMillis }, texts: NO_TEXTS } : undefined
}

/** The parameters of `locks.release`, of the default namespace. */
export const readPlainRelease = (text: string): PlainParams<ReleasePayload> | undefined => {
  const { holder, name, namespace, token } = parse<ReleasePayload>(text) ?? {}
  if (namespace !== undefined || !isName(name) || !isHolder(holder)) return undefined
  if (token === undefined) return { payload: { name, holder }, texts: NO_TEXTS }
  return isToken(token) ? { payload: { name, holder, token }, texts: NO_TEXTS } : undefined
}

/** What the channel of a lock is told: the event, without the namespace that the channel is in. */
export const announcedText = ({ event, holder, name, reason, token, ttlMillis }: LockEvent): string => {
  const rest =
    ttlMillis === undefined ? (reason === undefined ? "" : `,"reason":"${reason}"`) : `,"ttlMillis":${ttlMillis}`
  return `{"event":"${event}","name":${JSON.stringify(name)},"holder":${JSON.stringify(holder)},"token":${token}${rest}}`
}

/** As the schema of `locks.acquire` writes it. */
export const acquiredText = (acquired: Acquired): string => {
  const { expiresAt, holder, name, renewed, resumeMillis, secret, token, ttlMillis, waitedMillis } = acquired
  const bound = secret === undefined ? "" : `,"secret":"${secret}","resumeMillis":${resumeMillis!}`
  return `{"name":${JSON.stringify(name)},"holder":${JSON.stringify(holder)},"token":${token},"ttlMillis":${ttlMillis},"expiresAt":"${expiresAt}","renewed":${renewed},"waitedMillis":${waitedMillis}${bound}}`
}

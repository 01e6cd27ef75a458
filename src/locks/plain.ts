/**
 * The requests that are asked many thousands of times a second, read and answered without the schemas. Whatever is not
 * as most clients write it is left to them, mistakes above all.
 */
import { Option, Schema } from "effect"
import type { Rpc } from "effect/rpc"
import type { PlainParams } from "../actors/DirectMethods.ts"
import {
  type Acquire,
  type Acquired,
  type LockEvent,
  LockHolder,
  LockName,
  type LockToken,
  type Release
} from "../protocol/locks.ts"
import { endOfPlainText, endOfWhole, quoted, wholeOf } from "../wire/plainJson.ts"
import { remember } from "../wire/remember.ts"

/**
 * Gives a text that is right, and nothing for others. The same object each time, if it has been seen lately: V8 has the
 * hash of that, which every table will ask for.
 */
const recognizer = <A extends string>(schema: Schema.ConstraintDecoder<A>) => {
  const decode = Schema.decodeUnknownOption(schema)
  const find = remember((text) => ({ found: Option.getOrUndefined(decode(text)) }))
  return (value: unknown): A | undefined => (typeof value === "string" ? find(value).found : undefined)
}

const nameOf = recognizer(LockName)
const holderOf = recognizer(LockHolder)

/** The same for both, written with {@link HOLDER} between them: one text to look up in place of two. */
const bothOf = remember((texts) => {
  const [name, holder] = texts.split(HOLDER)
  return { name: nameOf(name), holder: holderOf(holder) }
})
const day = 24 * 3600 * 1000
const isWhole = (value: unknown, least: number, most: number): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= least && value <= most
const isTtl = (value: unknown): value is number => isWhole(value, 100, day)
const isWait = (value: unknown): value is number => isWhole(value, 0, day)
const isToken = (value: unknown): value is LockToken => isWhole(value, 1, Number.MAX_SAFE_INTEGER)

const NO_TEXTS = Object.freeze({})

interface Asked {
  readonly name: LockName | undefined
  readonly holder: LockHolder | undefined
  readonly ttlMillis?: unknown
  readonly waitMillis?: unknown
  readonly token?: unknown
  readonly bind?: unknown
  readonly namespace?: unknown
}

/** Undefined where it is not right. */
const parse = (text: string): Asked | undefined => {
  try {
    const value: Record<keyof Asked, unknown> | null = JSON.parse(text)
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined
    const { bind, namespace, token, ttlMillis, waitMillis } = value
    return { name: nameOf(value.name), holder: holderOf(value.holder), bind, namespace, token, ttlMillis, waitMillis }
  } catch {
    return undefined
  }
}

const NAME = '{"name":"'
const HOLDER = '","holder":"'
const COMMA = 0x2c
const CLOSE_BRACE = 0x7d
const TTL = ',"ttlMillis":'
const TOKEN = ',"token":'
const WAIT = ',"waitMillis":'

/** A name, a holder and whole numbers, in that order and without escapes, are read in place; a third of `JSON.parse`. */
const readMembers = (text: string): Asked | undefined => {
  if (!text.startsWith(NAME)) return undefined
  const nameEnd = endOfPlainText(text, NAME.length)
  if (nameEnd === -1 || !text.startsWith(HOLDER, nameEnd)) return undefined
  const holderEnd = endOfPlainText(text, nameEnd + HOLDER.length)
  if (holderEnd === -1) return undefined
  let ttlMillis: number | undefined
  let token: number | undefined
  let waitMillis: number | undefined
  let at = holderEnd + 1
  while (text.charCodeAt(at) === COMMA) {
    const key = text.startsWith(TTL, at) ? TTL : text.startsWith(TOKEN, at) ? TOKEN : WAIT
    if (key === WAIT && !text.startsWith(WAIT, at)) return undefined
    const from = at + key.length
    at = endOfWhole(text, from)
    if (at === -1) return undefined
    const value = wholeOf(text, from, at)
    if (key === TTL) ttlMillis = value
    else if (key === TOKEN) token = value
    else waitMillis = value
  }
  if (text.charCodeAt(at) !== CLOSE_BRACE || at !== text.length - 1) return undefined
  const { holder, name } = bothOf(text.slice(NAME.length, holderEnd))
  return { name, holder, ttlMillis, token, waitMillis }
}

type AcquirePayload = typeof Acquire.payloadSchema.Type
type ReleasePayload = typeof Release.payloadSchema.Type

/** The parameters of `locks.acquire`, of the default namespace and bound to no connection. */
export const readPlainAcquire = (text: string): PlainParams<AcquirePayload> | undefined => {
  const asked = readMembers(text) ?? parse(text)
  if (asked === undefined) return undefined
  const { bind = "lease", holder, name, namespace, ttlMillis, waitMillis = 0 } = asked
  if (namespace !== undefined || bind !== "lease" || !isWait(waitMillis)) return undefined
  if (name === undefined || holder === undefined) return undefined
  if (ttlMillis === undefined) return { payload: { name, holder, waitMillis }, texts: NO_TEXTS }
  return isTtl(ttlMillis) ? { payload: { name, holder, ttlMillis, waitMillis }, texts: NO_TEXTS } : undefined
}

/** The parameters of `locks.release`, of the default namespace. */
export const readPlainRelease = (text: string): PlainParams<ReleasePayload> | undefined => {
  const asked = readMembers(text) ?? parse(text)
  if (asked === undefined) return undefined
  const { holder, name, namespace, token } = asked
  if (namespace !== undefined || name === undefined || holder === undefined) return undefined
  if (token === undefined) return { payload: { name, holder }, texts: NO_TEXTS }
  return isToken(token) ? { payload: { name, holder, token }, texts: NO_TEXTS } : undefined
}

/** What the channel of a lock is told: the event, without the namespace that the channel is in. */
export const announcedText = ({ event, holder, name, reason, token, ttlMillis }: LockEvent): string => {
  const rest =
    ttlMillis === undefined ? (reason === undefined ? "" : `,"reason":"${reason}"`) : `,"ttlMillis":${ttlMillis}`
  return `{"event":"${event}","name":${quoted(name)},"holder":${quoted(holder)},"token":${token}${rest}}`
}

/** As the schema of `locks.release` writes it. */
export const releasedText = ({ name, token }: Rpc.Success<typeof Release>): string =>
  `{"name":${quoted(name)},"token":${token}}`

/** As the schema of `locks.acquire` writes it. */
export const acquiredText = (acquired: Acquired): string => {
  const { expiresAt, holder, name, renewed, resumeMillis, secret, token, ttlMillis, waitedMillis } = acquired
  const bound = secret === undefined ? "" : `,"secret":"${secret}","resumeMillis":${resumeMillis!}`
  return `{"name":${quoted(name)},"holder":${quoted(holder)},"token":${token},"ttlMillis":${ttlMillis},"expiresAt":"${expiresAt}","renewed":${renewed},"waitedMillis":${waitedMillis}${bound}}`
}

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
const day = 24 * 3600 * 1000
const isWhole = (value: unknown, least: number, most: number): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= least && value <= most
const isTtl = (value: unknown): value is number => isWhole(value, 100, day)
const isWait = (value: unknown): value is number => isWhole(value, 0, day)
const isToken = (value: unknown): value is LockToken => isWhole(value, 1, Number.MAX_SAFE_INTEGER)

const NO_TEXTS = Object.freeze({})

interface Asked {
  readonly name?: unknown
  readonly holder?: unknown
  readonly ttlMillis?: unknown
  readonly waitMillis?: unknown
  readonly token?: unknown
  readonly bind?: unknown
  readonly namespace?: unknown
}

const parse = (text: string): Asked => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {}
  } catch {
    return {}
  }
}

const NAME = '{"name":"'
const HOLDER = '","holder":"'
const COMMA = 0x2c
const CLOSE_BRACE = 0x7d
const numbers = ["ttlMillis", "token", "waitMillis"] as const
const heads = numbers.map((key) => `,"${key}":`)

/** A name, a holder and whole numbers, in that order and without escapes, are read in place; a third of `JSON.parse`. */
const readMembers = (text: string): Asked | undefined => {
  if (!text.startsWith(NAME)) return undefined
  const nameEnd = endOfPlainText(text, NAME.length)
  if (nameEnd === -1 || !text.startsWith(HOLDER, nameEnd)) return undefined
  const holderStart = nameEnd + HOLDER.length
  const holderEnd = endOfPlainText(text, holderStart)
  if (holderEnd === -1) return undefined
  const values: Array<number | undefined> = [undefined, undefined, undefined]
  let at = holderEnd + 1
  while (text.charCodeAt(at) === COMMA) {
    const which = heads.findIndex((head) => text.startsWith(head, at))
    if (which === -1) return undefined
    const from = at + heads[which]!.length
    const end = endOfWhole(text, from)
    if (end === -1) return undefined
    values[which] = wholeOf(text, from, end)
    at = end
  }
  if (text.charCodeAt(at) !== CLOSE_BRACE || at !== text.length - 1) return undefined
  const [ttlMillis, token, waitMillis] = values
  return {
    name: text.slice(NAME.length, nameEnd),
    holder: text.slice(holderStart, holderEnd),
    ttlMillis,
    token,
    waitMillis
  }
}

type AcquirePayload = typeof Acquire.payloadSchema.Type
type ReleasePayload = typeof Release.payloadSchema.Type

/** The parameters of `locks.acquire`, of the default namespace and bound to no connection. */
export const readPlainAcquire = (text: string): PlainParams<AcquirePayload> | undefined => {
  const asked = readMembers(text) ?? parse(text)
  const { bind = "lease", namespace, ttlMillis, waitMillis = 0 } = asked
  if (namespace !== undefined || bind !== "lease" || !isWait(waitMillis)) return undefined
  const name = nameOf(asked.name)
  const holder = holderOf(asked.holder)
  if (name === undefined || holder === undefined) return undefined
  if (ttlMillis === undefined) return { payload: { name, holder, waitMillis }, texts: NO_TEXTS }
  return isTtl(ttlMillis) ? { payload: { name, holder, ttlMillis, waitMillis }, texts: NO_TEXTS } : undefined
}

/** The parameters of `locks.release`, of the default namespace. */
export const readPlainRelease = (text: string): PlainParams<ReleasePayload> | undefined => {
  const asked = readMembers(text) ?? parse(text)
  const { namespace, token } = asked
  const name = nameOf(asked.name)
  const holder = holderOf(asked.holder)
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

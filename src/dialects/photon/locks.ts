/** photon's locks: leases of hob's, held by whoever says the same `sessionId`. */
import { Schema } from "effect"
import type { LockTable } from "../../locks/LockTable.ts"
import { type Lock, LockHolder, LockName, MAX_LOCK_NAME_BYTES } from "../../protocol/locks.ts"
import type { Namespace } from "../../protocol/namespaces.ts"
import { quoted } from "../../wire/plainJson.ts"
import { remember } from "../../wire/remember.ts"
import type { Request } from "./messages.ts"
import { toForeign, toForeignHolder, toHolder, toName } from "./names.ts"
import { error, result, sentences } from "./translate.ts"

type Of<Type extends Request["type"]> = Extract<Request, { readonly type: Type }>

export interface LocksOptions {
  readonly table: LockTable["Service"]
  readonly namespace: Namespace
}

/** Answers a request about locks by calling back: once what it did is safe from the death of every process. */
export interface Locks {
  lock(request: Of<"lock">, answer: (reply: string) => void): void
  unlock(request: Of<"unlock">, answer: (reply: string) => void): void
  list(request: Of<"list_locks">): string
}

/** The longest lease; a client that asked for more would believe that it holds what it does not. */
const MAX_TIMEOUT = 24 * 3600 * 1000

const isLockName = Schema.is(LockName)
const isLockHolder = Schema.is(LockHolder)

/** A lock as a request names it: in hob's words, if they have one, and as JSON. */
const nameOf = remember((foreign) => {
  const name = toName(foreign)
  return { name: isLockName(name) ? name : undefined, text: JSON.stringify(foreign) }
})
/** Who holds it, likewise. */
const holderOf = remember((foreign) => {
  const holder = toHolder(foreign)
  return { holder: isLockHolder(holder) ? holder : undefined, text: JSON.stringify(foreign) }
})

/** Who asks, and for which lock; or what is wrong with that. */
const read = ({ id, lockName, sessionId }: Of<"lock" | "unlock">) => {
  const { name, text } = nameOf(lockName)
  if (name === undefined) return sentences.nameTooLong("lockName", MAX_LOCK_NAME_BYTES)
  // An empty one is none, as there.
  const said = typeof sessionId === "string" ? sessionId : sessionId == null ? "" : JSON.stringify(sessionId)
  const { holder, text: holderText } = holderOf(said === "" ? id : said)
  return holder === undefined ? sentences.holderTooLong : { name, holder, text, holderText }
}

let lastText = ""
let lastMillis = 0

/** What is granted within a millisecond mostly ends in the same one. */
const millisOf = (instant: string): number => {
  if (instant !== lastText) {
    lastText = instant
    lastMillis = Date.parse(instant)
  }
  return lastMillis
}

/** The lease that is asked for: undefined for the usual one, a text where it is none. */
const toTtl = (timeout: unknown): number | undefined | string => {
  if (!timeout) return undefined
  return typeof timeout === "number" && timeout > 0 && timeout <= MAX_TIMEOUT
    ? Math.ceil(timeout)
    : sentences.badTimeout(MAX_TIMEOUT)
}

export const makeLocks = ({ namespace, table }: LocksOptions): Locks => ({
  lock: (request, answer) => {
    const id = quoted(request.id)
    const wanted = read(request)
    if (typeof wanted === "string") return answer(error(id, wanted))
    const ttl = toTtl(request.lockTimeout)
    if (typeof ttl === "string") return answer(error(id, ttl))
    const { lockName } = request
    const { holder, holderText, name, text } = wanted
    const lock = { namespace, name, holder }
    table.acquire(ttl === undefined ? lock : { ...lock, ttlMillis: ttl }, undefined, {
      succeed: ({ expiresAt }) => {
        const end = millisOf(expiresAt)
        answer(result(id, `{"acquired":true,"lockName":${text},"holder":${holderText},"expiresAt":${end}}`))
      },
      fail: (failure) => {
        if (failure._tag !== "LockHeld") return answer(error(id, failure.message))
        const data = { acquired: false, lockName, holder: toForeignHolder(failure.holder), reason: sentences.held }
        answer(result(id, JSON.stringify(data), false))
      }
    })
  },
  unlock: (request, answer) => {
    const id = quoted(request.id)
    const wanted = read(request)
    if (typeof wanted === "string") return answer(error(id, wanted))
    const { lockName } = request
    const { holder, name, text } = wanted
    const released = () => answer(result(id, `{"released":true,"lockName":${text}}`))
    table.release(
      { namespace, name, holder },
      {
        succeed: released,
        fail: (failure) => {
          // A lock that nobody holds is as free as one that was released.
          if (failure._tag === "LockNotHeld" || failure._tag === "LockExpired") return released()
          if (failure._tag !== "LockHeldByAnother") return answer(error(id, failure.message))
          answer(result(id, JSON.stringify({ released: false, lockName, reason: sentences.notHolder }), false))
        }
      }
    )
  },
  list: ({ id }) => {
    const { locks } = table.list({ namespace, limit: Infinity })
    return result(JSON.stringify(id), JSON.stringify({ locks: locks.map(toInfo) }))
  }
})

const toInfo = ({ acquiredAt, expiresAt, holder, name }: Lock) => ({
  name: toForeign(name),
  holder: toForeignHolder(holder),
  acquiredAt: Date.parse(acquiredAt),
  expiresAt: Date.parse(expiresAt)
})

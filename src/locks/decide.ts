import {
  LockExpired,
  LockHeld,
  LockHeldByAnother,
  type LockHolder,
  LockNotHeld,
  LockQueueFull,
  type LockToken,
  LockTokenMismatch,
  LockWaitTimedOut,
  TooManyLocks
} from "../protocol/locks.ts"
import { type Binding, endOf, type Grant, type LockState, type Waiter } from "./state.ts"

/** Something that happens to one lock. */
export type Happening =
  | ({
      readonly type: "acquire"
      readonly id: number
      readonly holder: LockHolder
      readonly ttlMillis: number
      readonly waitMillis: number
    } & Binding)
  | {
      readonly type: "renew"
      readonly id: number
      readonly holder: LockHolder
      readonly token: LockToken
      readonly ttlMillis: number | undefined
    }
  | {
      readonly type: "release"
      readonly id: number
      readonly holder: LockHolder
      readonly token: LockToken | undefined
    }
  /** A connection is gone. */
  | { readonly type: "disconnect"; readonly client: number }
  /** Nothing but time. */
  | { readonly type: "tick" }

export type LockError =
  | LockHeld
  | LockWaitTimedOut
  | LockQueueFull
  | TooManyLocks
  | LockNotHeld
  | LockHeldByAnother
  | LockExpired
  | LockTokenMismatch

/** What follows from it. Those with an `id` are the answer to that request. */
export type Effect =
  | {
      readonly type: "granted"
      readonly id: number
      readonly grant: Grant
      readonly renewed: boolean
      readonly waitedMillis: number
    }
  | { readonly type: "waiting"; readonly until: number }
  | { readonly type: "refused"; readonly id: number; readonly error: LockError }
  | { readonly type: "renewed"; readonly id: number; readonly grant: Grant }
  /** Without an `id`: because its connection is gone. */
  | { readonly type: "released"; readonly id: number | undefined; readonly grant: Grant }
  | { readonly type: "expired"; readonly grant: Grant }

/** What a decision depends on beside the lock itself. */
export interface Circumstances {
  /** On the monotonic clock. */
  readonly now: number
  /** On the wall clock; only ever shown. */
  readonly wall: number
  /** The next token; every smaller one may have been given. */
  readonly nextToken: number
  /** Whether this lock may be held, in view of all others. */
  readonly hasRoom: boolean
  readonly maxLocks: number
  readonly maxWaiters: number
}

export interface Decision {
  readonly state: LockState
  readonly effects: ReadonlyArray<Effect>
  readonly nextToken: number
}

/**
 * What becomes of a lock when something happens to it. First what time has done: a lease that is over is over since its
 * deadline, however late that is noticed, and goes to the first who waited then.
 */
export const decide = (before: LockState, happening: Happening, at: Circumstances): Decision =>
  decideUncontended(before, happening, at) ?? decideAny(before, happening, at)

/** What nearly all locks see, without more ado: a free one is taken, and given back before its time while nobody waits. */
const decideUncontended = (before: LockState, happening: Happening, at: Circumstances): Decision | undefined => {
  const { grant, waiters } = before
  if (happening.type === "acquire") {
    if (grant !== undefined || !at.hasRoom) return undefined
    const given = grantOf(happening, at.nextToken, at.wall, at)
    const effect = { type: "granted", id: happening.id, grant: given, renewed: false, waitedMillis: 0 } as const
    return { state: withGrant(before, given, waiters), effects: [effect], nextToken: at.nextToken + 1 }
  }
  if (happening.type !== "release" || grant === undefined || waiters.length > 0) return undefined
  const { holder, id, token } = happening
  if (grant.holder !== holder || (token !== undefined && token !== grant.token) || endOf(grant) <= at.now) {
    return undefined
  }
  const effect = { type: "released", id, grant } as const
  return { state: withGrant(before, undefined, waiters), effects: [effect], nextToken: at.nextToken }
}

const grantOf = (
  { bind, client, holder, secretHash, ttlMillis }: Omit<Waiter, "id" | "since" | "until">,
  token: number,
  acquiredAt: number,
  { now }: Circumstances
): Grant => ({
  holder,
  token,
  ttlMillis,
  deadline: now + ttlMillis,
  resumeBy: undefined,
  acquiredAt,
  bind,
  client,
  secretHash
})

const withGrant = (
  { channel, key, name, namespace }: LockState,
  grant: Grant | undefined,
  waiters: LockState["waiters"]
): LockState => ({ key, namespace, name, channel, grant, waiters })

const decideAny = (before: LockState, happening: Happening, at: Circumstances): Decision => {
  const { now } = at
  const effects: Array<Effect> = []
  let { grant, waiters } = before
  let nextToken = at.nextToken

  const give = (wanted: Omit<Waiter, "id" | "since" | "until">, id: number, waitedMillis: number): Grant => {
    const renewed = grant?.holder === wanted.holder ? grant : undefined
    const next = grantOf(wanted, renewed?.token ?? nextToken++, renewed?.acquiredAt ?? at.wall, at)
    effects.push({ type: "granted", id, grant: next, renewed: renewed !== undefined, waitedMillis })
    return next
  }

  /** The first who still waited at that moment has it; so do all requests of the same holder, which would wait for itself. */
  const handOver = (freedAt: number): void => {
    grant = undefined
    const first = waiters.find(({ until }) => until >= freedAt)
    if (first === undefined) return
    waiters = waiters.filter((waiter) => {
      if (waiter.holder !== first.holder || waiter.until < freedAt) return true
      grant = give(waiter, waiter.id, now - waiter.since)
      return false
    })
  }

  const passTime = (): void => {
    if (grant !== undefined && endOf(grant) <= now) {
      effects.push({ type: "expired", grant })
      handOver(endOf(grant))
    }
    if (!waiters.some(({ until }) => until <= now)) return
    const { holder } = (grant ?? before.grant)!
    waiters = waiters.filter(({ id, since, until }) => {
      if (until > now) return true
      const error = new LockWaitTimedOut({ name: before.name, holder, waitedMillis: now - since })
      effects.push({ type: "refused", id, error })
      return false
    })
  }

  passTime()
  switch (happening.type) {
    case "acquire": {
      const { id, waitMillis, ...wanted } = happening
      if (grant === undefined && !at.hasRoom) {
        effects.push({ type: "refused", id, error: new TooManyLocks({ capacity: at.maxLocks }) })
      } else if (grant === undefined || grant.holder === wanted.holder) {
        grant = give(wanted, id, 0)
      } else if (waitMillis === 0) {
        const error = new LockHeld({ name: before.name, holder: grant.holder, expiresInMillis: endOf(grant) - now })
        effects.push({ type: "refused", id, error })
      } else if (waiters.length >= at.maxWaiters) {
        const error = new LockQueueFull({ name: before.name, capacity: at.maxWaiters })
        effects.push({ type: "refused", id, error })
      } else {
        const { bind, client, holder, secretHash, ttlMillis } = wanted
        const until = now + waitMillis
        waiters = [...waiters, { id, holder, ttlMillis, since: now, until, bind, client, secretHash }]
        effects.push({ type: "waiting", until })
      }
      break
    }
    case "renew": {
      const { holder, id, token, ttlMillis } = happening
      const error = objection(before, grant, holder, token, nextToken)
      if (error !== undefined) effects.push({ type: "refused", id, error })
      else if (grant !== undefined) {
        const wanted = ttlMillis ?? grant.ttlMillis
        grant = { ...grant, ttlMillis: wanted, deadline: now + wanted }
        effects.push({ type: "renewed", id, grant })
      }
      break
    }
    case "release": {
      const { holder, id, token } = happening
      const error = objection(before, grant, holder, token, nextToken)
      if (error !== undefined) effects.push({ type: "refused", id, error })
      else if (grant !== undefined) {
        effects.push({ type: "released", id, grant })
        handOver(now)
      }
      break
    }
    case "disconnect": {
      if (grant?.bind !== "connection" || grant.client !== happening.client) break
      effects.push({ type: "released", id: undefined, grant })
      handOver(now)
      break
    }
    case "tick":
  }
  return {
    state: grant === before.grant && waiters === before.waiters ? before : withGrant(before, grant, waiters),
    effects,
    nextToken
  }
}

/** Why a holder may not touch the lock; undefined when it may. */
const objection = (
  { name }: LockState,
  grant: Grant | undefined,
  holder: LockHolder,
  token: LockToken | undefined,
  nextToken: number
): LockError | undefined => {
  const newest = grant?.token ?? nextToken
  if (grant?.holder === holder && (token === undefined || token === newest)) return undefined
  if (token !== undefined && token < newest) return new LockExpired({ name, token })
  if (grant === undefined) return new LockNotHeld({ name })
  if (grant.holder !== holder) return new LockHeldByAnother({ name, holder: grant.holder })
  return new LockTokenMismatch({ name, token: token! })
}

/** A lock that a waiter has left. */
export const without = (state: LockState, id: number): LockState => ({
  ...state,
  waiters: state.waiters.filter((waiter) => waiter.id !== id)
})

/** A lock whose client has come back on another connection; undefined when it is no such lock, or no longer held. */
export const resumed = (
  state: LockState,
  { client, now, secretHash }: { readonly client: number; readonly now: number; readonly secretHash: string }
): LockState | undefined => {
  const { grant } = state
  if (grant === undefined || grant.secretHash !== secretHash || endOf(grant) <= now) return undefined
  return { ...state, grant: { ...grant, client, resumeBy: undefined } }
}

import type { ChannelName } from "../protocol/channelNames.ts"
import { type LockBind, type LockEvent, type LockHolder, type LockName, LOCKS_PREFIX } from "../protocol/locks.ts"
import type { Namespace } from "../protocol/namespaces.ts"
import { remember } from "../wire/remember.ts"

/** Instants are milliseconds on the monotonic clock, unless they say otherwise. */
type Instant = number

/** What a lock is bound to, beside its ttl. */
export interface Binding {
  readonly bind: LockBind
  /** The connection that asked. Undefined for callers in this process, and while a bound lock waits for its client. */
  readonly client: number | undefined
  /** Of `connection`: the hash of the secret with which its client may come back. */
  readonly secretHash: string | undefined
}

/** A lock in somebody's hands. */
export interface Grant extends Binding {
  readonly holder: LockHolder
  readonly token: number
  readonly ttlMillis: number
  readonly deadline: Instant
  /** Of one whose connection the daemon's end has cut: until when its client may come back. */
  readonly resumeBy: Instant | undefined
  /** On the wall clock, for people. */
  readonly acquiredAt: number
}

/** When a grant is over unless something happens. */
export const endOf = ({ deadline, resumeBy }: Grant): Instant =>
  resumeBy === undefined || deadline < resumeBy ? deadline : resumeBy

/** Somebody who waits for a lock. */
export interface Waiter extends Binding {
  /** Of the request. */
  readonly id: number
  readonly holder: LockHolder
  readonly ttlMillis: number
  readonly since: Instant
  readonly until: Instant
}

/** All that is known of one lock. Who waits, waits for a grant: without one nobody does. */
export interface LockState {
  /** Of its namespace and name. */
  readonly key: string
  readonly namespace: Namespace
  readonly name: LockName
  /** Where it is announced: made once, not for each announcement. */
  readonly channel: ChannelName
  readonly grant: Grant | undefined
  /** In the order of coming. */
  readonly waiters: ReadonlyArray<Waiter>
}

/** One that somebody has. */
export type HeldState = LockState & { readonly grant: Grant }

/** The last one that was made of a name, for most names are of one namespace. */
const lastKey = remember((name): { namespace: string; key: string } => ({ namespace: "", key: name }))

/** No namespace has a `/`. */
export const keyOf = (namespace: Namespace, name: LockName): string => {
  const last = lastKey(name)
  if (last.namespace !== namespace) {
    last.namespace = namespace
    last.key = `${namespace}/${name}`
  }
  return last.key
}

export const freeLock = (namespace: Namespace, name: LockName, key = keyOf(namespace, name)): LockState => ({
  key,
  namespace,
  name,
  // Names of locks are so short that this is one of a channel.
  channel: `${LOCKS_PREFIX}${name}` as ChannelName,
  grant: undefined,
  waiters: []
})

/** What is announced of a grant. */
export const eventOf = (
  { name, namespace }: Pick<LockState, "name" | "namespace">,
  { holder, token, ttlMillis }: Grant,
  what: "acquired" | "released" | "disconnected" | "expired"
): LockEvent => {
  // Spelled out: copying properties costs several times as much.
  const told = token as LockEvent["token"]
  if (what === "acquired") return { event: what, namespace, name, holder, token: told, ttlMillis }
  if (what === "expired") return { event: what, namespace, name, holder, token: told }
  return { event: "released", namespace, name, holder, token: told, reason: what }
}

let lastInstant = Number.NaN
let lastText = ""

/** An instant of the wall clock as text. What happens within a millisecond has the same one. */
export const isoText = (instant: number): string => {
  if (instant !== lastInstant) {
    lastText = new Date(instant).toISOString()
    lastInstant = instant
  }
  return lastText
}

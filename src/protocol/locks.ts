import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { ChannelName, MAX_NAME_BYTES } from "./channelNames.ts"
import { Endless } from "./endless.ts"
import { Timestamp } from "./ids.ts"
import { Namespace } from "./namespaces.ts"
import { StorageError } from "./storage.ts"

/** What happens to the lock `x` is said on the channel `locks:x`. */
export const LOCKS_PREFIX = "locks:"

/** The longest name of a lock, in bytes of UTF-8. */
export const MAX_LOCK_NAME_BYTES = MAX_NAME_BYTES - LOCKS_PREFIX.length

/**
 * The name of a lock, as that of a channel: segments with `:` between. A little shorter, so that there can be a channel
 * `locks:<name>`.
 */
export const LockName = ChannelName.check(
  Schema.makeFilter((name) => {
    const fits = name.length * 3 <= MAX_LOCK_NAME_BYTES || new TextEncoder().encode(name).length <= MAX_LOCK_NAME_BYTES
    return fits ? undefined : `must be at most ${MAX_LOCK_NAME_BYTES} bytes long`
  })
)
export type LockName = typeof LockName.Type

/** Who holds a lock, in its own words: 1 to 256 of any characters but control characters. Whoever says the same is the same. */
export const LockHolder = Schema.String.check(
  Schema.isPattern(/^\P{Cc}{1,256}$/u, { expected: "1 to 256 characters without control characters" }),
  Schema.makeFilter((text) => (text.isWellFormed() ? undefined : "must be well-formed Unicode"))
).pipe(Schema.brand("LockHolder"))
export type LockHolder = typeof LockHolder.Type

/**
 * A fencing token: greater than every one given before, for whatever lock, across expiry, restarts and crashes. What a
 * lock protects can refuse a token that is smaller than the greatest it has seen.
 */
export const LockToken = Schema.Int.check(Schema.isGreaterThan(0)).pipe(Schema.brand("LockToken"))
export type LockToken = typeof LockToken.Type

const day = 24 * 3600 * 1000

/** How long a lock is held unless it is renewed: 100 ms to a day, in whole milliseconds. */
export const LockTtl = Schema.Int.check(Schema.isBetween({ minimum: 100, maximum: day }))

/** How long to wait for a lock: at most a day. */
export const LockWait = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: day }))

/**
 * What a lock ends with, beside its release and its ttl: `lease` nothing; `connection` the connection that has it. A
 * connection that the daemon's own end has cut may come back for it (`locks.resume`).
 */
export const LockBind = Schema.Literals(["lease", "connection"])
export type LockBind = typeof LockBind.Type

/** The 128 random bits by which a client that comes back shows that it is the one that held its locks. */
export const LockSecret = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{32}$/u, { expected: "32 hexadecimal digits, from locks.acquire" })
)

const where = { namespace: Schema.optionalKey(Namespace), name: LockName }

/** A lock that is held. */
export const Lock = Schema.Struct({
  namespace: Namespace,
  name: LockName,
  holder: LockHolder,
  token: LockToken,
  bind: LockBind,
  acquiredAt: Timestamp,
  ttlMillis: Schema.Int,
  /** What is left of it, on a clock that nobody can set. */
  expiresInMillis: Schema.Int,
  /** For people: the wall clock may be set, and a lease never follows it. */
  expiresAt: Timestamp,
  /** How many wait for it. */
  waiting: Schema.Int
})
export type Lock = typeof Lock.Type

/** Somebody else holds the lock. */
export class LockHeld extends Schema.TaggedError<LockHeld>()("LockHeld", {
  name: LockName,
  holder: LockHolder,
  expiresInMillis: Schema.Int
}) {
  override get message() {
    return `The lock "${this.name}" is held by "${this.holder}", for ${this.expiresInMillis} ms at least unless it is released. Wait for it (waitMillis), or try again later.`
  }
}

/** The lock did not become free in the time that the caller would wait. */
export class LockWaitTimedOut extends Schema.TaggedError<LockWaitTimedOut>()("LockWaitTimedOut", {
  name: LockName,
  holder: LockHolder,
  waitedMillis: Schema.Int
}) {
  override get message() {
    return `The lock "${this.name}" did not become free within ${this.waitedMillis} ms; "${this.holder}" holds it. Try again later, or wait longer.`
  }
}

/** As many wait for the lock as may. */
export class LockQueueFull extends Schema.TaggedError<LockQueueFull>()("LockQueueFull", {
  name: LockName,
  capacity: Schema.Int
}) {
  override get message() {
    return `${this.capacity} wait for the lock "${this.name}", as many as may (locks.maxWaiterCount). Try again later.`
  }
}

/** Nobody holds the lock. */
export class LockNotHeld extends Schema.TaggedError<LockNotHeld>()("LockNotHeld", { name: LockName }) {
  override get message() {
    return `Nobody holds the lock "${this.name}". Acquire it first.`
  }
}

/** The lock is somebody else's; nothing was changed. */
export class LockHeldByAnother extends Schema.TaggedError<LockHeldByAnother>()("LockHeldByAnother", {
  name: LockName,
  holder: LockHolder
}) {
  override get message() {
    return `The lock "${this.name}" is held by "${this.holder}", and only its holder may renew or release it.`
  }
}

/** The lease with this token is over; nothing was changed. */
export class LockExpired extends Schema.TaggedError<LockExpired>()("LockExpired", {
  name: LockName,
  token: LockToken
}) {
  override get message() {
    return `The lease of the lock "${this.name}" with the token ${this.token} is over: it expired, or was released. Stop what it protected, and acquire it anew.`
  }
}

/** No lease with this token was ever given. */
export class LockTokenMismatch extends Schema.TaggedError<LockTokenMismatch>()("LockTokenMismatch", {
  name: LockName,
  token: LockToken
}) {
  override get message() {
    return `${this.token} is not the token of the lock "${this.name}". Use the one that locks.acquire gave.`
  }
}

/** As many locks are held as may be. */
export class TooManyLocks extends Schema.TaggedError<TooManyLocks>()("TooManyLocks", { capacity: Schema.Int }) {
  override get message() {
    return `${this.capacity} locks are held, as many as may be (locks.maxCount). Release some, or try again later.`
  }
}

const lease = {
  name: LockName,
  holder: LockHolder,
  token: LockToken,
  ttlMillis: Schema.Int,
  /** For people; a client counts `ttlMillis` from when it asked. */
  expiresAt: Timestamp
}

/** A lock that the caller holds now. */
export const Acquired = Schema.Struct({
  ...lease,
  /** It held the lock already, and holds it for `ttlMillis` from now on, with the same token. */
  renewed: Schema.Boolean,
  waitedMillis: Schema.Int,
  /** Of a lock bound to a connection: what `locks.resume` wants. The same for all locks of a connection. */
  secret: Schema.optionalKey(LockSecret),
  /** Of a lock bound to a connection: for how long it waits, while its ttl lasts, for a client that the daemon's end has cut off. */
  resumeMillis: Schema.optionalKey(Schema.Int)
})
export type Acquired = typeof Acquired.Type

/**
 * Takes a lock, and answers once that is safe from the death of every process. Who holds it already renews it: from now
 * on for `ttlMillis`, bound as this request says. Who waits is served in the order of coming, and leaves the queue by
 * cancelling the call or closing the connection.
 */
export const Acquire = Rpc.make("locks.acquire", {
  payload: {
    ...where,
    holder: LockHolder,
    /** Default: the setting `locks.defaultTtlMillis`. */
    ttlMillis: Schema.optionalKey(LockTtl),
    /** Default 0: not at all. */
    waitMillis: Schema.optionalKey(LockWait),
    /** Default: `lease`. */
    bind: Schema.optionalKey(LockBind)
  },
  success: Acquired,
  error: Schema.Union([LockHeld, LockWaitTimedOut, LockQueueFull, TooManyLocks, StorageError])
}).annotate(Endless, true)

const notMine = [LockNotHeld, LockHeldByAnother, LockExpired, LockTokenMismatch, StorageError] as const

/** Holds a lock for `ttlMillis` from now on; by default for as long as it was acquired for. */
export const Renew = Rpc.make("locks.renew", {
  payload: { ...where, holder: LockHolder, token: LockToken, ttlMillis: Schema.optionalKey(LockTtl) },
  success: Schema.Struct(lease),
  error: Schema.Union(notMine)
})

/** Gives a lock back; the first that waits for it has it at once. */
export const Release = Rpc.make("locks.release", {
  payload: {
    ...where,
    holder: LockHolder,
    /** Releases this lease alone, and not one that the same holder has got since. */
    token: Schema.optionalKey(LockToken)
  },
  success: Schema.Struct({ name: LockName, token: LockToken }),
  error: Schema.Union(notMine)
})

/**
 * Binds the locks that a client had on a connection to the one that asks: after a restart or a crash of the daemon they
 * wait for that, for their ttl but at most `locks.resumeMillis`. Answers which they are; those that are missing are lost.
 */
export const Resume = Rpc.make("locks.resume", {
  payload: { secret: LockSecret },
  success: Schema.Struct({ locks: Schema.Array(Lock) })
})

/** So many locks are listed in one answer unless `limit` says otherwise. */
export const DEFAULT_LIST_LIMIT = 1000

/** The locks that are held in a namespace, or with `all` in every one, in the order in which they were acquired. */
export const ListLocks = Rpc.make("locks.list", {
  payload: {
    namespace: Schema.optionalKey(Namespace),
    all: Schema.optionalKey(Schema.Boolean),
    /** Only the lock of this name. */
    name: Schema.optionalKey(LockName),
    /** Only those with a greater token: the rest of a list, behind the last lock of an answer that was `truncated`. */
    after: Schema.optionalKey(LockToken),
    /** Default: 1000. */
    limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 })))
  },
  success: Schema.Struct({
    locks: Schema.Array(Lock),
    /** There are more: they are had by asking again, `after` the last token. */
    truncated: Schema.optionalKey(Schema.Boolean)
  })
})

/** Something that happened to a lock. */
export const LockEvent = Schema.Struct({
  event: Schema.Literals(["acquired", "released", "expired"]),
  namespace: Namespace,
  name: LockName,
  holder: LockHolder,
  token: LockToken,
  /** Of `acquired`: for how long. */
  ttlMillis: Schema.optionalKey(Schema.Int),
  /** Of `released`: by its holder, or because the connection ended that it was bound to. */
  reason: Schema.optionalKey(Schema.Literals(["released", "disconnected"]))
})
export type LockEvent = typeof LockEvent.Type

/**
 * What happens to locks from now on, in a namespace (or with `all` in every one), to one lock if it is named. A watcher
 * that reads too slowly loses the oldest; the channel `locks:<name>` can be replayed.
 */
export const WatchLocks = Rpc.make("locks.watch", {
  payload: {
    namespace: Schema.optionalKey(Namespace),
    name: Schema.optionalKey(LockName),
    all: Schema.optionalKey(Schema.Boolean)
  },
  success: LockEvent,
  stream: true
}).annotate(Endless, true)

export const LocksRpcs = RpcGroup.make(Acquire, Renew, Release, Resume, ListLocks, WatchLocks)

import { Schema } from "effect"
import { Millis, Timestamp } from "./ids.ts"

/** Less than this no program starts with. */
const LEAST_MEMORY_BYTES = 1024 * 1024

const Bytes = Schema.Int.check(Schema.isBetween({ minimum: LEAST_MEMORY_BYTES, maximum: 2 ** 50 }))
/** Percent of one processor: 50 is half of one, 400 all of four. */
const Percent = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))
const Processes = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4_194_304 }))
/** A duration that is not nothing. */
const Lifetime = Millis.check(Schema.isGreaterThan(0))

/** What a session may use up and how long it may stay; what is absent has no limit. */
export const SessionLimits = Schema.Struct({
  /** Memory of all its processes together. More ends the session. */
  memoryBytes: Schema.optionalKey(Bytes),
  /** Percent of one processor for all its processes together; more they don't get. */
  cpuPercent: Schema.optionalKey(Percent),
  /** Processes (and threads, where a cgroup counts) at once. */
  processes: Schema.optionalKey(Processes),
  /** It is ended this long after its start. */
  ttlMillis: Schema.optionalKey(Lifetime),
  /** It is ended after this long without output, input or an attached client; never while it is known to be at work. */
  idleStopMillis: Schema.optionalKey(Lifetime)
})
export type SessionLimits = typeof SessionLimits.Type

/**
 * What holds a limit: `cgroup` (the kernel, in a cgroup of hob's own), `systemd` (the kernel, in a scope that systemd
 * made), `watcher` (the session-host looks every half second and ends a session that is beyond it). A string, because
 * a newer session-host may know more.
 */
export const LimitHolder = Schema.String.annotate({ title: "LimitHolder" })
export type LimitHolder = typeof LimitHolder.Type

/** What holds each limit of a session. */
export const LimitHolders = Schema.Struct({
  memory: Schema.optionalKey(LimitHolder),
  cpu: Schema.optionalKey(LimitHolder),
  processes: Schema.optionalKey(LimitHolder)
})
export type LimitHolders = typeof LimitHolders.Type

/** The limits of a session as everybody sees them; what is absent has no limit. */
export const LimitsInForce = Schema.Struct({
  memory: Schema.optionalKey(Schema.Struct({ bytes: Schema.Int, by: LimitHolder })),
  cpu: Schema.optionalKey(Schema.Struct({ percent: Schema.Int, by: LimitHolder })),
  processes: Schema.optionalKey(Schema.Struct({ count: Schema.Int, by: LimitHolder })),
  ttl: Schema.optionalKey(Schema.Struct({ millis: Millis, endsAt: Timestamp })),
  idleStop: Schema.optionalKey(Schema.Struct({ millis: Millis }))
})
export type LimitsInForce = typeof LimitsInForce.Type

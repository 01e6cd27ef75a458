import { randomBytes } from "node:crypto"
import { CallError } from "../../client/wire/bare.ts"
import { holdLock, LONGEST_WAIT_MILLIS } from "../../client/wire/holdLock.ts"
import { RpcErrorCode } from "../../protocol/errors.ts"
import type { Acquired, Lock } from "../../protocol/locks.ts"
import type { Context } from "../context.ts"
import { call, callAgain, open } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { startCommand } from "../lockedCommand.ts"
import { lockTable } from "../render/lock.ts"
import { isTagged, toFault } from "../report.ts"
import { printError, printJson, printLine } from "../stdio.ts"

interface Which {
  readonly name: string
  readonly namespace: string | null
}

export interface LockOptions extends Which {
  /** Null: the daemon's default. */
  readonly ttl: number | null
  /** In milliseconds, Infinity for as long as it takes; null: not at all. */
  readonly wait: number | null
}

export interface LockRunOptions extends LockOptions {
  readonly command: ReadonlyArray<string>
}

export interface AcquireOptions extends LockOptions {
  /** Null: one that nobody else has. */
  readonly holder: string | null
  readonly json: boolean
}

export interface ReleaseOptions extends Which {
  readonly holder: string | null
  readonly token: number | null
  readonly json: boolean
}

export interface RenewOptions extends ReleaseOptions {
  readonly ttl: number | null
}

/** A holder that nobody else is: two that say the same would both have the lock. */
const newHolder = (): string => `pid-${process.pid}-${randomBytes(4).toString("hex")}`

const whereOf = ({ name, namespace }: Which) => ({ ...(namespace === null ? {} : { namespace }), name })

/** `hob lock NAME -- CMD…` */
export const lock = async (context: Context, options: LockRunOptions): Promise<number> => {
  const { command, name, namespace, ttl, wait } = options
  if (command.length === 0) {
    throw new Fault(
      ExitCode.usage,
      "<command> is missing.",
      "`hob lock NAME -- CMD…` runs it; `hob lock acquire NAME` takes the lock without a command."
    )
  }
  const held = await told(
    holdLock(
      {
        name,
        namespace: namespace ?? undefined,
        holder: newHolder(),
        ttlMillis: ttl ?? undefined,
        waitMillis: wait ?? 0
      },
      () => open(context)
    )
  )
  try {
    const env = { ...context.env, HOB_LOCK_NAME: name, HOB_LOCK_TOKEN: String(held.token) }
    const child = await startCommand(command, env)
    const outcome = await Promise.race([child.ended, held.lost])
    if (typeof outcome === "number") return outcome
    printError(`hob: The lock "${name}" was lost: ${outcome.replace(/\.$/, "")}. Its command is ended.`)
    await Promise.all([child.end(), child.ended])
    return ExitCode.lockLost
  } finally {
    await held.release()
  }
}

/** `hob lock acquire` */
export const lockAcquire = async (context: Context, options: AcquireOptions): Promise<number> => {
  const { json, ttl, wait } = options
  const holder = options.holder ?? newHolder()
  const until = performance.now() + (wait ?? 0)
  const acquired = await told(
    beyondADay(until, () =>
      // Who asks twice renews, so it may be asked again.
      callAgain<Acquired>(context, "locks.acquire", () => ({
        ...whereOf(options),
        holder,
        ...(ttl === null ? {} : { ttlMillis: ttl }),
        waitMillis: Math.min(Math.max(0, Math.round(until - performance.now())), LONGEST_WAIT_MILLIS),
        bind: "lease"
      }))
    )
  )
  if (json) printJson(acquired)
  else printLine(String(acquired.token))
  return ExitCode.ok
}

/** Asks again until then: the daemon lets nobody wait for longer than a day in one request. */
const beyondADay = async <T>(until: number, ask: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (performance.now() >= until || !isTagged(error, "LockWaitTimedOut")) throw error
    }
  }
}

/** `hob lock release` */
export const lockRelease = async (context: Context, options: ReleaseOptions): Promise<number> => {
  const { holder } = await lease(context, options)
  const released = await told(
    call<object>(context, "locks.release", {
      ...whereOf(options),
      holder,
      ...(options.token === null ? {} : { token: options.token })
    })
  )
  if (options.json) printJson(released)
  return ExitCode.ok
}

/** `hob lock renew` */
export const lockRenew = async (context: Context, options: RenewOptions): Promise<number> => {
  const { holder, token } = await lease(context, options)
  const renewed = await told(
    callAgain<object>(context, "locks.renew", () => ({
      ...whereOf(options),
      holder,
      token,
      ...(options.ttl === null ? {} : { ttlMillis: options.ttl })
    }))
  )
  if (options.json) printJson(renewed)
  return ExitCode.ok
}

/** Of holder and token, the one that was not said is looked up; the daemon decides whether they go together. */
const lease = async (context: Context, options: ReleaseOptions) => {
  const { holder, name, token } = options
  if (holder === null && token === null) {
    throw new Fault(ExitCode.usage, "Whose lock? Give --token, which `hob lock acquire` printed, or --holder.")
  }
  if (holder !== null && token !== null) return { holder, token }
  const { locks } = await listed(context, { all: false, namespace: options.namespace })
  const found = locks.find((each) => each.name === name)
  if (holder === null) return { holder: found?.holder ?? "nobody", token: token! }
  if (found === undefined) {
    throw new Fault(ExitCode.lockLost, `Nobody holds the lock "${name}".`, "Acquire it first.")
  }
  return { holder, token: found.token }
}

const listed = (
  context: Context,
  { all, namespace }: { readonly all: boolean; readonly namespace: string | null }
): Promise<{ readonly locks: ReadonlyArray<Lock> }> =>
  callAgain(context, "locks.list", () => ({ ...(all ? { all } : {}), ...(namespace === null ? {} : { namespace }) }))

/** `hob lock ls` */
export const lockList = async (
  context: Context,
  { json, ...which }: { readonly all: boolean; readonly namespace: string | null; readonly json: boolean }
): Promise<number> => {
  const { locks } = await told(listed(context, which))
  if (json) printJson({ locks })
  else if (locks.length > 0) printLine(lockTable(locks, which.all))
  else printLine("No lock is held. `hob lock NAME -- CMD` runs a command under one.")
  return ExitCode.ok
}

/** `name` is a flag elsewhere, and a word here. */
const told = <T>(asked: Promise<T>): Promise<T> =>
  asked.catch((error: unknown) => {
    if (!(error instanceof CallError) || error.code !== RpcErrorCode.invalidParams) throw error
    const message = error.message.replace(/^params\.name\b/, "params.lockName")
    throw toFault(new CallError(error.code, message, error.data))
  })

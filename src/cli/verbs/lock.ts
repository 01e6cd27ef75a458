import { CallError } from "../../client/wire/bare.ts"
import { holdLock, LONGEST_WAIT_MILLIS, newHolder } from "../../client/wire/holdLock.ts"
import { RpcErrorCode } from "../../protocol/errors.ts"
import type { Acquired, Lock } from "../../protocol/locks.ts"
import type { Context } from "../context.ts"
import { call, callAgain, open } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { Guard } from "../guard.ts"
import { GRACE_MILLIS, startCommand } from "../lockedCommand.ts"
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

const whereOf = ({ name, namespace }: Which) => ({ ...(namespace === null ? {} : { namespace }), name })

/** Locks in one answer of the daemon. */
const LIST_PAGE = 10_000

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
  const guard = new Guard()
  const held = await told(
    holdLock(
      {
        name,
        namespace: namespace ?? undefined,
        holder: newHolder(),
        ttlMillis: ttl ?? undefined,
        waitMillis: wait ?? 0,
        bound: ({ socket }) => guard.follow(socket)
      },
      () => open(context)
    )
  )
  try {
    const env = { ...context.env, HOB_LOCK_NAME: name, HOB_LOCK_TOKEN: String(held.token) }
    // Over before the lock is, which was renewed less than a third of its ttl ago.
    const graceMillis = Math.min(GRACE_MILLIS, held.ttlMillis / 3)
    const child = await startCommand(command, env, (pid) => guard.watch(pid, graceMillis)).catch((error: unknown) => {
      throw wait === Infinity ? notADuration(error) : error
    })
    const outcome = await Promise.race([child.ended, held.lost])
    if (typeof outcome === "number") return outcome
    printError(`hob: The lock "${name}" was lost: ${outcome.replace(/\.$/, "")}. Its command is ended.`)
    await Promise.all([child.end(), child.ended])
    return ExitCode.lockLost
  } finally {
    guard.dismiss()
    await held.release()
  }
}

/** Who wrote `--wait` before it may have meant how long. */
const notADuration = (error: unknown): unknown =>
  error instanceof Fault && error.exitCode === ExitCode.commandNotFound
    ? new Fault(
        error.exitCode,
        error.message,
        "Behind `--wait` there may be a duration such as 500ms, 5s, 2m or 1h; anything else is taken for the command."
      )
    : error

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
  const { locks } = await callAgain<Listed>(context, "locks.list", () => whereOf(options))
  // A daemon that does not know that one name may be asked for lists them all.
  const found = locks.find((each) => each.name === name)
  if (holder === null) return { holder: found?.holder ?? "nobody", token: token! }
  if (found === undefined) {
    throw new Fault(ExitCode.lockLost, `Nobody holds the lock "${name}".`, "Acquire it first.")
  }
  return { holder, token: found.token }
}

interface Listed {
  readonly locks: ReadonlyArray<Lock>
  readonly truncated?: boolean
}

/** All of them, page by page. */
const listed = async (context: Context, which: object): Promise<Array<Lock>> => {
  const found: Array<Lock> = []
  for (;;) {
    const after = found.at(-1)?.token
    const { locks, truncated = false } = await callAgain<Listed>(context, "locks.list", () => ({
      ...which,
      limit: LIST_PAGE,
      ...(after === undefined ? {} : { after })
    }))
    found.push(...locks)
    if (!truncated) return found
  }
}

/** `hob lock ls` */
export const lockList = async (
  context: Context,
  { all, json, namespace }: { readonly all: boolean; readonly namespace: string | null; readonly json: boolean }
): Promise<number> => {
  const which = { ...(all ? { all } : {}), ...(namespace === null ? {} : { namespace }) }
  const locks = (await told(listed(context, which))).sort(byName)
  if (json) printJson({ locks })
  else if (locks.length > 0) printLine(lockTable(locks, all))
  else printLine("No lock is held. `hob lock NAME -- CMD` runs a command under one.")
  return ExitCode.ok
}

const byName = (a: Lock, b: Lock): number => compare(a.namespace, b.namespace) || compare(a.name, b.name)
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** `name` is a flag elsewhere, and a word here. */
const told = <T>(asked: Promise<T>): Promise<T> =>
  asked.catch((error: unknown) => {
    if (!(error instanceof CallError) || error.code !== RpcErrorCode.invalidParams) throw error
    const message = error.message.replace(/^params\.name\b/, "params.lockName")
    throw toFault(new CallError(error.code, message, error.data))
  })

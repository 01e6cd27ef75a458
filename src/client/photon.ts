/**
 * The functions that programs written for photon's daemon know, over hob's own protocol: each photon is a namespace.
 * Channels and locks are the same ones that photon's own clients reach through the dialect `photon`, as far as their
 * names are names of hob's.
 */
import { randomBytes } from "node:crypto"
import type { Lock } from "../protocol/locks.ts"
import { askPhoton } from "./photonAsk.ts"
import { subscribe } from "./subscribe.ts"
import { CallError } from "./wire/bare.ts"

/** A lock as photon lists it: instants in milliseconds since 1970. */
export interface PhotonLock {
  readonly name: string
  readonly holder: string
  readonly acquiredAt: number
  readonly expiresAt: number
}

/** Who this process is to photon's locks: the same for all of it. */
const holder = process.env["PHOTON_SESSION_ID"] || `cli-${process.pid}-${randomBytes(4).toString("hex")}`

/** As long as photon gives a lock when nothing else is asked for. */
const DEFAULT_TIMEOUT_MILLIS = 30_000

/** True, or false where the daemon refuses it for one of these reasons. */
const succeeds = async (method: string, params: unknown, refusals: ReadonlyArray<string>): Promise<boolean> => {
  try {
    await askPhoton(method, params)
    return true
  } catch (error) {
    if (error instanceof CallError && refusals.includes(error.data?._tag ?? "")) return false
    throw error
  }
}

/**
 * Calls `handler` with each message of a channel, also with those that this process publishes. Resolves once it listens,
 * with what ends it; goes on over restarts of the daemon.
 */
export const subscribeChannel = async (
  photonName: string,
  channel: string,
  handler: (message: unknown) => void
): Promise<() => void> => {
  const items = subscribe([channel], { namespace: photonName })
  await items.next()
  const listen = async (): Promise<void> => {
    for await (const item of items) if (item.type === "event") handler(item.message)
  }
  // Nobody waits for it: that it can't go on, or that the handler threw, must not end the program.
  listen().catch((error: unknown) => process.emitWarning(error instanceof Error ? error : String(error)))
  return () => void items.return?.()
}

/** Publishes a message. Resolves when it has been taken. */
export const publishToChannel = async (photonName: string, channel: string, message: unknown): Promise<void> => {
  await askPhoton("channels.publish", { namespace: photonName, channel, message: message ?? null })
}

/** Whether this process has the lock from now on, for `timeout` milliseconds; asking again renews it. Never waits. */
export const acquireLock = (photonName: string, lockName: string, timeout?: number): Promise<boolean> => {
  // 0 is the default, as for photon.
  const ttlMillis = timeout || DEFAULT_TIMEOUT_MILLIS
  return succeeds("locks.acquire", { namespace: photonName, name: lockName, holder, ttlMillis }, ["LockHeld"])
}

/** Gives a lock back. True also when nobody has it, false when it is somebody else's. */
export const releaseLock = (photonName: string, lockName: string): Promise<boolean> =>
  succeeds("locks.release", { namespace: photonName, name: lockName, holder }, ["LockHeldByAnother"]).catch(
    (error: unknown) => {
      if (error instanceof CallError && ["LockNotHeld", "LockExpired"].includes(error.data?._tag ?? "")) return true
      throw error
    }
  )

/** The locks of a photon that are held. */
export const listLocks = async (photonName: string): Promise<Array<PhotonLock>> => {
  const found: Array<Lock> = []
  for (let truncated = true; truncated;) {
    const after = found.at(-1)?.token
    const page = { namespace: photonName, limit: 10_000, ...(after === undefined ? {} : { after }) }
    const answer = (await askPhoton("locks.list", page)) as { locks: ReadonlyArray<Lock>; truncated?: boolean }
    found.push(...answer.locks)
    truncated = answer.truncated ?? false
  }
  return found.map(({ acquiredAt, expiresAt, holder, name }) => ({
    name,
    holder,
    acquiredAt: Date.parse(acquiredAt),
    expiresAt: Date.parse(expiresAt)
  }))
}

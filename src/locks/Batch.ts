import { type Circumstances, decide, type Effect, type Happening } from "./decide.ts"
import { type Delta, TOKEN_BLOCK } from "./rows.ts"
import { freeLock, type HeldState, type LockState } from "./state.ts"

/** What is asked of a lock, or befalls it. */
export interface Ask extends Pick<LockState, "key" | "namespace" | "name"> {
  readonly happening: Happening
}

/** An effect and the lock it concerns. */
export interface Outcome {
  readonly lock: LockState
  readonly effect: Effect
}

/** Where a batch begins. */
export interface Ground extends Pick<Circumstances, "now" | "wall" | "maxLocks" | "maxWaiters"> {
  readonly states: ReadonlyMap<string, LockState>
  readonly held: number
  readonly nextToken: number
  /** The highest token that the store knows as reserved. */
  readonly ceiling: number
}

/** What asks of one turn come to, beside the table as it is: taken over once it is committed, or forgotten. */
export interface Batch {
  readonly states: ReadonlyMap<string, LockState>
  readonly outcomes: ReadonlyArray<Outcome>
  readonly held: number
  readonly nextToken: number
  readonly ceiling: number
}

/** Decides all asks, in order. */
export const decideAll = (asks: ReadonlyArray<Ask>, ground: Ground): Batch => {
  const states = new Map<string, LockState>()
  const outcomes: Array<Outcome> = []
  let { held, nextToken } = ground
  for (const { happening, key, name, namespace } of asks) {
    const before = states.get(key) ?? ground.states.get(key) ?? freeLock(namespace, name, key)
    const decision = decide(before, happening, {
      now: ground.now,
      wall: ground.wall,
      nextToken,
      hasRoom: before.grant !== undefined || held < ground.maxLocks,
      maxLocks: ground.maxLocks,
      maxWaiters: ground.maxWaiters
    })
    nextToken = decision.nextToken
    held += Number(decision.state.grant !== undefined) - Number(before.grant !== undefined)
    if (decision.state !== before) states.set(key, decision.state)
    for (const effect of decision.effects) outcomes.push({ lock: decision.state, effect })
  }
  const ceiling = nextToken > ground.ceiling + 1 ? nextToken - 1 + TOKEN_BLOCK : ground.ceiling
  return { states, outcomes, held, nextToken, ceiling }
}

/** What the store has to be told of it: each lock that was touched once, as it has become. */
export const deltaOf = ({ states }: Batch, { states: before }: Ground): Delta => {
  const leases: Array<HeldState> = []
  const over: Array<number> = []
  for (const [key, lock] of states) {
    const was = before.get(key)?.grant
    if (was === lock.grant) continue
    if (was !== undefined && was.token !== lock.grant?.token) over.push(was.token)
    if (lock.grant !== undefined) leases.push(lock as HeldState)
  }
  return { leases, over }
}

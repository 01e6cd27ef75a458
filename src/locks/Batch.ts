import type { Sql } from "../storage/sqlite.ts"
import { type Circumstances, decide, type Effect, type Happening } from "./decide.ts"
import * as rows from "./rows.ts"
import { freeLock, type LockState } from "./state.ts"

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
  readonly bootId: string | null
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
  const ceiling = nextToken > ground.ceiling + 1 ? nextToken - 1 + rows.TOKEN_BLOCK : ground.ceiling
  return { states, outcomes, held, nextToken, ceiling }
}

/** Writes each lock that was touched once, as it has become. */
export const write = (sql: Sql, batch: Batch, ground: Ground): void => {
  if (batch.ceiling !== ground.ceiling) rows.reserve(sql, batch.ceiling)
  rows.save(sql, changes(batch, ground), ground.bootId)
}

function* changes(batch: Batch, ground: Ground): Generator<rows.Change> {
  for (const [key, lock] of batch.states) {
    yield { lock, before: ground.states.get(key)?.grant, after: lock.grant }
  }
}

import type { WaitFor } from "../protocol/screens.ts"

/** The states that `hob wait --state` takes. */
export const waitStates = ["working", "waiting", "idle", "unknown"] as const

/** What the flags ask to wait for; null for the end. Undefined when a state is none. */
export const waitedFor = (flags: {
  readonly match: string | null
  readonly isNew: boolean
  readonly idle: number | null
  readonly state: string | null
}): WaitFor | null | undefined => {
  const { idle, isNew, match, state } = flags
  const activity = waitStates.find((known) => known === state)
  if (state !== null && activity === undefined) return undefined
  if (match === null && idle === null && activity === undefined) return null
  return {
    ...(match === null ? {} : { match, onlyNew: isNew }),
    ...(idle === null ? {} : { idleMillis: idle }),
    ...(activity === undefined ? {} : { activity })
  }
}

import type { ActivityState } from "../protocol/activity.ts"
import type { WaitFor } from "../protocol/screens.ts"
import { duration } from "./render/limits.ts"
import { oneLine } from "./render/text.ts"

/** The states that `hob wait --state` takes. */
export const waitStates = ["working", "waiting", "idle", "unknown"] as const

/** States, separated by commas; undefined when one of them is none. */
export const parseStates = (text: string): [ActivityState, ...Array<ActivityState>] | undefined => {
  const states: Array<ActivityState> = []
  for (const word of text.split(",")) {
    const state = waitStates.find((known) => known === word.trim())
    if (state === undefined) return undefined
    states.push(state)
  }
  const [first, ...others] = states
  return first === undefined ? undefined : [first, ...others]
}

/** What the flags ask to wait for; null for the end. */
export const waitedFor = (flags: {
  readonly match: string | null
  readonly isNew: boolean
  readonly idle: number | null
  readonly state: [ActivityState, ...Array<ActivityState>] | null
}): WaitFor | null => {
  const { idle, isNew, match, state } = flags
  if (match === null && idle === null && state === null) return null
  return {
    ...(match === null ? {} : { match, onlyNew: isNew }),
    ...(idle === null ? {} : { idleMillis: idle }),
    ...(state === null ? {} : { activity: state })
  }
}

/** What was waited for in vain, in words that follow "there was": `no line that matches "ready"`. */
export const neverWas = ({ activity, idleMillis, match, onlyNew }: WaitFor): string =>
  [
    ...(match === undefined ? [] : [`no ${onlyNew === true ? "new " : ""}line that matches "${oneLine(match)}"`]),
    ...(idleMillis === undefined ? [] : [`no pause of ${duration(idleMillis)} in its output`]),
    ...(activity === undefined ? [] : [`no time when it was ${activity.join(" or ")}`])
  ].join(", and ")

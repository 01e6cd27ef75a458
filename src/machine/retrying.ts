import { Effect, Random } from "effect"

const FIRST_MILLIS = 1000
const LAST_MILLIS = 60_000

/** How long to wait after so many failures in a row: doubling to a minute, and not all machines at once. `random`: 0 to 1. */
export const pauseAfter = (failures: number, random: number): number => {
  const whole = Math.min(FIRST_MILLIS * 2 ** Math.max(0, failures - 1), LAST_MILLIS)
  return Math.round(whole * (0.5 + random / 2))
}

/** What is held back at most: so long, or so many times what an answer takes, whichever is longer. */
const MOST_MILLIS = 1000
const MOST_ANSWERS = 60

/**
 * How long who writes a version holds back at most before the next attempt: longer after each that was too late, and only
 * slowly shorter again, so that of many writers none wins every time. It is measured in answers: whoever writes while
 * another's answer is on its way is too late, and where answers take long the moments to choose from have to be as many.
 */
export const nextWindow = (window: number, answerMillis: number, isSuccess: boolean): number => {
  const least = Math.max(2 * answerMillis, 2)
  if (!isSuccess) return Math.min(Math.max(3 * window, least), Math.max(MOST_MILLIS, MOST_ANSWERS * answerMillis))
  return window <= least ? 0 : 0.9 * window
}

export const somewhereIn = (window: number): Effect.Effect<number> =>
  Effect.map(Random.next, (random) => Math.round(random * window))

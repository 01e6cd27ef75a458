import { Effect, Random } from "effect"

const FIRST_MILLIS = 1000
const LAST_MILLIS = 60_000

/** How long to wait after so many failures in a row: doubling to a minute, and not all machines at once. `random`: 0 to 1. */
export const pauseAfter = (failures: number, random: number): number => {
  const whole = Math.min(FIRST_MILLIS * 2 ** Math.max(0, failures - 1), LAST_MILLIS)
  return Math.round(whole * (0.5 + random / 2))
}

/** Between attempts to write a version, where others write too. */
export const versionPause = (attempt: number): Effect.Effect<number> =>
  Effect.map(Random.next, (random) => Math.round(random * Math.min(5 * 2 ** attempt, 1000)))

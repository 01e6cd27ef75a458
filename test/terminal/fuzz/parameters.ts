/**
 * `HOB_FUZZ_RUNS` says how many streams are tried of each kind (a few hundred by default; a soak has a hundred thousand).
 * A failure prints a seed and a path, which `HOB_FUZZ_SEED` and `HOB_FUZZ_PATH` take to see it again, and a stream that
 * belongs into `found.ts`.
 */
const seed = process.env["HOB_FUZZ_SEED"]
const path = process.env["HOB_FUZZ_PATH"]
const numRuns = Number(process.env["HOB_FUZZ_RUNS"] ?? 300)

export const parameters = {
  numRuns,
  ...(seed === undefined ? {} : { seed: Number(seed) }),
  ...(path === undefined ? {} : { path })
}

export const TIMEOUT = 60_000 + numRuns * 100

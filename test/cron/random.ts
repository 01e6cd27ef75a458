/** Random expressions, the same for the same seed. */

/** Numbers from 0 to 1 (mulberry32). */
export const randomOf = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

export type Random = ReturnType<typeof randomOf>

export const whole = (random: Random, from: number, to: number): number => from + Math.floor(random() * (to - from + 1))

const piece = (random: Random, min: number, max: number): string => {
  const kind = random()
  const from = whole(random, min, max)
  if (kind < 0.55) return String(from)
  const step = whole(random, 1, Math.max(1, Math.floor(max / 2)))
  if (kind < 0.7) return `${from}-${whole(random, from, max)}`
  if (kind < 0.8) return `${from}-${whole(random, from, max)}/${step}`
  if (kind < 0.9) return `${from}/${step}`
  return `*/${step}`
}

const field = (random: Random, min: number, max: number, star: number): string => {
  if (random() < star) return "*"
  const pieces = Array.from({ length: random() < 0.7 ? 1 : whole(random, 2, 4) }, () => piece(random, min, max))
  return pieces.join(",")
}

export const randomExpression = (random: Random, seconds = false): string =>
  [
    ...(seconds ? [field(random, 0, 59, 0.2)] : []),
    field(random, 0, 59, 0.2),
    field(random, 0, 23, 0.3),
    field(random, 1, 31, 0.5),
    field(random, 1, 12, 0.5),
    field(random, 0, 7, 0.5)
  ].join(" ")

/** One whose hours are about a given one: so that clock changes there concern it. */
export const expressionAbout = (random: Random, hour: number): string => {
  const near = () => (((hour + whole(random, -2, 3)) % 24) + 24) % 24
  const hours =
    random() < 0.2
      ? "*"
      : random() < 0.2
        ? `*/${whole(random, 1, 6)}`
        : [near(), near()].slice(random() < 0.5 ? 1 : 0).join(",")
  const range = Math.min(near(), near())
  const spread = random() < 0.2 ? `${range}-${Math.min(23, range + whole(random, 0, 4))}` : hours
  return [
    field(random, 0, 59, 0.15),
    spread,
    field(random, 1, 31, 0.8),
    field(random, 1, 12, 0.9),
    field(random, 0, 7, 0.8)
  ].join(" ")
}

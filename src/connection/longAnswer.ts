/** Answers with a long list in them: written a piece at a time, with the loop's turns in between. */
import { Effect } from "effect"
import type { Turns } from "../actors/turns.ts"
import type { Codec } from "./methods.ts"

/** Items that are written at a time. A shorter list is written as part of its answer. */
const PIECE = 250

/** Which member of an answer is a long list; undefined when none is. */
export const longList = (answer: unknown): string | undefined => {
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) return undefined
  for (const [name, member] of Object.entries(answer)) {
    if (Array.isArray(member) && member.length > PIECE) return name
  }
  return undefined
}

/**
 * The text of an answer whose member `name` is a long list: the same as if it were written at once. Its codec writes it
 * again and again, each time with another piece of the list. Throws, within the effect, as that does.
 */
export const writeInPieces = (
  turns: Turns,
  codec: Codec,
  answer: unknown,
  name: string
): Effect.Effect<string, unknown> =>
  Effect.gen(function* () {
    const whole = answer as Readonly<Record<string, ReadonlyArray<unknown>>>
    const items: Array<string> = []
    let members: Readonly<Record<string, unknown>> = {}
    for (let from = 0; from < whole[name]!.length; from += PIECE) {
      const since = turns.enter()
      const piece = whole[name]!.slice(from, from + PIECE)
      members = yield* Effect.try({
        try: () => codec.now({ ...whole, [name]: piece }) as Readonly<Record<string, unknown>>,
        catch: (problem) => problem
      })
      items.push(JSON.stringify(members[name]).slice(1, -1))
      const isLong = turns.isLong(since)
      turns.leave(since)
      if (isLong) yield* turns.next
    }
    const texts = Object.entries(members).flatMap(([key, member]) => {
      const text = key === name ? `[${items.join(",")}]` : JSON.stringify(member)
      return text === undefined ? [] : [`${JSON.stringify(key)}:${text}`]
    })
    return `{${texts.join(",")}}`
  })

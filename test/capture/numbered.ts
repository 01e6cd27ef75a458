/** Entries that say by themselves which they are. */
import type { CaptureEntry } from "../../src/protocol/captureEntries.ts"

/** Some short, some of several pages of the store. */
const filler = (number: number): string => `${number * 7919} `.repeat(number % 10 === 0 ? 900 : number % 40)

export const messageOf = (number: number): string => `note ${number} ${filler(number)}`

export const changeOf = (number: number) => ({ path: `src/${number}.ts`, before: "", after: messageOf(number) })

/** Which one it is; undefined of what is none, or is not as it was. */
export const numberOf = (entry: CaptureEntry | undefined): number | undefined => {
  const text = entry?.type === "message" ? entry.content : (entry?.diff ?? "").split("\n")[1]?.slice(1)
  const number = Number(/^note (\d+) /.exec(text ?? "")?.[1])
  return text === messageOf(number) ? number : undefined
}

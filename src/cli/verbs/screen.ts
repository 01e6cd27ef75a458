import type { Screen, TextReply } from "../../protocol/screens.ts"
import type { Context } from "../context.ts"
import { callAgain } from "../daemon.ts"
import { ExitCode } from "../exit.ts"
import { oneLine } from "../render/text.ts"
import { print, printJson } from "../stdio.ts"

export interface ScreenOptions {
  readonly session: string
  readonly json: boolean
}

/** `hob screen`: what a terminal would show now. */
export const screen = async (context: Context, { json, session }: ScreenOptions): Promise<number> => {
  const shown = await callAgain<Screen>(context, "sessions.screen", () => ({ session }))
  if (json) printJson(shown)
  else print(joined(withoutBlankEnd(shown.lines.map(({ text }) => text))))
  return ExitCode.ok
}

const withoutBlankEnd = (lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.slice(0, lines.findLastIndex((line) => line !== "") + 1)

const joined = (lines: ReadonlyArray<string>): string => lines.map((line) => `${oneLine(line)}\n`).join("")

/**
 * Prints a session's rendered lines: all that are kept, or the last `tail` of them. Blank lines at the very end are the
 * empty part of the screen.
 */
export const printText = async (context: Context, session: string, tail: number | null): Promise<void> => {
  let blank = 0
  const put = (lines: ReadonlyArray<string>): void => {
    const whole = withoutBlankEnd(lines)
    if (whole.length > 0) {
      print(`${"\n".repeat(blank)}${joined(whole)}`)
      blank = 0
    }
    blank += lines.length - whole.length
  }
  if (tail !== null) return put(await lastLines(context, session, tail))
  for (let from = 0; ;) {
    const { end, lines, next } = await text(context, session, from)
    put(lines)
    if (next >= end || next <= from) return
    from = next
  }
}

const text = (context: Context, session: string, from: number): Promise<TextReply> =>
  callAgain<TextReply>(context, "sessions.text", () => ({ session, from }))

/** The last `count` lines before the empty part of the screen. */
const lastLines = async (context: Context, session: string, count: number): Promise<ReadonlyArray<string>> => {
  for (let asked = count; ; asked += 4096) {
    const first = await text(context, session, -asked)
    const lines = [...first.lines]
    for (let { end, next } = first; next < end;) {
      const more = await text(context, session, next)
      if (more.next <= next) break
      lines.push(...more.lines)
      next = more.next
      end = more.end
    }
    const whole = withoutBlankEnd(lines)
    if (whole.length >= count || first.from <= first.oldest) return count === 0 ? [] : whole.slice(-count)
  }
}

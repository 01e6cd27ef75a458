import type { Context } from "../context.ts"
import { execEvent, messageOf } from "../execEvent.ts"
import { ExitCode } from "../exit.ts"
import { follow, type FollowOptions, type Sink } from "../follow.ts"
import { oneLine } from "../render/text.ts"
import { printError, printLine } from "../stdio.ts"

export interface SubOptions extends FollowOptions {
  /** Events as they came, a line each; with `exec` on its standard input. */
  readonly json: boolean
  /** A shell command that is run for each event. */
  readonly exec: string | null
}

/** `hob sub` */
export const sub = async (context: Context, options: SubOptions): Promise<number> => {
  for (const pattern of options.patterns) {
    if (isHalfWild(pattern)) {
      printError(
        `hob: "${oneLine(pattern)}" is a name: "*" stands for a whole segment, as in "a:*" or "*:b", "**" for the rest.`
      )
    }
  }
  if (options.exec !== null) return subExec(context, options, options.exec)
  await follow(context, options, options.json ? asJson : asText)
  return ExitCode.ok
}

/** Whether a star stands within a segment, where it means itself. */
const isHalfWild = (pattern: string): boolean =>
  pattern.split(":").some((segment) => segment.includes("*") && segment !== "*" && segment !== "**")

/** Events, and gaps among them, as they came. */
export const asJson: Sink = { event: (_, text) => printLine(text), gap: (text) => printLine(text) }

const asText: Sink = { event: ({ channel }, text) => printLine(`${oneLine(channel)}\t${oneLine(messageOf(text))}`) }

/** One command after another: while one runs, events wait. One that fails is told, and the next event has its turn. */
const subExec = async (context: Context, options: SubOptions, command: string): Promise<number> => {
  let code: number = ExitCode.ok
  await follow(context, options, {
    event: async (event, text) => {
      const message = messageOf(text)
      const ended = await execEvent(command, event, { env: context.env, message, input: options.json ? text : message })
      if (ended === "0") return
      printError(`hob: The command ended with ${ended} for event ${event.id} of ${oneLine(event.channel)}.`)
      code = ExitCode.failure
    }
  })
  return code
}

import { hear, type Items } from "../client/wire/hear.ts"
import type { ChannelEvent, ChannelItem, Gap } from "../protocol/channels.ts"
import { elements, memberText } from "../wire/members.ts"
import type { Context } from "./context.ts"
import { open } from "./daemon.ts"
import { ExitCode, Fault } from "./exit.ts"
import { printError } from "./stdio.ts"

export interface FollowOptions {
  readonly patterns: ReadonlyArray<string>
  readonly namespace: string | null
  /** The id behind which to begin; null for now. */
  readonly since: string | null
  /** Ends after so many events; null: never. */
  readonly count: number | null
  /** Ends after so many milliseconds; null: never. */
  readonly timeout: number | null
}

/** What is done with what comes; `text` is the JSON as it came. */
export interface Sink {
  readonly event: (event: ChannelEvent, text: string) => Promise<void> | void
  readonly gap?: (text: string) => void
}

/**
 * Follows channels, over restarts of the daemon, an event after another. Gaps and lost connections are told on standard
 * error. Fails when the time is over before there were as many events as wanted.
 */
export const follow = async (context: Context, options: FollowOptions, sink: Sink): Promise<void> => {
  const { count, namespace, patterns, since, timeout } = options
  if (count === 0) return
  const signal = timeout === null ? undefined : AbortSignal.timeout(timeout)
  const wanted = { patterns, namespace: namespace ?? undefined, since: since ?? undefined, signal }
  let left = count ?? Infinity
  try {
    // A daemon that was stopped is not started again by who only listens.
    const heard = hear(wanted, (isFirst) => open(isFirst ? context : { ...context, mayStart: false }))
    for await (const each of heard) {
      if (each.type === "lost")
        printError(`hob: ${lostText(each.reason)} Going on behind ${each.after} once it is back.`)
      else if (each.type === "regained") printError("hob: Connected again.")
      else {
        for (const [item, text] of withTexts(each)) {
          if (item.type === "gap") tellGap(item, text, sink)
          if (item.type !== "event") continue
          await sink.event(item, text)
          if (--left === 0) return
        }
      }
    }
  } catch (error) {
    if (signal?.aborted !== true) throw error
    if (count === null) return
    throw new Fault(ExitCode.timedOut, `There were ${count - left} of ${count} events in that time.`)
  }
}

const lostText = (reason: string): string => (reason.endsWith(".") ? reason : `The connection was lost: ${reason}.`)

const withTexts = ({ items, line }: Items): ReadonlyArray<readonly [ChannelItem, string]> => {
  const texts = elements(memberText(line, "result")!)
  return items.map((item, index) => [item, texts[index]!])
}

const why: Readonly<Record<Gap["reason"], string>> = {
  window: "they are no longer kept",
  restart: "hob was started anew, and keeps them in memory only",
  unknown: "this hob never gave that id"
}

const tellGap = ({ after, reason, through }: Gap, text: string, sink: Sink): void => {
  printError(`hob: Events behind ${after} and up to ${through} may be missing: ${why[reason] ?? reason}.`)
  sink.gap?.(text)
}

import { isReserved, reservedPrefixes } from "../../protocol/reservedChannels.ts"
import type { ChannelEvent } from "../../protocol/channels.ts"
import type { Context } from "../context.ts"
import { messageOf } from "../execEvent.ts"
import { ExitCode, Fault } from "../exit.ts"
import { follow, type FollowOptions, type Sink } from "../follow.ts"
import { oneLine } from "../render/text.ts"
import { printLine } from "../stdio.ts"
import { asJson } from "./sub.ts"

export interface EventsOptions extends FollowOptions {
  readonly json: boolean
}

/** `hob events`: everything that hob announces, or what of it matches. */
export const events = async (context: Context, options: EventsOptions): Promise<number> => {
  const patterns = (options.patterns.length === 0 ? reservedPrefixes : options.patterns).map(announced)
  await follow(context, { ...options, patterns }, options.json ? asJson : asText)
  return ExitCode.ok
}

/** `sessions` means all of `sessions:**`. */
const announced = (pattern: string): string => {
  if (!isReserved(pattern)) {
    throw new Fault(
      ExitCode.usage,
      `hob announces nothing on "${oneLine(pattern)}": its channels begin with ${reservedPrefixes.join(", ")}.`,
      "`hob sub` listens to any channel."
    )
  }
  return pattern.includes(":") ? pattern : `${pattern}:**`
}

const asText: Sink = { event: (event, text) => printLine(eventLine(event, messageOf(text))) }

/** Local time, channel, what has happened, and the rest of what is said of it. */
export const eventLine = ({ at, channel, message }: ChannelEvent, text: string): string => {
  const time = new Date(at).toLocaleTimeString("en-GB")
  if (typeof message !== "object" || message === null || Array.isArray(message)) {
    return oneLine(`${time}  ${channel}  ${text}`)
  }
  const { event, ...fields } = message as Readonly<Record<string, unknown>>
  const told = Object.entries(fields)
    // The id of a session is the channel's last segment.
    .filter(([, value]) => value !== null && String(value) !== "" && !channel.endsWith(`:${String(value)}`))
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
  return oneLine([time, channel, String(event ?? ""), told.join(" ")].join("  ").trimEnd())
}

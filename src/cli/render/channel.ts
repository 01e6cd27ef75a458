import type { ChannelInfo, PatternInfo } from "../../protocol/channels.ts"
import { age, bytes, columns, oneLine } from "./text.ts"

/**
 * What `hob channels` prints: one line each, with their namespaces where there are several. Patterns that somebody listens
 * to come behind the channels; they have no events of their own.
 */
export const channelTable = (
  channels: ReadonlyArray<ChannelInfo>,
  patterns: ReadonlyArray<PatternInfo>,
  now: number,
  namespaces: boolean
): string =>
  columns([
    [...(namespaces ? ["NAMESPACE"] : []), "LISTENERS", "EVENTS", "SIZE", "KEEP", "LAST", "CHANNEL"],
    ...channels.map((each) => [
      ...(namespaces ? [oneLine(each.namespace)] : []),
      String(each.subscribers),
      String(each.events),
      bytes(each.bytes),
      each.keep,
      each.lastAt === null ? "-" : age(each.lastAt, now),
      oneLine(each.channel)
    ]),
    ...patterns.map((each) => [
      ...(namespaces ? [oneLine(each.namespace)] : []),
      String(each.subscribers),
      "-",
      "-",
      "-",
      "-",
      oneLine(each.pattern)
    ])
  ])

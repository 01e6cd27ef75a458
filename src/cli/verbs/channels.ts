import type { ChannelInfo, PatternInfo } from "../../protocol/channels.ts"
import type { Context } from "../context.ts"
import { callAgain } from "../daemon.ts"
import { ExitCode } from "../exit.ts"
import { channelTable } from "../render/channel.ts"
import { printJson, printLine } from "../stdio.ts"

export interface ChannelsOptions {
  readonly pattern: string | null
  readonly namespace: string | null
  /** Those of every namespace. */
  readonly all: boolean
  readonly json: boolean
}

/** `hob channels` */
export const channels = async (
  context: Context,
  { all, json, namespace, pattern }: ChannelsOptions
): Promise<number> => {
  const { channels, patterns } = await callAgain<{
    readonly channels: ReadonlyArray<ChannelInfo>
    readonly patterns: ReadonlyArray<PatternInfo>
  }>(context, "channels.list", () => ({
    ...(all ? { all } : {}),
    ...(namespace === null ? {} : { namespace }),
    ...(pattern === null ? {} : { pattern })
  }))
  if (json) printJson({ channels, patterns })
  else if (channels.length + patterns.length > 0) printLine(channelTable(channels, patterns, Date.now(), all))
  else if (pattern !== null) printLine("No channel matches.")
  else printLine("No channels: nothing is kept, and nobody listens. `hob pub CHANNEL MESSAGE` publishes to one.")
  return ExitCode.ok
}

import type { ChannelInfo } from "../../protocol/channels.ts"
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
  const { channels } = await callAgain<{ readonly channels: ReadonlyArray<ChannelInfo> }>(
    context,
    "channels.list",
    () => ({
      ...(all ? { all } : {}),
      ...(namespace === null ? {} : { namespace }),
      ...(pattern === null ? {} : { pattern })
    })
  )
  if (json) printJson({ channels })
  else if (channels.length > 0) printLine(channelTable(channels, Date.now(), all))
  else if (pattern !== null) printLine("No channel matches.")
  else printLine("No channels: nothing is kept, and nobody listens. `hob pub CHANNEL MESSAGE` publishes to one.")
  return ExitCode.ok
}

import type { BareClient } from "../client/wire/bare.ts"
import type { EffectiveSetting } from "../protocol/daemon.ts"
import type { Context } from "./context.ts"

/** The settings that the command itself needs to show a session. */
export interface AttachSettings {
  /** The key that leaves a session. */
  readonly detachKey: string
  /** Lines of a session's history that the terminal's own is filled with. */
  readonly historyLines: number
}

const detachKey = { key: "sessions.detachKey", variable: "HOB_SESSIONS_DETACH_KEY" }
const historyLines = { key: "sessions.attachHistoryLines", variable: "HOB_SESSIONS_ATTACH_HISTORY_LINES" }
const DEFAULT_KEY = "C-\\"
const DEFAULT_LINES = 10_000

/** From a flag, this terminal's environment, or what the daemon has them from, which is asked only if it has to be. */
export const attachSettings = async (context: Context, client: BareClient): Promise<AttachSettings> => {
  const key = given(context, detachKey)
  const lines = given(context, historyLines)
  const asked = key === undefined || lines === undefined ? await settings(client) : new Map<string, unknown>()
  const askedKey = asked.get(detachKey.key)
  const allLines = Number(lines ?? asked.get(historyLines.key))
  return {
    detachKey: key ?? (typeof askedKey === "string" ? askedKey : DEFAULT_KEY),
    // An older daemon does not know of it.
    historyLines: Number.isSafeInteger(allLines) && allLines >= 0 ? allLines : DEFAULT_LINES
  }
}

const settings = async (client: BareClient): Promise<ReadonlyMap<string, unknown>> => {
  const answer = (await client.call("daemon.config")) as { readonly settings: ReadonlyArray<EffectiveSetting> }
  return new Map(answer.settings.map(({ key, value }) => [key, value]))
}

const given = (context: Context, setting: typeof detachKey): string | undefined => {
  const flag = context.settings.findLast((each) => each.startsWith(`${setting.key}=`))
  if (flag !== undefined) return unquoted(flag.slice(setting.key.length + 1))
  const variable = context.env[setting.variable]
  return variable !== undefined && variable !== "" ? unquoted(variable) : undefined
}

/** Flags and variables may hold JSON, like every setting's. */
const unquoted = (text: string): string => {
  if (!/^".*"$/.test(text)) return text
  try {
    return String(JSON.parse(text))
  } catch {
    return text
  }
}

import type { EffectiveSetting } from "../protocol/daemon.ts"
import type { BareClient } from "../client/wire/bare.ts"
import type { Context } from "./context.ts"

const KEY = "sessions.detachKey"
const VARIABLE = "HOB_SESSIONS_DETACH_KEY"
const DEFAULT = "C-\\"

/** The key that leaves a session: a flag, this terminal's environment, or what the daemon has it from. */
export const detachKey = async (context: Context, client: BareClient): Promise<string> => {
  const flag = context.settings.findLast((setting) => setting.startsWith(`${KEY}=`))
  if (flag !== undefined) return unquoted(flag.slice(KEY.length + 1))
  const variable = context.env[VARIABLE]
  if (variable !== undefined && variable !== "") return unquoted(variable)
  const { settings } = (await client.call("daemon.config")) as { readonly settings: ReadonlyArray<EffectiveSetting> }
  const value = settings.find(({ key }) => key === KEY)?.value
  return typeof value === "string" ? value : DEFAULT
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

import type { Session } from "../../protocol/sessions.ts"
import type { Context } from "../context.ts"
import { call } from "../daemon.ts"
import { ExitCode } from "../exit.ts"
import { label, shortId } from "../render/session.ts"
import { oneLine } from "../render/text.ts"
import { printJson, printLine } from "../stdio.ts"

export interface RenameOptions {
  readonly session: string
  /** Null takes its name off. */
  readonly name: string | null
  readonly json: boolean
}

/** `hob rename` */
export const rename = async (context: Context, { json, name, session: ref }: RenameOptions): Promise<number> => {
  const session = await call<Session>(context, "sessions.rename", { session: ref, name })
  if (json) printJson(session)
  else
    printLine(
      session.name === null ? `${shortId(session.id)} has no name.` : `${shortId(session.id)} is ${session.name}.`
    )
  return ExitCode.ok
}

export interface TagOptions {
  readonly session: string
  readonly add: ReadonlyArray<string>
  readonly remove: ReadonlyArray<string>
  readonly json: boolean
}

/** `hob tag add` and `hob tag rm`: prints the tags that the session has then. */
export const tag = async (context: Context, { add, json, remove, session: ref }: TagOptions): Promise<number> => {
  const session = await call<Session>(context, "sessions.tag", { session: ref, add, remove })
  if (json) printJson(session)
  else printLine(`${label(session)}: ${session.tags.length === 0 ? "no tags" : session.tags.map(oneLine).join(", ")}`)
  return ExitCode.ok
}

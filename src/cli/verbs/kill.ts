import type { Session } from "../../protocol/sessions.ts"
import type { Context } from "../context.ts"
import { call } from "../daemon.ts"
import { forEach } from "../many.ts"
import { label, stateText } from "../render/session.ts"
import { printJson, printLine } from "../stdio.ts"

export interface KillOptions {
  readonly sessions: ReadonlyArray<string>
  readonly signal: string | null
  /** Milliseconds before SIGKILL; null leaves it to the daemon. */
  readonly grace: number | null
  readonly json: boolean
}

/** `hob kill` */
export const kill = async (context: Context, options: KillOptions): Promise<number> => {
  const ended: Array<Session> = []
  const code = await forEach(options.sessions, async (ref) => {
    const session = await call<Session>(context, "sessions.kill", {
      session: ref,
      ...(options.signal === null ? {} : { signal: options.signal }),
      ...(options.grace === null ? {} : { graceMillis: options.grace })
    })
    ended.push(session)
    if (!options.json) printLine(`${label(session)} ended: ${stateText(session)}`)
  })
  if (options.json) printJson(ended)
  return code
}

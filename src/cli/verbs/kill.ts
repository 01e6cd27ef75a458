import type { Session } from "../../protocol/sessions.ts"
import type { Context } from "../context.ts"
import { call } from "../daemon.ts"
import { caller } from "../inside.ts"
import { forEach } from "../many.ts"
import { label, stateText } from "../render/session.ts"
import { printJson, printLine } from "../stdio.ts"
import { type Meant, resolveMeant, withoutOwn } from "../tagged.ts"

export interface KillOptions extends Meant {
  readonly signal: string | null
  /** Milliseconds before SIGKILL; null leaves it to the daemon. */
  readonly grace: number | null
  /** Also the session in which this runs. */
  readonly self: boolean
  readonly json: boolean
}

/** Also one that has ended and waits to be started anew has something to be ended. */
const isKillable = ({ restart, state }: Session): boolean =>
  state === "running" || state === "starting" || (restart?.at ?? null) !== null

/** `hob kill` */
export const kill = async (context: Context, options: KillOptions): Promise<number> => {
  const meant = await resolveMeant(context, options, { all: true, fits: isKillable })
  const ended: Array<Session> = []
  const code = await forEach(withoutOwn(context, meant, options), async (ref) => {
    const session = await call<Session>(context, "sessions.kill", {
      session: ref,
      ...(options.signal === null ? {} : { signal: options.signal }),
      ...(options.grace === null ? {} : { graceMillis: options.grace }),
      ...caller(context, options.self)
    })
    ended.push(session)
    if (!options.json) printLine(`${label(session)} ended: ${stateText(session)}`)
  })
  if (options.json) printJson(ended)
  return code
}

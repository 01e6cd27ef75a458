import type { Context } from "../context.ts"
import { call } from "../daemon.ts"
import { forEach } from "../many.ts"
import { printLine } from "../stdio.ts"

export interface RemoveOptions {
  readonly sessions: ReadonlyArray<string>
  /** Kill it first if it runs. */
  readonly force: boolean
}

/** `hob rm` */
export const remove = (context: Context, options: RemoveOptions): Promise<number> =>
  forEach(options.sessions, async (ref) => {
    const { id } = await call<{ id: string }>(context, "sessions.remove", {
      session: ref,
      ...(options.force ? { force: true } : {})
    })
    printLine(id)
  })

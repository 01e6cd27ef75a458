import type { Session } from "../../protocol/sessions.ts"
import type { Context } from "../context.ts"
import { call } from "../daemon.ts"
import { caller } from "../inside.ts"
import { forEach } from "../many.ts"
import { printLine } from "../stdio.ts"
import { type Meant, resolveMeant, withoutOwn } from "../tagged.ts"

export interface RemoveOptions extends Meant {
  /** Kill it first if it runs. */
  readonly force: boolean
  /** Also the session in which this runs. */
  readonly self: boolean
}

const hasEnded = ({ state }: Session): boolean => state === "exited" || state === "lost"

/** `hob rm`; by tag those that have ended, with `--force` all. */
export const remove = async (context: Context, options: RemoveOptions): Promise<number> => {
  const fits = options.force ? () => true : hasEnded
  const meant = await resolveMeant(context, options, { all: true, fits })
  return forEach(withoutOwn(context, meant, options), async (ref) => {
    const { id } = await call<{ id: string }>(context, "sessions.remove", {
      session: ref,
      ...(options.force ? { force: true, ...caller(context, options.self) } : {})
    })
    printLine(id)
  })
}

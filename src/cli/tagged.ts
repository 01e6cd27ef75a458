import type { Session } from "../protocol/sessions.ts"
import type { Context } from "./context.ts"
import { callAgain } from "./daemon.ts"
import { ExitCode, Fault } from "./exit.ts"
import { label } from "./render/session.ts"
import { printError } from "./stdio.ts"

/** Which sessions a command is for: those that are named, or those that have all of these tags. */
export interface Meant {
  readonly sessions: ReadonlyArray<string>
  readonly tags: ReadonlyArray<string>
}

/** Whether every tag is there. Looked at here as well: a daemon that has not heard of tags lists everything. */
const hasAll = (tags: ReadonlyArray<string>) => (session: Session) => tags.every((tag) => session.tags.includes(tag))

/** Those that are listed, with `all` the ended ones too, and have all the tags. */
export const listTagged = async (
  context: Context,
  { all, tags }: { readonly all: boolean; readonly tags: ReadonlyArray<string> }
): Promise<{ readonly sessions: ReadonlyArray<Session>; readonly hostUnavailable?: string }> => {
  const params = { ...(all ? { all } : {}), ...(tags.length === 0 ? {} : { tags }) }
  const listed = await callAgain<{ sessions: ReadonlyArray<Session>; hostUnavailable?: string }>(
    context,
    "sessions.list",
    () => params
  )
  return { ...listed, sessions: listed.sessions.filter(hasAll(tags)) }
}

/** What is meant, as references; of those with the tags, the ones that `fits`. */
export const resolveMeant = async (
  context: Context,
  { sessions, tags }: Meant,
  { all, fits }: { readonly all: boolean; readonly fits: (session: Session) => boolean }
): Promise<ReadonlyArray<string>> => {
  if (tags.length === 0) return sessions
  const found = (await listTagged(context, { all, tags })).sessions.filter(fits)
  if (found.length === 0) {
    throw new Fault(
      ExitCode.noSuchSession,
      `No such session has ${tags.map((tag) => `the tag "${tag}"`).join(" and ")}.`
    )
  }
  return found.map(({ id }) => id)
}

/** Of several that were not named one by one, the caller's own is left alone, and that is said. */
export const withoutOwn = (
  context: Context,
  refs: ReadonlyArray<string>,
  { self, tags }: { readonly self: boolean; readonly tags: ReadonlyArray<string> }
): ReadonlyArray<string> => {
  const own = context.env["HOB_SESSION_ID"]
  if (self || tags.length === 0 || own === undefined || !refs.includes(own)) return refs
  printError(
    `hob: session ${label({ id: own as Session["id"], name: null })} is the one in which this runs, and was left alone; \`--self\` ends it too.`
  )
  return refs.filter((ref) => ref !== own)
}

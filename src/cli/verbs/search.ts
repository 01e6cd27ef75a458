import { isatty } from "node:tty"
import type { SearchMatch, SearchReply } from "../../protocol/screens.ts"
import type { Session } from "../../protocol/sessions.ts"
import type { Context } from "../context.ts"
import { call, callAgain } from "../daemon.ts"
import { ExitCode } from "../exit.ts"
import { label } from "../render/session.ts"
import { oneLine } from "../render/text.ts"
import { print, printError, printJson } from "../stdio.ts"

export interface SearchOptions {
  readonly text: string
  readonly ignoreCase: boolean
  readonly regex: boolean
  /** Ids, beginnings of ids, or names; none: all of them. */
  readonly sessions: ReadonlyArray<string>
  /** At most so many matches; null for {@link LIMIT}. */
  readonly limit: number | null
  readonly json: boolean
}

const LIMIT = 1_000
/** More than this the daemon does not answer at once. */
const PAGE = 10_000

/** All history there is may have to be read. */
const TIMEOUT_MILLIS = 5 * 60_000

/** `hob search`: exit code 0 when something was found, 1 when nothing was, as grep's. */
export const search = async (context: Context, options: SearchOptions): Promise<number> => {
  const { ignoreCase, json, limit, regex, sessions, text } = options
  const query = {
    text,
    ignoreCase,
    regex,
    ...(sessions.length === 0 ? {} : { sessions }),
    ...(json ? {} : { as: "text" })
  }
  const ask = (most: number, after?: Place) =>
    call<SearchReply>(
      context,
      "sessions.search",
      {
        ...query,
        limit: Math.min(most, PAGE),
        ...(after === undefined ? {} : { after: { session: after.session, line: after.line } })
      },
      TIMEOUT_MILLIS
    )

  const all: Array<SearchMatch> = []
  let labels: ReadonlyMap<string, string> | undefined
  let count = 0
  let page = await ask(limit ?? LIMIT)
  for (;;) {
    const { matches, truncated } = page
    const lines = page.text === undefined ? null : page.text.split("\n").slice(0, -1)
    count += lines?.length ?? matches.length
    const left = (limit ?? LIMIT) - count
    const next = truncated && left > 0 ? ask(left, page.last ?? matches.at(-1)) : null
    // What goes wrong with it is told when its turn comes.
    next?.catch(() => {})
    if (json) all.push(...matches)
    else if (lines !== null && lines.length > 0) {
      print(renderedText(lines, (labels ??= await names(context)), isatty(1)))
    } else if (matches.length > 0) print(rendered(matches, (labels ??= await names(context)), isatty(1)))
    if (next !== null) {
      page = await next
      // A daemon older than this command begins at the beginning whenever it is asked.
      if (lines !== null || !isSame(page.matches[0], matches[0])) continue
    }
    if (json) printJson({ matches: all, truncated })
    else if (truncated) printError(`hob: there are more than ${count} matches; --limit and --session help`)
    return count > 0 ? ExitCode.ok : ExitCode.failure
  }
}

type Place = Pick<SearchMatch, "session" | "line">

const isSame = (a?: SearchMatch, b?: SearchMatch): boolean => a?.session === b?.session && a?.line === b?.line

const names = async (context: Context): Promise<ReadonlyMap<string, string>> => {
  const listed = await callAgain<{ sessions: ReadonlyArray<Session> }>(context, "sessions.list", () => ({ all: true }))
  return new Map(listed.sessions.map((session) => [session.id, label(session)]))
}

/** `name:line:text`, as grep prints it; in colours for a person. Lines count from 1, as an editor's do. */
export const rendered = (
  matches: ReadonlyArray<SearchMatch>,
  labels: ReadonlyMap<string, string>,
  colours: boolean
): string =>
  matches
    .map(({ from, line, session, text, to }) => {
      const where = labels.get(session) ?? session
      return colours ? coloured(where, line + 1, text, from, to) : `${where}:${line + 1}:${oneLine(text)}\n`
    })
    .join("")

/** The same of matches as text: see `as` of `SearchQuery`. */
export const renderedText = (
  lines: ReadonlyArray<string>,
  labels: ReadonlyMap<string, string>,
  colours: boolean
): string => {
  let all = ""
  let session = ""
  let where = ""
  for (const found of lines) {
    const afterSession = found.indexOf("\t")
    const afterLine = found.indexOf("\t", afterSession + 1)
    const afterFrom = found.indexOf("\t", afterLine + 1)
    const afterTo = found.indexOf("\t", afterFrom + 1)
    if (!found.startsWith(session) || session.length !== afterSession) {
      session = found.slice(0, afterSession)
      where = labels.get(session) ?? session
    }
    const line = Number(found.slice(afterSession + 1, afterLine)) + 1
    const text = found.slice(afterTo + 1)
    if (colours) {
      const [from, to] = [Number(found.slice(afterLine + 1, afterFrom)), Number(found.slice(afterFrom + 1, afterTo))]
      all += coloured(where, line, text, from, to)
    } else all += `${where}:${line}:${oneLine(text)}\n`
  }
  return all
}

const coloured = (where: string, line: number, text: string, from: number, to: number): string => {
  const [before, match, after] = [text.slice(0, from), text.slice(from, to), text.slice(to)].map(oneLine)
  return `\u001b[35m${where}\u001b[0m:\u001b[32m${line}\u001b[0m:${before}\u001b[1;31m${match}\u001b[0m${after}\n`
}

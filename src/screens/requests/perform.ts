import type { ScreensRequest } from "../../protocol/screens.ts"
import type { SessionId } from "../../protocol/ids.ts"
import type { Activities } from "../Activities.ts"
import type { HostConnection } from "../HostConnection.ts"
import { type Keepers, REACH_MILLIS } from "../Keepers.ts"
import { ScreensFailure } from "../ScreensFailure.ts"
import { search } from "../search.ts"
import { submitTo } from "./submit.ts"
import { readText } from "./text.ts"
import { wait } from "./wait.ts"

/** Who knows the answers. */
export interface Asked {
  readonly host: HostConnection
  readonly keepers: Keepers
  readonly activities: Activities
}

/** Answers a daemon's question; rejects with {@link ScreensFailure}. */
export const perform = async (
  { activities, host, keepers }: Asked,
  request: ScreensRequest,
  signal: AbortSignal
): Promise<unknown> => {
  switch (request.op) {
    case "screen":
      return (await keepers.get(request.session)).wake().screen()
    case "text":
      return readText(await keepers.get(request.session), request.from)
    case "explain":
      return activities.explain((await keepers.get(request.session)).id)
    case "activities":
      return { activities: activitiesOf({ activities, keepers }) }
    case "sign":
      return activities.hook((await keepers.get(request.session, REACH_MILLIS)).id, request)
    case "search":
      return searchAll(keepers, request, signal)
    case "wait":
      return wait(
        await keepers.get(request.session),
        { activities, typedAt: typedAt(host, request.session) },
        request.for,
        signal
      )
    case "submit": {
      const { data, session, timeoutMillis } = request
      const text = Buffer.from(data, "base64").toString("utf8")
      return submitTo(await keepers.get(session), { activities, host }, text, timeoutMillis)
    }
  }
}

const typedAt = (host: HostConnection, session: SessionId) => async (): Promise<number | null> => {
  const { typedAt: at } = await host.inspect(session)
  return at === undefined ? null : Date.parse(at)
}

const activitiesOf = ({ activities, keepers }: Pick<Asked, "activities" | "keepers">) =>
  activities.all().map(({ activity, session }) => ({ session, activity, title: keepers.title(session) }))

const searchAll = async (
  keepers: Keepers,
  { query, sessions }: Extract<ScreensRequest, { op: "search" }>,
  signal: AbortSignal
): Promise<unknown> => {
  const found = []
  for (const id of sessions) {
    const keeper = await keeperOf(keepers, id)
    if (keeper !== null) found.push({ id, directory: keeper.directory, tail: () => keeper.tail() })
    if (signal.aborted) break
  }
  try {
    return await search(found, query, () => signal.aborted)
  } catch (error) {
    throw badExpression(error) ?? error
  }
}

/** Null for a session without a screen: nothing is found there. */
const keeperOf = async (keepers: Keepers, id: SessionId) => {
  try {
    return await keepers.get(id)
  } catch (error) {
    if (error instanceof ScreensFailure) return null
    throw error
  }
}

/** The refusal of a regular expression that is none, or takes too long; null for other errors. */
const badExpression = (error: unknown): ScreensFailure | null => {
  if (error instanceof SyntaxError) return new ScreensFailure("bad-request", `${error.message}.`)
  if ((error as NodeJS.ErrnoException).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") return null
  return new ScreensFailure("bad-request", "This regular expression takes too long; make it simpler.")
}

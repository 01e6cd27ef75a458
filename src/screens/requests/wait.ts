import type { Activity } from "../../protocol/activity.ts"
import type { SessionId } from "../../protocol/ids.ts"
import type { WaitFor, WaitMet } from "../../protocol/screens.ts"
import type { Keeper } from "../Keeper.ts"
import { lineMatcher } from "./lineMatcher.ts"
import { NewLines } from "./NewLines.ts"

/** What programs are about. */
export interface KnownActivities {
  /** What a session's agent asks its user, in a few words; null when it asks nothing, or no agent has the terminal. */
  readonly asking: (session: SessionId) => string | null
  /** Null for a session that doesn't run. */
  readonly of: (session: SessionId) => Activity | null
  /** Whether what an activity tells as `agent` is one, and not a shell or the like. */
  readonly isAgent: (name: string | null) => boolean
  /** Hears every change from now on; gives what ends that. */
  readonly listen: (listener: (session: SessionId, activity: Activity) => void) => () => void
}

/** Who knows more than the session's keeper. */
export interface Known {
  readonly activities: KnownActivities
  /** When somebody typed last, in milliseconds since 1970; null when nobody has. */
  readonly typedAt: () => Promise<number | null>
}

/** A program that was typed to and is still as it was before has not taken it for work by then; agents are slow. */
const UNMOVED_MILLIS = 1_500
const UNMOVED_AGENT_MILLIS = 3_000

/**
 * Resolves when one of the things wanted is so; rejects with `ScreensFailure` for a bad expression. Nothing is looked at
 * but when output has come. `signal` ends it, without an answer.
 */
export const wait = (
  keeper: Keeper,
  { activities, typedAt }: Known,
  wanted: WaitFor,
  signal: AbortSignal
): Promise<WaitMet> =>
  new Promise((resolve, reject) => {
    const waiting = new Waiting(resolve, reject)
    const stop = () => waiting.fail(new Error("nobody waits any more"))
    signal.addEventListener("abort", stop)
    waiting.leaveWith(() => signal.removeEventListener("abort", stop))
    if (wanted.activity !== undefined) watchActivity(keeper, { activities, typedAt }, wanted.activity, waiting)
    if (wanted.match !== undefined) watchLines(keeper, wanted.match, wanted.onlyNew === true, waiting)
    // Behind the lines: the last of a session may be the one that is waited for.
    watchEnd(keeper, waiting)
    if (wanted.idleMillis !== undefined) watchIdle(keeper, wanted.idleMillis, waiting)
  })

/** Something that is waited for, until the first answer. */
class Waiting {
  readonly #resolve: (met: WaitMet) => void
  readonly #reject: (error: unknown) => void
  #leaving: Array<() => void> | null = []

  constructor(resolve: (met: WaitMet) => void, reject: (error: unknown) => void) {
    this.#resolve = resolve
    this.#reject = reject
  }

  /** Calls `leave` when it is over, or now. */
  leaveWith(leave: () => void): void {
    if (this.#leaving === null) leave()
    else this.#leaving.push(leave)
  }

  met(met: WaitMet): void {
    if (this.#over()) this.#resolve(met)
  }

  fail(error: unknown): void {
    if (this.#over()) this.#reject(error)
  }

  #over(): boolean {
    const leaving = this.#leaving
    this.#leaving = null
    for (const leave of leaving ?? []) leave()
    return leaving !== null
  }
}

const watchActivity = (
  keeper: Keeper,
  { activities, typedAt }: Known,
  wanted: ReadonlyArray<Activity["state"]>,
  waiting: Waiting
): void => {
  const met = (activity: Activity | null): void => {
    if (activity !== null && wanted.includes(activity.state)) waiting.met({ met: "activity", activity })
  }
  // Idle is what a program is for a moment longer when it has just been given something to do.
  const look = async (): Promise<void> => {
    const activity = activities.of(keeper.id)
    if (activity === null || activity.state === "working") return met(activity)
    const typed = await typedAt()
    if (typed === null || Date.parse(activity.since) > typed) return met(activities.of(keeper.id))
    const unmoved = activities.isAgent(activity.agent) ? UNMOVED_AGENT_MILLIS : UNMOVED_MILLIS
    const left = typed + unmoved - Date.now()
    if (left <= 0) return met(activities.of(keeper.id))
    const timer = setTimeout(again, Math.min(left, unmoved))
    waiting.leaveWith(() => clearTimeout(timer))
  }
  const again = () => void look().catch((error: unknown) => waiting.fail(error))
  waiting.leaveWith(activities.listen((session, activity) => session === keeper.id && met(activity)))
  again()
}

/** Looks at the lines that have come, each time that there are some. */
const watchLines = (keeper: Keeper, match: string, onlyNew: boolean, waiting: Waiting): void => {
  try {
    const first = lineMatcher(match)
    const lines = new NewLines(keeper, onlyNew)
    const look = () => {
      try {
        const found = first([...lines.take()])
        if (found !== null) waiting.met({ met: "match", ...found })
      } catch (error) {
        waiting.fail(error)
      }
    }
    waiting.leaveWith(keeper.listen({ changed: look, gone: (gone) => lines.gone(gone) }))
    look()
  } catch (error) {
    waiting.fail(error)
  }
}

const watchEnd = (keeper: Keeper, waiting: Waiting): void => {
  const look = () => (keeper.complete || keeper.closed) && waiting.met({ met: "ended" })
  waiting.leaveWith(keeper.listen({ changed: look }))
  look()
}

/** Until there has been no output for so long, counted from now at the earliest. */
const watchIdle = (keeper: Keeper, millis: number, waiting: Waiting): void => {
  const begun = performance.now()
  let timer: NodeJS.Timeout | undefined
  const look = () => {
    const left = Math.max(begun, keeper.outputAt) + millis - performance.now()
    if (left <= 0) waiting.met({ met: "idle" })
    else timer = setTimeout(look, Math.ceil(left))
  }
  look()
  waiting.leaveWith(() => clearTimeout(timer))
}

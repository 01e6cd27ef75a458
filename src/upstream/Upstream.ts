import { Clock, Effect, type Scope, type Stream } from "effect"
import type { Concerns } from "../actors/Concerns.ts"
import type { Settings } from "../config/settings.ts"
import {
  type UpstreamCallError,
  type UpstreamConnectError,
  type UpstreamDeclaration,
  type UpstreamEventItem,
  UpstreamTimedOut
} from "../protocol/upstream.ts"
import * as Calls from "./Calls.ts"
import type { Connection } from "./Connection.ts"
import { Followers, JOBS, readJob } from "./jobs.ts"
import * as Link from "./Link.ts"
import { failed, unknown } from "./outcomes.ts"
import { objectMembers } from "./scan.ts"
import { type ListenerError, Subscriptions } from "./Subscriptions.ts"
import type { Target } from "./target.ts"
import type { Ask, UpstreamCall } from "./Upstreams.ts"
import { Lost } from "./Wire.ts"

export interface UpstreamOptions {
  readonly declared: UpstreamDeclaration
  readonly target: Target
  readonly settings: () => Settings["upstream"]
  readonly credential: Link.LinkOptions["credential"]
  readonly ca: Link.LinkOptions["ca"]
  readonly changed: Link.LinkOptions["changed"]
}

/** What is going on at an upstream. */
export interface UpstreamCounts extends Link.LinkStatus {
  readonly inFlight: number
  readonly waiting: number
  readonly jobs: number
  readonly subscriptions: Subscriptions["counts"]
}

/**
 * One upstream, which three things make: the {@link Link.Link}, an actor that has the one connection; the calls, which go
 * through a semaphore; and the subscriptions, which are everybody's. None of them waits for another's work: a ping, a
 * status and a job's progress are as quick while a call is out as they are without.
 */
export interface Upstream {
  readonly declared: UpstreamDeclaration
  readonly counts: () => UpstreamCounts
  readonly call: (call: UpstreamCall) => Effect.Effect<string, UpstreamCallError>
  readonly listen: (collection: string) => Stream.Stream<UpstreamEventItem, ListenerError>
  /** Round trip in milliseconds. */
  readonly ping: (timeoutMillis: number) => Effect.Effect<number, UpstreamCallError>
  /** Ends the connection there is, if any. */
  readonly restart: Effect.Effect<void>
  /** Waits until there is a connection that is logged in. */
  readonly up: (ask?: Ask) => Effect.Effect<void, UpstreamConnectError>
}

/** The upstream, for as long as the scope is open. */
export const make = (options: UpstreamOptions): Effect.Effect<Upstream, never, Concerns | Scope.Scope> =>
  Effect.gen(function* () {
    const { declared, settings } = options
    const { name } = declared
    const clock = yield* Clock.Clock
    const followers = new Followers()
    const subscriptions = new Subscriptions({ name, settings, link: () => link })

    const link: Link.Link = yield* Link.make({
      ...options,
      notify: (method, params) => {
        if (!followers.isEmpty && method === "collection_update") hearJob(followers, params)
        if (!subscriptions.isEmpty) subscriptions.hear(method, params)
      },
      prepare: (connection) => Effect.andThen(subscribeToJobs(connection, settings), subscriptions.renew(connection)),
      down: () => subscriptions.down(),
      refused: (error) => subscriptions.refuse(error),
      isBusy: () => calls.inFlight() + calls.waiting() + followers.jobs > 0 || !subscriptions.isEmpty
    })
    const calls: Calls.Calls = yield* Calls.make({
      name,
      concurrency: declared.concurrency,
      settings,
      link,
      followers
    })

    const ping = (timeoutMillis: number): Effect.Effect<number, UpstreamCallError> =>
      Effect.gen(function* () {
        const which = { upstream: name, method: "core.ping" }
        const connection = yield* link.connection()
        const began = clock.monotonicTimeNanosUnsafe()
        yield* connection.ask("core.ping", "[]", timeoutMillis).pipe(
          Effect.mapError((error) => {
            if (!(error instanceof Lost)) return failed(which, error, null)
            if (connection.isLost()) return unknown(which, null, error.reason)
            return new UpstreamTimedOut({ ...which, timeoutMillis, waitedFor: "answer" })
          })
        )
        link.used()
        return Number(clock.monotonicTimeNanosUnsafe() - began) / 1e6
      })

    return {
      declared,
      counts: () => ({
        ...link.status(),
        inFlight: calls.inFlight(),
        waiting: calls.waiting(),
        jobs: followers.jobs,
        subscriptions: subscriptions.counts
      }),
      call: calls.call,
      listen: (collection) => subscriptions.listen(collection),
      ping,
      restart: link.restart,
      up: (ask) => Effect.asVoid(link.connection({ ask }))
    }
  })

const hearJob = (followers: Followers, params: string): void => {
  const members = objectMembers(params)
  if (members?.get("collection") !== JOBS_TEXT) return
  const job = readJob(members.get("fields") ?? "")
  if (job !== undefined) followers.hear(job)
}

const JOBS_TEXT = JSON.stringify(JOBS)

/** Who may not hear of jobs gets their results all the same. */
const subscribeToJobs = (connection: Connection, settings: () => Settings["upstream"]): Effect.Effect<void, Lost> =>
  connection.ask("core.subscribe", `[${JOBS_TEXT}]`, settings().connectMillis).pipe(
    Effect.asVoid,
    Effect.catch((error) =>
      error instanceof Lost
        ? Effect.fail(error)
        : Effect.logWarning(`it does not tell of jobs: no progress will be shown (${error.reason})`)
    )
  )

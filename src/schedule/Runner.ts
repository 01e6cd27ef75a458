import { Cause, Deferred, Effect, Exit, Option, type Scope } from "effect"
import type { Announcer } from "../actors/Announcer.ts"
import { monotonicMillis } from "../actors/monotonic.ts"
import type { Settings } from "../config/settings.ts"
import type { Methods } from "../methods/Methods.ts"
import type { ChannelName } from "../protocol/channelNames.ts"
import { type JobEvent, JOBS_PREFIX, type RunCause, type RunNumber } from "../protocol/schedule.ts"
import type { Sessions } from "../sessions/Sessions.ts"
import type { Database } from "../storage/Database.ts"
import type { Sql } from "../storage/sqlite.ts"
import { type ActiveRun, describeActive, isoOf, type Outcome } from "./ActiveRun.ts"
import { attempt, ofBug, retryPause } from "./attempt.ts"
import type { History } from "./History.ts"
import type { Job } from "./Job.ts"
import * as rows from "./rows.ts"
import { awaitCommand, findCommand } from "./runCommand.ts"
import { kindOf, type WorkKind } from "./work.ts"

/** What the store can't take is offered to it again after so long: before the next decisions, for a run counts as running until its end is written. */
const STORE_PAUSE = "500 millis"

export interface RunnerOptions {
  readonly announcer: Announcer["Service"]
  readonly database: Database["Service"]
  readonly methods: Methods["Service"]
  readonly sessions: Sessions["Service"]
  readonly history: History
  readonly settings: () => Settings["schedule"]
  readonly wall: () => number
  /** Where runs go on. */
  readonly scope: Scope.Scope
  /** Whether this very job is there still: it may have been replaced, or removed. */
  readonly isThere: (job: Job) => boolean
  /** The highest number that a run has had. */
  readonly lastRun: number
}

/** Places for runs of one kind, and the jobs whose runs wait for one, in the order of their coming. */
interface Places {
  taken: number
  readonly line: Array<Job>
}

/**
 * Runs of jobs, from the moment when they are written down to the end that is. What begins was committed before;
 * what has ended counts as running until that is committed too.
 */
export class Runner {
  readonly #options: RunnerOptions
  readonly #places: Readonly<Record<WorkKind, Places>> = {
    method: { taken: 0, line: [] },
    command: { taken: 0, line: [] }
  }
  readonly #active = new Map<RunNumber, ActiveRun>()
  #lastRun: number

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#lastRun = options.lastRun
  }

  newNumber(): RunNumber {
    return ++this.#lastRun as RunNumber
  }

  /** Whether a run of this kind would find a place. */
  hasPlace(kind: WorkKind): boolean {
    const { maxCommandCount, maxRunningCount } = this.#options.settings()
    return this.#places[kind].taken < (kind === "method" ? maxRunningCount : maxCommandCount)
  }

  /**
   * A run that is decided, to begin at once where `starts` and there is a place. Its job counts it from now on; it goes on
   * with {@link commit} or {@link undo}.
   */
  decide(job: Job, slot: number | null, cause: RunCause, starts: boolean): ActiveRun {
    const at = isoOf(this.#options.wall())
    const kind = kindOf(job.definition.work)
    job.skipped = undefined
    const active: ActiveRun = {
      run: this.newNumber(),
      job,
      of: job.definition,
      kind,
      slot,
      cause,
      decidedAt: at,
      startedAt: starts && this.hasPlace(kind) ? at : null,
      isWritten: false,
      session: null,
      ended: Deferred.makeUnsafe()
    }
    if (active.startedAt !== null) this.#take(active)
    else (job.queued ??= []).push(active)
    return active
  }

  #take({ job, kind }: ActiveRun): void {
    this.#places[kind].taken++
    if (job !== undefined) job.running++
  }

  #give({ job, kind }: ActiveRun): void {
    this.#places[kind].taken--
    if (job !== undefined) job.running--
  }

  /** It could not be written down. */
  undo(active: ActiveRun): void {
    if (active.startedAt !== null) return this.#give(active)
    this.#dequeue(active)
  }

  #dequeue({ job, run }: ActiveRun): void {
    if (job?.queued === undefined) return
    const rest = job.queued.filter((each) => each.run !== run)
    job.queued = rest.length === 0 ? undefined : rest
  }

  /** It is written down: it begins, unless it has to wait. */
  commit(active: ActiveRun): Effect.Effect<void> {
    const { job, kind, run, startedAt } = active
    active.isWritten = true
    if (startedAt === null && job?.queued?.includes(active) !== true) return Effect.void
    this.#active.set(run, active)
    if (startedAt !== null) return this.#launch(active)
    // What it waits for may have come while it was written down.
    this.#places[kind].line.push(job!)
    return this.#fill(kind)
  }

  #launch(active: ActiveRun): Effect.Effect<void> {
    this.#announce("job-started", active)
    return this.#goOn(active, this.#attempt(active, 1))
  }

  #attempt(active: ActiveRun, number: number): Effect.Effect<Outcome> {
    const { database, methods, sessions, settings } = this.#options
    const told = (session: ActiveRun["session"]) =>
      Effect.suspend(() => {
        active.session = session
        // If this is lost, the session is found by its tags.
        return Effect.ignore(database.write((sql) => rows.setSession(sql, active.run, session, number)))
      })
    return attempt({ methods, sessions, outputBytes: settings().outputBytes }, active, told).pipe(
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause)
          ? Effect.interrupt
          : Effect.as(Effect.logError(`job ${active.of.id} failed by a bug`, cause), ofBug(cause))
      )
    )
  }

  /** Has an attempt made, and further ones as the job wants them, and writes down what came of it. */
  #goOn(active: ActiveRun, attempt: Effect.Effect<Outcome>, attempts = 1): Effect.Effect<void> {
    const going = Effect.gen({ self: this }, function* () {
      const began = yield* monotonicMillis
      let outcome = yield* attempt
      const now = yield* monotonicMillis
      const { tookMillis = now - began } = outcome
      while ((outcome.state === "failed" || outcome.state === "timed-out") && attempts <= active.of.retries) {
        yield* this.#removeSession(active)
        yield* Effect.sleep(retryPause(attempts))
        if (!this.#isThere(active)) break
        outcome = yield* this.#attempt(active, ++attempts)
      }
      const durationMillis = tookMillis === null ? null : Math.round(tookMillis + (yield* monotonicMillis) - now)
      yield* this.#end(active, outcome, attempts, durationMillis)
    })
    // At once, so that who starts many sees for how long that holds the loop.
    return Effect.asVoid(Effect.forkIn(going, this.#options.scope, { startImmediately: true }))
  }

  #isThere({ job }: ActiveRun): boolean {
    return job !== undefined && this.#options.isThere(job)
  }

  /** A session that is no longer needed. */
  #removeSession(active: ActiveRun): Effect.Effect<void> {
    const { session } = active
    active.session = null
    return session === null ? Effect.void : Effect.ignore(this.#options.sessions.remove(session, { force: true }))
  }

  #end(active: ActiveRun, outcome: Outcome, attempts: number, durationMillis: number | null): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { database, history, wall } = this.#options
      const { job, of, run, startedAt } = active
      const at = isoOf(wall())
      const repeats = outcome.state === "interrupted" && of.guarantee === "at-least-once" && this.#isThere(active)
      const again = repeats ? this.decide(job!, active.slot, "again", true) : undefined
      const lastRun = { run, state: outcome.state, startedAt: startedAt ?? at, endedAt: at }
      const save = (sql: Sql) => {
        rows.endRun(sql, run, outcome, { at, durationMillis, attempts })
        rows.countRun(sql, of.number, lastRun)
        if (again !== undefined) rows.insertRun(sql, again)
        const ended = rows.runOf(sql, run)
        // There may be no room for it.
        history.grow(sql, of, rows.bytesOf(outcome) - rows.RUN_BYTES)
        return ended
      }
      const ended = yield* this.#insist(() => database.write(save))
      this.#active.delete(run)
      this.#give(active)
      if (job !== undefined) {
        const { runCount } = job.standing
        job.standing = { ...job.standing, runCount: runCount + Number(outcome.state === "succeeded"), lastRun }
      }
      this.#announce(outcome.state === "succeeded" ? "job-completed" : "job-failed", active, {
        state: outcome.state,
        ...(durationMillis === null ? {} : { durationMillis }),
        attempts,
        ...(outcome.error === undefined ? {} : { error: outcome.error })
      })
      Deferred.doneUnsafe(active.ended, Exit.succeed(ended ?? { ...describeActive(active), ...outcome, endedAt: at }))
      yield* this.#removeSession(active)
      if (again !== undefined) yield* this.commit(again)
      if (job?.queued !== undefined) this.#places[active.kind].line.push(job)
      yield* this.#fill(active.kind)
    })
  }

  /** Until the store has taken it: what is lost of an end would be run again, or taken for interrupted. */
  #insist<A, E extends { readonly message: string }>(write: () => Effect.Effect<A, E>): Effect.Effect<A> {
    return Effect.gen(function* () {
      for (let told = false; ; told = true) {
        const exit = yield* Effect.result(write())
        if (exit._tag === "Success") return exit.success
        if (!told) yield* Effect.logWarning(`a run can't be written down yet: ${exit.failure.message}`)
        yield* Effect.sleep(STORE_PAUSE)
      }
    })
  }

  /** Begins what waits, as long as there are places. */
  #fill(kind: WorkKind): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { line } = this.#places[kind]
      while (line.length > 0 && this.hasPlace(kind)) {
        const job = line.shift()!
        const active = job.queued?.[0]
        if (active?.isWritten !== true || (job.definition.overlap !== "allow" && job.running > 0)) continue
        this.#dequeue(active)
        active.startedAt = isoOf(this.#options.wall())
        this.#take(active)
        yield* this.#begin(active)
      }
    })
  }

  /** What has waited: its beginning is written down, then it begins. */
  #begin(active: ActiveRun): Effect.Effect<void> {
    const { database, scope } = this.#options
    return this.#insist(() => database.write((sql) => rows.startRun(sql, active.run, active.startedAt!))).pipe(
      Effect.andThen(this.#launch(active)),
      Effect.forkIn(scope),
      Effect.asVoid
    )
  }

  /** A job was removed, or replaced: what waits of it is dropped. Whether there was anything. */
  drop(job: Job, at: string): boolean {
    const { queued = [] } = job
    job.queued = undefined
    for (const active of queued) {
      this.#active.delete(active.run)
      const dropped = { ...describeActive(active), state: "skipped" as const, endedAt: at, error: rows.REMOVED }
      Deferred.doneUnsafe(active.ended, Exit.succeed(dropped))
    }
    return queued.length > 0
  }

  /** A run that had not ended when the daemon before this one did. */
  resume(row: rows.RunRow, job: Job | undefined): Effect.Effect<void> {
    const { id, kind, namespace, run } = row
    const gone = { number: row.job, namespace, id, work: undefined, retries: 0, timeoutMillis: null } as const
    const active: ActiveRun = {
      run,
      job,
      of: job?.definition ?? { ...gone, guarantee: "at-most-once" },
      kind,
      slot: row.slot === null ? null : Date.parse(row.slot),
      cause: row.cause,
      decidedAt: row.decided_at,
      startedAt: row.started_at,
      isWritten: true,
      session: row.session,
      ended: Deferred.makeUnsafe()
    }
    this.#active.set(run, active)
    if (row.state === "queued" && job !== undefined) {
      ;(job.queued ??= []).push(active)
      this.#places[kind].line.push(job)
      return this.#fill(kind)
    }
    this.#take(active)
    if (row.state === "queued") return this.#goOn(active, Effect.succeed({ state: "skipped", error: rows.REMOVED }))
    return this.#goOn(active, kind === "method" ? Effect.succeed(CUT_OFF) : this.#findLeft(active), row.attempts)
  }

  /** The command may still run, or have ended while no daemon did. */
  #findLeft(active: ActiveRun): Effect.Effect<Outcome> {
    const { sessions, settings } = this.#options
    return Effect.gen(function* () {
      const found = yield* findCommand(sessions, active.run)
      if (Option.isNone(found)) return CUT_OFF
      active.session = found.value.id
      return yield* awaitCommand(sessions, found.value.id, settings().outputBytes, active.startedAt)
    }).pipe(Effect.catch((error) => Effect.succeed<Outcome>({ ...CUT_OFF, error: error.message })))
  }

  #announce(event: JobEvent["event"], active: ActiveRun, more: Partial<JobEvent> = {}): void {
    const { cause, job, of, run, slot } = active
    const { id: jobId, namespace, work } = of
    const what = work === undefined ? {} : "method" in work ? { method: work.method } : { command: work.command }
    const runCount = job?.standing.runCount ?? 0
    const instant = slot === null ? null : isoOf(slot)
    const message: JobEvent = { event, jobId, run, slot: instant, cause, runCount, ...what, ...more }
    this.#options.announcer.announce({ namespace, channel: `${JOBS_PREFIX}${namespace}` as ChannelName, message })
  }
}

const CUT_OFF: Outcome = {
  state: "interrupted",
  error: "The daemon ended while it ran; how far it got is not known.",
  tookMillis: null
}

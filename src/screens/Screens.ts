import { Result, Schema } from "effect"
import { type ScreensAsk, ScreensRequest } from "../protocol/screens.ts"
import type { HostEvent, HostSession } from "../protocol/sessionHost.ts"
import { Activities } from "./Activities.ts"
import { Awake } from "./Awake.ts"
import { GiveBack } from "./GiveBack.ts"
import type { HostConnection } from "./HostConnection.ts"
import { Keeper } from "./Keeper.ts"
import { Keepers } from "./Keepers.ts"
import { perform } from "./requests/perform.ts"
import { errorOf, ScreensFailure } from "./ScreensFailure.ts"
import { Titles } from "./Titles.ts"
import { Turns, type Worker } from "./Turns.ts"

export interface ScreensOptions {
  readonly host: HostConnection
  /** The directory of session directories. */
  readonly directory: string
  /** What its user has written about agents: `agents.json`. */
  readonly agents: string
  readonly log: (message: string) => void
  readonly awake?: Awake
  readonly sleepMillis?: number
  readonly endedSleepMillis?: number
  readonly checkpointBytes?: number
  /** How long an answer waits for output that was printed just before it was asked for. */
  readonly reachMillis?: number
  /** How long who attaches waits for output that is on its way here. */
  readonly snapshotReachMillis?: number
  readonly giveBack?: GiveBack
}

/** Who attaches to a session that floods begins with what is known of it by then. */
const SNAPSHOT_REACH_MILLIS = 300

const decodeRequest = Schema.decodeUnknownResult(ScreensRequest)

/** Every session under a terminal that the host holds, and what is asked about them. */
export class Screens {
  readonly #options: ScreensOptions
  readonly #keepers: Keepers
  readonly #awake: Awake
  readonly #activities: Activities
  readonly #titles: Titles
  readonly #giveBack: GiveBack
  readonly #asked = new Map<number, AbortController>()

  constructor(options: ScreensOptions) {
    this.#options = options
    this.#giveBack = options.giveBack ?? new GiveBack()
    const turns = new Turns((worker, error) => this.#onFailed(worker, error))
    this.#awake = options.awake ?? new Awake()
    this.#keepers = new Keepers({ ...options, turns, awake: this.#awake, letGo: () => this.#giveBack.later() })
    const { agents, host, log } = options
    this.#activities = new Activities({
      agents,
      log,
      announce: (session, activity) => host.announce({ type: "activity", session, activity })
    })
    this.#titles = new Titles((session, title) => host.announce({ type: "title", session, title }))
  }

  /** Takes up the sessions that are there. Rejects when the host does not know this process. */
  async start(): Promise<void> {
    const { host } = this.#options
    const sessions = await host.hello({ event: (event) => this.#onEvent(event), ask: (ask) => void this.#onAsk(ask) })
    for (const session of sessions) this.#keep(session)
  }

  /** Puts on disk what is not there yet. */
  close(): void {
    for (const asked of this.#asked.values()) asked.abort()
    this.#activities.close()
    this.#titles.close()
    this.#giveBack.close()
    this.#keepers.close()
    this.#awake.close()
  }

  #keep(session: HostSession): void {
    const keeper = this.#keepers.add(session)
    if (keeper === null) return
    this.#titles.watch(keeper)
    if (session.exit === null) this.#activities.watch(session, keeper)
  }

  #onEvent({ event, session }: HostEvent): void {
    switch (event) {
      case "started":
        return this.#keep(session)
      case "exited":
        this.#activities.end(session.id)
        return this.#keepers.exited(session.id)
      case "closed":
        this.#activities.end(session.id)
        return this.#keepers.closed(session.id)
      case "removed":
        this.#activities.end(session.id)
        this.#titles.forget(session.id)
        return this.#keepers.removed(session.id)
    }
  }

  #onFailed(worker: Worker, error: unknown): void {
    this.#options.log(`a session's output could not be taken: ${error instanceof Error ? error.stack : String(error)}`)
    if (worker instanceof Keeper) worker.close({ forget: true })
  }

  async #onAsk(ask: ScreensAsk): Promise<void> {
    if ("cancel" in ask) return this.#asked.get(ask.cancel)?.abort()
    if ("snapshot" in ask) return this.#snapshot(ask)
    const { host } = this.#options
    const aborter = new AbortController()
    this.#asked.set(ask.ask, aborter)
    try {
      const request = decodeRequest(ask.request)
      if (Result.isFailure(request)) throw new ScreensFailure("bad-request", request.failure.message)
      const result = await perform(
        { host, keepers: this.#keepers, activities: this.#activities },
        request.success,
        aborter.signal
      )
      if (!aborter.signal.aborted) host.answer({ answer: ask.ask, result })
    } catch (error) {
      if (!aborter.signal.aborted) host.answer({ answer: ask.ask, error: errorOf(error) })
    } finally {
      this.#asked.delete(ask.ask)
    }
  }

  async #snapshot(ask: Extract<ScreensAsk, { snapshot: number }>): Promise<void> {
    const { head, historyLines, session, snapshot: id } = ask
    const { host, log } = this.#options
    try {
      const millis = this.#options.snapshotReachMillis ?? SNAPSHOT_REACH_MILLIS
      const held = head === undefined ? null : this.#keepers.at(session, head, millis)
      const keeper = await (held ?? this.#keepers.get(session, millis))
      host.snapshot(id, keeper.snapshot(historyLines))
    } catch (error) {
      if (!(error instanceof ScreensFailure)) log(`a snapshot: ${error instanceof Error ? error.stack : String(error)}`)
      host.snapshot(id, null)
    }
  }
}

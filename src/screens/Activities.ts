import { statSync } from "node:fs"
import { type LoadedAgents, loadAgents } from "../activity/loadAgents.ts"
import { viewOf } from "../activity/fromTerminal.ts"
import type { Activity } from "../protocol/activity.ts"
import type { SessionId } from "../protocol/ids.ts"
import type { Explanation } from "../protocol/screens.ts"
import type { HostSession } from "../protocol/sessionHost.ts"
import { ActivityWatch } from "./ActivityWatch.ts"
import type { Keeper } from "./Keeper.ts"
import { ScreensFailure } from "./ScreensFailure.ts"

export interface ActivitiesOptions {
  /** Path of `agents.json`. */
  readonly agents: string
  readonly log: (message: string) => void
  readonly announce: (session: SessionId, activity: Activity) => void
}

interface Watched {
  readonly watch: ActivityWatch
  readonly unlisten: () => void
}

/** What an agent's hook told. */
export interface Hook {
  readonly agent: string
  readonly event: string
  readonly detail?: string
}

const ended = (id: SessionId) =>
  new ScreensFailure("ended", `Session ${id} has ended: its program is not about anything any more.`)

/** What the programs of all running sessions are about. */
export class Activities {
  readonly #options: ActivitiesOptions
  readonly #watched = new Map<SessionId, Watched>()
  readonly #listeners = new Set<(session: SessionId, activity: Activity) => void>()
  #loaded: LoadedAgents
  #changedAt: number | null

  constructor(options: ActivitiesOptions) {
    this.#options = options
    this.#changedAt = changedAt(options.agents)
    this.#loaded = this.#load()
  }

  /** Watches a session that runs, until its end. */
  watch(session: HostSession, keeper: Keeper): void {
    const { command, createdAt, id, output } = session
    if (this.#watched.has(id)) return
    this.#reload()
    const before = keeper.activity
    const watch = new ActivityWatch({
      command,
      startedAt: Date.parse(createdAt),
      agents: this.#loaded.agents,
      ...(before === null ? {} : { before }),
      pid: () => session.pid,
      view: (revision, anyway) => viewOf(keeper.wake().emulator, revision, anyway),
      announce: (activity) => this.#announce(keeper, activity)
    })
    // What was printed before this process began is no news: only what it led to.
    const isCurrent = () => keeper.position >= output.end
    const unlisten = keeper.listen({
      changed: () => isCurrent() && keeper.live && watch.changed(),
      sign: (sign) => watch.sign(sign)
    })
    this.#watched.set(id, { watch, unlisten })
    // What waits for its user or is idle is so until something changes.
    const isSettled = before?.state === "waiting" || before?.state === "idle"
    if (!isSettled && isCurrent()) watch.changed()
  }

  /** The program has ended. */
  end(id: SessionId): void {
    const watched = this.#watched.get(id)
    if (watched === undefined) return
    watched.unlisten()
    watched.watch.close()
    this.#watched.delete(id)
  }

  close(): void {
    for (const id of this.#watched.keys()) this.end(id)
  }

  /** Null for a session that doesn't run. */
  of(id: SessionId): Activity | null {
    return this.#watched.get(id)?.watch.activity ?? null
  }

  /** What a session's agent asks its user, in a few words; null when it asks nothing, or no agent has the terminal. */
  asking(id: SessionId): string | null {
    const activity = this.of(id)
    if (activity?.state !== "waiting") return null
    return this.isAgent(activity.agent) ? (this.#running(id).explain().reasons[0]?.detail ?? activity.agent) : null
  }

  /** Whether what an activity tells as `agent` is one, and not a shell or the like. */
  isAgent(agent: string | null): boolean {
    return this.#loaded.agents.some(({ kind, name }) => name === agent && kind === "agent")
  }

  all(): ReadonlyArray<{ readonly session: SessionId; readonly activity: Activity }> {
    this.#reload()
    return [...this.#watched].map(([session, { watch }]) => ({ session, activity: watch.activity }))
  }

  /** Hears every change from now on; gives what ends that. */
  listen(listener: (session: SessionId, activity: Activity) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Throws a {@link ScreensFailure} for a session that doesn't run. */
  explain(id: SessionId): Explanation {
    this.#reload()
    const explanation = this.#running(id).explain()
    const { problem } = this.#loaded
    if (problem === null) return explanation
    return { ...explanation, reasons: [...explanation.reasons, { rule: "agents.json", detail: problem }] }
  }

  /** Throws a {@link ScreensFailure} for a session that doesn't run. */
  hook(id: SessionId, { agent, detail, event }: Hook): Record<string, never> {
    this.#running(id).hook(agent, event, detail)
    return {}
  }

  #running(id: SessionId): ActivityWatch {
    const watched = this.#watched.get(id)
    if (watched === undefined) throw ended(id)
    return watched.watch
  }

  #announce(keeper: Keeper, activity: Activity): void {
    keeper.activity = activity
    this.#options.announce(keeper.id, activity)
    for (const listener of this.#listeners) listener(keeper.id, activity)
  }

  #load(): LoadedAgents {
    const loaded = loadAgents(this.#options.agents)
    if (loaded.problem !== null) this.#options.log(loaded.problem)
    return loaded
  }

  /** What is written in the file is in force when somebody asks the next time. */
  #reload(): void {
    const at = changedAt(this.#options.agents)
    if (at === this.#changedAt) return
    this.#changedAt = at
    this.#loaded = this.#load()
    for (const { watch } of this.#watched.values()) watch.use(this.#loaded.agents)
  }
}

/** Null when there is no such file. */
const changedAt = (path: string): number | null => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null

import type { Activity, ActivityReason, ActivityState } from "../protocol/activity.ts"
import { decide, type Evidence, questionMillis, staleAt, type Verdicts } from "./decide.ts"
import type { Foreground } from "./foreground.ts"
import { recognise } from "./recognise.ts"
import { type Agent, readScreen } from "./rules.ts"
import { Regions, type ScreenView } from "./ScreenView.ts"
import { type Sign, type SignRecord, Signs } from "./signs.ts"

export interface TrackerOptions {
  /** The session's command, as executed. */
  readonly command: ReadonlyArray<string>
  readonly agents: ReadonlyArray<Agent>
  /** When the session began, in milliseconds since 1970; so are all times here. */
  readonly startedAt: number
  /** What was known of it before, by a tracker that is gone: it is so until something else is seen. */
  readonly before?: Activity
}

export interface Observation {
  /** Absent when it is as it was, or in the middle of being drawn. */
  readonly screen?: ScreenView
  readonly now: number
  /** Asks who has the terminal; called only when that may matter, since it costs more than looking at the screen. */
  readonly foreground?: () => Foreground | null
}

/** Why the activity is what it is, and all that was looked at. */
export interface TrackerExplanation {
  readonly activity: Activity
  readonly reasons: ReadonlyArray<ActivityReason>
  readonly lines: ReadonlyArray<string>
  /** Newest first. */
  readonly signs: ReadonlyArray<SignRecord>
}

/**
 * How long it has to stay so until it counts. Work counts at once, so that nothing flickers between two frames; idle
 * has to last, since between two steps an agent looks as if it had finished.
 */
const settleMillis: Record<ActivityState, number> = { working: 0, waiting: 150, idle: 700, unknown: 1_500 }
/** A shell's own work may be the blink between two prompts; and it has no steps that it rests between. */
const busyMillis = 300
const promptMillis = 250
const redrawMillis = 500
/** How often it is looked again at what shows itself nowhere, a program that begins to read: less often when it is quiet for long. */
const pollMillis = 500
const rarestPollMillis = 5_000
/** An agent that is recognised stays it for so long without looking at processes again. */
const foregroundMillis = 400

/** Of more than so many it is forgotten how they read. */
const maxEditors = 64

interface Decided {
  readonly state: ActivityState
  readonly agent: Agent | null
  readonly since: number
  readonly verdicts: Verdicts
}

const settling = (before: ActivityState, state: ActivityState, rule: string, agent: Agent | null): number => {
  if (rule.endsWith("/busy")) return busyMillis
  // Idle is a promise: it isn't kept up for longer than a redraw takes.
  if (state === "unknown" && before === "idle") return redrawMillis
  return state === "idle" && agent?.kind !== "agent" ? promptMillis : settleMillis[state]
}

const nothing = (detail: string, state: ActivityState = "unknown"): Verdicts => [{ state, rule: "nothing", detail }]

const remembered = ({ agents, before }: TrackerOptions): Decided | null => {
  if (before === undefined) return null
  const { agent, since, state } = before
  const verdicts = nothing("it was so before; nothing has been seen since", state)
  return { state, agent: agents.find(({ name }) => name === agent) ?? null, since: Date.parse(since), verdicts }
}

/**
 * Says what the program of one session is about, from its rendered screen, its own signs and who has the terminal.
 * It has no clock and no timers: it says by `recheckAt` when it wants to be asked again though nothing has changed.
 */
export class ActivityTracker {
  readonly #options: TrackerOptions
  readonly #signs = new Signs()
  #current: Decided
  /** What it seems to be since `since`, and isn't yet. */
  #candidate: Decided
  #regions: Regions | null = null
  #quietSince: number
  #idleSince: number | null = null
  #agent: Agent | null = null
  #agentSince: number
  #agentSeen = false
  #foreground: Foreground | null = null
  #foregroundAt = -Infinity
  readonly #editors = new Set<number>()
  #recheckAt: number | null = null
  #signed = false

  constructor(options: TrackerOptions) {
    this.#options = options
    this.#quietSince = this.#agentSince = options.startedAt
    this.#current = remembered(options) ?? {
      state: "unknown",
      agent: null,
      since: options.startedAt,
      verdicts: nothing("nothing has been seen yet")
    }
    this.#candidate = this.#current
  }

  /** What it is about, and since when. */
  get current(): Activity {
    const { agent, since, state } = this.#current
    return { state, since: new Date(since).toISOString(), agent: agent?.name ?? null }
  }

  /** Whether it has been shown a screen. */
  get hasSeen(): boolean {
    return this.#regions !== null
  }

  /** When it wants to be asked again even if nothing changes; null: not before something does. */
  get recheckAt(): number | null {
    return this.#recheckAt
  }

  /** Takes a sign. It counts from the next observation on, which should follow soon. */
  sign(sign: Sign, at: number): void {
    if (this.#signs.take(sign, at)) this.#signed = true
  }

  /** Looks at the screen, and at the processes where they matter. Costs next to nothing when nothing has changed. */
  observe({ foreground, now, screen }: Observation): Activity {
    const changed = screen !== undefined && this.#regions?.view.revision !== screen.revision
    const due = this.#recheckAt !== null && now >= this.#recheckAt
    if (!changed && !due && !this.#signed) return this.current
    this.#signed = false
    if (changed) {
      this.#regions = new Regions(screen)
      this.#quietSince = now
    }
    const regions = this.#regions
    if (regions === null) return this.current
    this.#lookForeground(foreground, now)
    this.#recognise(regions, now)
    const evidence = this.#evidence(regions, now)
    this.#settle(decide(evidence), now)
    return this.current
  }

  explain(): TrackerExplanation {
    const [verdict, ...others] = this.#current.verdicts
    const reasons = [verdict, ...others].map(({ detail, rule, state }) => ({
      rule,
      detail: state === this.#current.state ? detail : `${detail} (would be ${state})`
    }))
    if (this.#candidate !== this.#current && this.#candidate.state !== this.#current.state) {
      const { detail, rule, state } = this.#candidate.verdicts[0]
      reasons.push({ rule, detail: `${detail} (becomes ${state} if it stays so)` })
    }
    const lines = this.#regions?.filled ?? []
    return { activity: this.current, reasons, lines, signs: this.#signs.history.toReversed() }
  }

  #lookForeground(foreground: (() => Foreground | null) | undefined, now: number): void {
    if (foreground === undefined) {
      this.#foreground = null
      return
    }
    if (this.#agent?.kind === "agent" && now - this.#foregroundAt < foregroundMillis) return
    this.#foregroundAt = now
    this.#foreground = foreground()
    for (const { pid, reads } of this.#foreground?.processes ?? []) if (reads === "editor") this.#editors.add(pid)
    if (this.#editors.size > maxEditors) this.#editors.clear()
  }

  #recognise(regions: Regions, now: number): void {
    const { agents, command } = this.#options
    const app = this.#signs.status.app
    const agent = recognise(agents, { command, app, regions, foreground: this.#foreground })
    // Between two programs nobody has the terminal for a moment.
    if (agent === this.#agent || this.#foreground?.processes.length === 0) return
    if (this.#agent?.kind === "agent") this.#signs.programEnded()
    this.#agent = agent
    this.#agentSince = now
    this.#agentSeen = false
    this.#idleSince = null
  }

  #evidence(regions: Regions, now: number): Evidence {
    const agent = this.#agent
    const idle = agent?.kind === "agent" && readScreen(agent, regions)?.state === "idle"
    this.#idleSince = idle ? (this.#idleSince ?? now) : null
    return {
      now,
      agent,
      regions,
      foreground: this.#foreground,
      editors: this.#editors,
      signs: this.#signs,
      quietSince: this.#quietSince,
      idleSince: this.#idleSince,
      agentSince: this.#agentSince,
      agentSeen: this.#agentSeen
    }
  }

  #settle(verdicts: Verdicts, now: number): void {
    const [{ rule, state }] = verdicts
    const agent = this.#agent
    if (state !== "unknown" && !rule.endsWith("/starting")) this.#agentSeen = true
    const same = this.#candidate.state === state && this.#candidate.agent === agent
    this.#candidate = { state, agent, verdicts, since: same ? this.#candidate.since : now }
    const settled = now - this.#candidate.since
    const needed = settling(this.#current.state, state, rule, agent)
    const { state: before, agent: agentBefore } = this.#current
    if (before === state && agentBefore === agent) {
      this.#current = { ...this.#candidate, since: this.#current.since }
      this.#candidate = this.#current
    } else if (settled >= needed || (agentBefore?.name !== agent?.name && state !== "idle")) {
      const since = before === state ? this.#current.since : this.#candidate.since
      this.#current = { ...this.#candidate, since }
      this.#candidate = this.#current
    }
    this.#recheckAt = this.#nextLook(needed, now)
  }

  #nextLook(needed: number, now: number): number | null {
    const times: Array<number> = []
    if (this.#candidate !== this.#current) times.push(this.#candidate.since + needed)
    if (now - this.#quietSince < questionMillis) times.push(this.#quietSince + questionMillis)
    const stale = staleAt({ idleSince: this.#idleSince, signs: this.#signs })
    if (stale !== null && stale > now) times.push(stale)
    // Work shows itself by its end, except where only processes tell.
    const { state } = this.#current
    if (this.#foreground !== null && this.#agent?.kind !== "agent" && state === "working") {
      times.push(now + Math.min(rarestPollMillis, Math.max(pollMillis, (now - this.#quietSince) / 20)))
    }
    return times.length === 0 ? null : Math.max(now + 1, Math.min(...times))
  }
}

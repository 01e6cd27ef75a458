import { ActivityTracker } from "../activity/ActivityTracker.ts"
import type { Foreground } from "../activity/foreground.ts"
import { signOf } from "../activity/fromTerminal.ts"
import type { Agent } from "../activity/rules.ts"
import type { ScreenView } from "../activity/ScreenView.ts"
import type { Activity } from "../protocol/activity.ts"
import type { Explanation } from "../protocol/screens.ts"
import type { Sign } from "../terminal/sequences.ts"
import { readForeground } from "./foreground.ts"

export interface ActivityWatchOptions {
  readonly command: ReadonlyArray<string>
  readonly startedAt: number
  readonly agents: ReadonlyArray<Agent>
  /** What was known of it by the screens process before this one. */
  readonly before?: Activity
  /** The program's process id while it runs, else null. */
  readonly pid: () => number | null
  /** The screen; null while it is being drawn, unless `anyway`, and when it can't be had. */
  readonly view: (revision: number, anyway: boolean) => ScreenView | null
  readonly announce: (activity: Activity) => void
  readonly foreground?: (pid: number) => Foreground | null
}

/** After a change the screen is looked at so much later: what changes together is seen together. */
const LOOK_MILLIS = 120
/** A frame that is not finished is waited for so often, and for so long each time. */
const FRAME_TRIES = 6
const FRAME_MILLIS = 50

/** Looks at one session when there is a reason to, and tells when what its program is about has changed. */
export class ActivityWatch {
  readonly #options: ActivityWatchOptions
  #tracker: ActivityTracker
  readonly #foreground: (pid: number) => Foreground | null
  #announced: Activity
  #revision = 0
  /** The screen has changed since it was looked at. */
  #changed = false
  #tries = 0
  #timer: NodeJS.Timeout | null = null
  #dueAt = Infinity
  #closed = false

  constructor(options: ActivityWatchOptions) {
    this.#options = options
    const { agents, before, command, startedAt } = options
    this.#tracker = new ActivityTracker({ agents, command, startedAt, ...(before === undefined ? {} : { before }) })
    this.#foreground = options.foreground ?? readForeground
    this.#announced = this.#tracker.current
  }

  get activity(): Activity {
    return this.#tracker.current
  }

  /** The screen may be another: output, or a size. */
  changed(): void {
    this.#revision += 1
    this.#changed = true
    this.#lookIn(LOOK_MILLIS)
  }

  sign(sign: Sign): void {
    const said = signOf(sign)
    if (said === null) return
    this.#tracker.sign(said, Date.now())
    this.#lookIn(LOOK_MILLIS)
  }

  /** Other rules are in force: what is known is known by the ones before, until it is looked at again. */
  use(agents: ReadonlyArray<Agent>): void {
    const { command, startedAt } = this.#options
    this.#tracker = new ActivityTracker({ agents, command, startedAt, before: this.#tracker.current })
    this.changed()
  }

  /** An agent's own hook told what it is about. */
  hook(agent: string, event: string, detail?: string): void {
    this.#tracker.sign({ sign: "hook", agent, event, ...(detail === undefined ? {} : { detail }) }, Date.now())
    // Nothing may have been seen of it yet: it slept when this process began.
    this.changed()
    this.#lookIn(0)
  }

  /** Why it is so, as of now. */
  explain(): Explanation {
    if (!this.#tracker.hasSeen) this.#changed = true
    if (this.#changed) this.#look()
    const { activity, lines, reasons, signs } = this.#tracker.explain()
    const dated = signs.map(({ at, detail, sign }) => ({ at: new Date(at).toISOString(), sign, detail }))
    return { activity, reasons, lines, signs: dated }
  }

  close(): void {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  #lookIn(millis: number): void {
    const dueAt = Date.now() + millis
    if (this.#closed || this.#dueAt <= dueAt) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#dueAt = dueAt
    this.#timer = setTimeout(() => this.#look(), millis)
  }

  #look(): void {
    this.#dueAt = Infinity
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const screen = this.#changed ? this.#options.view(this.#revision, this.#tries >= FRAME_TRIES) : null
    if (this.#changed && screen === null && this.#tries < FRAME_TRIES) {
      this.#tries += 1
      return this.#lookIn(FRAME_MILLIS)
    }
    this.#changed = false
    this.#tries = 0
    const pid = this.#options.pid()
    const foreground = pid === null ? {} : { foreground: () => this.#foreground(pid) }
    const activity = this.#tracker.observe({ now: Date.now(), ...(screen === null ? {} : { screen }), ...foreground })
    const { recheckAt } = this.#tracker
    if (recheckAt !== null) this.#lookIn(Math.max(1, recheckAt - Date.now()))
    const last = this.#announced
    if (last.state === activity.state && last.agent === activity.agent) return
    this.#announced = activity
    this.#options.announce(activity)
  }
}

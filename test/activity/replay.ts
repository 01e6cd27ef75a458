import { ActivityTracker } from "../../src/activity/ActivityTracker.ts"
import { builtInAgents } from "../../src/activity/agents/builtIn.ts"
import type { Foreground } from "../../src/activity/foreground.ts"
import { signOf, viewOf } from "../../src/activity/fromTerminal.ts"
import type { Activity, ActivityState } from "../../src/protocol/activity.ts"
import { Emulator } from "../../src/terminal/Emulator.ts"
import type { Recording } from "../support/recorder/Recording.ts"

/** A change of activity, at a time in milliseconds since the beginning of the recording. */
export interface Change {
  readonly at: number
  readonly activity: Activity
}

export interface ReplayOptions {
  /** Processes can't be seen, as on macOS. */
  readonly noProcesses?: boolean
  /** Nothing is known but the screen: no signs, no titles. */
  readonly screenOnly?: boolean
}

/** The screens process looks this long after output has come, and not more often. */
const lookMillis = 150

/** Plays a recording through an emulator to a tracker, by a clock of its own; gives every change of the activity. */
export const replay = (recording: Recording, options: ReplayOptions = {}): ReadonlyArray<Change> => {
  const { noProcesses = false, screenOnly = false } = options
  const tracker = new ActivityTracker({ command: recording.command, agents: builtInAgents, startedAt: 0 })
  const emulator = new Emulator({ cols: recording.cols, rows: recording.rows, scrollback: 0 })
  const changes: Array<Change> = []
  let revision = 0
  let foreground: Foreground | null = null
  let now = 0
  emulator.onSign((terminalSign) => {
    const sign = signOf(terminalSign)
    if (sign !== null && !screenOnly) tracker.sign(sign, now)
  })
  const look = (at: number) => {
    now = at
    const view = viewOf(emulator, revision)
    const activity = tracker.observe({
      now: at,
      ...(view === null ? {} : { screen: screenOnly ? { ...view, title: "" } : view }),
      ...(noProcesses ? {} : { foreground: () => foreground })
    })
    const last = changes.at(-1)?.activity
    if (last?.state !== activity.state || last.agent !== activity.agent) changes.push({ at, activity })
  }
  let pending = ""
  const show = () => {
    emulator.write(Buffer.from(pending, "utf8"))
    pending = ""
  }
  let dueAt: number | null = 0
  const until = (time: number) => {
    for (;;) {
      const next = Math.min(dueAt ?? Infinity, tracker.recheckAt ?? Infinity)
      if (next > time) return
      show()
      look(next)
      if (dueAt !== null && next >= dueAt) dueAt = null
    }
  }
  for (const event of recording.events) {
    const time = event[0] * 1000
    until(time)
    now = time
    if (event[1] === "o") pending += event[2]
    else show()
    if (event[1] === "r") {
      const [cols = 80, rows = 24] = event[2].split("x").map(Number)
      emulator.resize(cols, rows)
    }
    if (event[1] === "s" && !screenOnly) tracker.sign({ sign: "hook", ...event[2] }, time)
    if (event[1] === "f") {
      foreground = event[2]
      continue
    }
    revision += 1
    dueAt ??= time + lookMillis
  }
  until(recording.seconds * 1000)
  return changes
}

export const stateAt = (changes: ReadonlyArray<Change>, millis: number): ActivityState =>
  changes.findLast(({ at }) => at <= millis)?.activity.state ?? "unknown"

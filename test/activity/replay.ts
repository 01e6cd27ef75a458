import headless from "@xterm/headless"
import { ActivityTracker } from "../../src/activity/ActivityTracker.ts"
import { builtInAgents } from "../../src/activity/agents/builtIn.ts"
import type { Foreground } from "../../src/activity/foreground.ts"
import type { ScreenView } from "../../src/activity/ScreenView.ts"
import { signCodes, signOfOsc } from "../../src/activity/signs.ts"
import type { Activity, ActivityState } from "../../src/protocol/activity.ts"
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

const writeTo = (terminal: headless.Terminal, data: string) =>
  new Promise<void>((resolve) => terminal.write(data, resolve))

/** Plays a recording through an emulator to a tracker, by a clock of its own; gives every change of the activity. */
export const replay = async (recording: Recording, options: ReplayOptions = {}): Promise<ReadonlyArray<Change>> => {
  const { noProcesses = false, screenOnly = false } = options
  const tracker = new ActivityTracker({ command: recording.command, agents: builtInAgents, startedAt: 0 })
  const terminal = new headless.Terminal({ cols: recording.cols, rows: recording.rows, allowProposedApi: true })
  const changes: Array<Change> = []
  let title = ""
  let revision = 0
  let foreground: Foreground | null = null
  let now = 0
  if (!screenOnly) {
    terminal.onTitleChange((text) => (title = text))
    for (const code of signCodes) {
      terminal.parser.registerOscHandler(code, (data) => {
        const sign = signOfOsc(code, data)
        if (sign !== null) tracker.sign(sign, now)
        return true
      })
    }
  }
  const view = (): ScreenView => {
    const buffer = terminal.buffer.active
    const rows = Array.from({ length: terminal.rows }, (_, row) =>
      (buffer.getLine(buffer.baseY + row)?.translateToString(true) ?? "").trimEnd()
    )
    const { applicationCursorKeysMode, bracketedPasteMode, mouseTrackingMode } = terminal.modes
    return {
      revision,
      rows,
      title,
      cursor: { row: buffer.cursorY, column: buffer.cursorX, visible: true },
      alternate: buffer.type === "alternate",
      interactive: applicationCursorKeysMode || bracketedPasteMode || mouseTrackingMode !== "none"
    }
  }
  const look = (at: number) => {
    now = at
    const activity = tracker.observe({
      now: at,
      screen: view(),
      ...(noProcesses ? {} : { foreground: () => foreground })
    })
    const last = changes.at(-1)?.activity
    if (last?.state !== activity.state || last.agent !== activity.agent) changes.push({ at, activity })
  }
  let pending = ""
  const show = async () => {
    if (pending === "") return
    const text = pending
    pending = ""
    await writeTo(terminal, text)
  }
  let dueAt: number | null = 0
  const until = async (time: number) => {
    for (;;) {
      const next = Math.min(dueAt ?? Infinity, tracker.recheckAt ?? Infinity)
      if (next > time) return
      await show()
      look(next)
      if (dueAt !== null && next >= dueAt) dueAt = null
    }
  }
  for (const event of recording.events) {
    const time = event[0] * 1000
    await until(time)
    now = time
    if (event[1] === "o") pending += event[2]
    else await show()
    if (event[1] === "r") {
      const [cols = 80, rows = 24] = event[2].split("x").map(Number)
      terminal.resize(cols, rows)
    }
    if (event[1] === "s" && !screenOnly) tracker.sign({ sign: "hook", ...event[2] }, time)
    if (event[1] === "f") {
      foreground = event[2]
      continue
    }
    revision += 1
    dueAt ??= time + lookMillis
  }
  await until(recording.seconds * 1000)
  return changes
}

export const stateAt = (changes: ReadonlyArray<Change>, millis: number): ActivityState =>
  changes.findLast(({ at }) => at <= millis)?.activity.state ?? "unknown"

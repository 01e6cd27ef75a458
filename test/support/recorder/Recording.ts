import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync, gzipSync } from "node:zlib"
import type { Foreground } from "../../../src/activity/foreground.ts"
import type { ActivityState } from "../../../src/protocol/activity.ts"

/** What happened at a time, in seconds since the beginning: output, a size, who has the terminal, a hook's sign. */
export type Recorded =
  | readonly [time: number, code: "o", data: string]
  | readonly [time: number, code: "r", size: string]
  | readonly [time: number, code: "f", foreground: Foreground | null]
  | readonly [
      time: number,
      code: "s",
      sign: { readonly agent: string; readonly event: string; readonly detail?: string }
    ]

/** From `at` on, in seconds, the program was `state`; `why` is what the driver did or saw happen outside the screen. */
export interface Label {
  readonly at: number
  readonly state: ActivityState
  readonly why: string
}

/** One scene as it was played, beside what it was about at each time, said by who drove it. */
export interface Recording {
  readonly name: string
  /** The command of the session, without its directory. */
  readonly command: ReadonlyArray<string>
  readonly version: string
  readonly about: string
  readonly cols: number
  readonly rows: number
  readonly seconds: number
  readonly labels: ReadonlyArray<Label>
  readonly events: ReadonlyArray<Recorded>
}

/** `NAME.cast.gz`: asciicast v2 with two event codes more, `f` and `s`, that players skip. `NAME.json`: the rest. */
export const writeRecording = (directory: string, { events, ...about }: Recording): void => {
  const head = { version: 2, width: about.cols, height: about.rows, title: about.name }
  const lines = [head, ...events].map((line) => `${JSON.stringify(line)}\n`)
  writeFileSync(join(directory, `${about.name}.cast.gz`), gzipSync(lines.join(""), { level: 9 }))
  writeFileSync(join(directory, `${about.name}.json`), `${JSON.stringify(about, null, 2)}\n`)
}

export const readRecording = (directory: string, name: string): Recording => {
  const about = JSON.parse(readFileSync(join(directory, `${name}.json`), "utf8")) as Omit<Recording, "events">
  const lines = gunzipSync(readFileSync(join(directory, `${name}.cast.gz`))).toString("utf8")
  const events = lines
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => JSON.parse(line) as Recorded)
  return { ...about, events }
}

/** Tells on standard error how far a job is: a bar on a terminal, lines elsewhere. */
import { isatty } from "node:tty"
import type { JobProgress } from "../../protocol/upstream.ts"
import { printError, writeAll } from "../stdio.ts"
import { progressLine } from "./progressBar.ts"
import { oneLine } from "./text.ts"

export type JobPrint = "progressbar" | "description"

export interface JobReport {
  readonly progress: (progress: JobProgress) => void
  /** Nothing more will come: what stands on the terminal stays there. Once is enough, and more does no harm. */
  readonly end: () => void
}

/** Often enough to be seen to live. */
const REDRAW_MILLIS = 1000
/** Of a terminal that does not say how wide it is. */
const DEFAULT_WIDTH = 80

export const jobReport = (print: JobPrint, json: boolean): JobReport => {
  if (json)
    return { progress: (progress) => printError(JSON.stringify({ type: "progress", ...progress })), end: () => {} }
  if (print === "description") return descriptions()
  return isatty(2) ? bar() : lines()
}

/** Each one that is another than the one before. */
const descriptions = (): JobReport => {
  let last = ""
  return {
    progress: ({ description }) => {
      if (description === null || description === "" || description === last) return
      last = description
      printError(oneLine(description))
    },
    end: () => {}
  }
}

const lines = (): JobReport => {
  let last = ""
  return {
    progress: ({ description, percent, state }) => {
      const number = percent === null ? "" : `${Math.floor(percent)}%`.padStart(4)
      const line = `${number} ${oneLine(description === null || description === "" ? state : description)}`.trimEnd()
      if (line !== last) printError(line)
      last = line
    },
    end: () => {}
  }
}

const bar = (): JobReport => {
  const began = Date.now()
  let shown: JobProgress | undefined
  const draw = (): void => {
    if (shown === undefined) return
    const line = progressLine(shown, Date.now() - began, process.stderr.columns || DEFAULT_WIDTH)
    writeAll(2, Buffer.from(`\r\u001b[2K${line}`, "utf8"))
  }
  const timer = setInterval(draw, REDRAW_MILLIS)
  return {
    progress: (progress) => {
      shown = progress
      draw()
    },
    end: () => {
      clearInterval(timer)
      if (shown !== undefined) writeAll(2, Buffer.from("\n", "utf8"))
      shown = undefined
    }
  }
}

import { isatty } from "node:tty"
import type { Session } from "../../protocol/sessions.ts"
import type { Context } from "../context.ts"
import { call } from "../daemon.ts"
import { isTagged, toFault } from "../report.ts"
import { printError } from "../stdio.ts"

const FIRST_PAUSE_MILLIS = 10
const LAST_PAUSE_MILLIS = 500

/** Types `data`; while the program doesn't read, waits for it. False when the session has ended. */
const sendAll = async (context: Context, session: string, data: Buffer, endInput: boolean): Promise<boolean> => {
  for (let pause = FIRST_PAUSE_MILLIS; ; pause = Math.min(pause * 2, LAST_PAUSE_MILLIS)) {
    try {
      await call(context, "sessions.send", {
        session,
        data: data.toString("base64"),
        ...(endInput ? { endInput } : {})
      })
      return true
    } catch (error) {
      if (isTagged(error, "SessionEnded") || isTagged(error, "SessionNotFound")) return false
      if (!isTagged(error, "InputQueueFull")) throw error
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }
}

/**
 * Passes what is piped into `hob run` on to a session on pipes, its end too. Under a terminal a program reads what
 * somebody types: there it is only said that nothing is passed on. Returns what ends it.
 */
export const feed = (context: Context, { id, kind }: Session): (() => void) => {
  // Somebody types there; and a command in the background would be stopped for reading it.
  if (isatty(0)) return () => {}
  const { stdin } = process
  let over = false
  const stop = (): void => {
    over = true
    stdin.destroy()
  }
  const pass = async (data: Buffer, isEnd: boolean): Promise<void> => {
    try {
      if (!over && !(await sendAll(context, id, data, isEnd))) stop()
    } catch (error) {
      if (!over) printError(`[hob: standard input is not passed on any more: ${toFault(error).message}]`)
      stop()
    }
  }
  stdin.on("error", stop)
  if (kind === "pty") {
    stdin.once("data", () => {
      printError("[hob: standard input is not passed on to a session under a terminal; `hob run --pipe` does that]")
      stop()
    })
    return stop
  }
  let passing = Promise.resolve()
  stdin.on("data", (data: Buffer) => {
    stdin.pause()
    passing = passing.then(() => pass(data, false)).then(() => void (over || stdin.resume()))
  })
  stdin.on("end", () => void (passing = passing.then(() => pass(Buffer.alloc(0), true))))
  return stop
}

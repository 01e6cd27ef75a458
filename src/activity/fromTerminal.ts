import type { Emulator } from "../terminal/Emulator.ts"
import { plainScreen } from "../terminal/plain.ts"
import type { Sign as TerminalSign } from "../terminal/sequences.ts"
import type { ScreenView } from "./ScreenView.ts"
import type { Sign } from "./signs.ts"

/**
 * An emulator's screen as the rules see it. Null in the middle of a frame that the program has not finished drawing,
 * unless `anyway`: a program that ended there never finishes it.
 */
export const viewOf = (emulator: Emulator, revision: number, anyway = false): ScreenView | null => {
  const { alternate, applicationCursorKeys, bracketedPaste, cursor, mouse, rows, title, unfinishedFrame } =
    plainScreen(emulator)
  if (unfinishedFrame && !anyway) return null
  return { revision, rows, cursor, title, alternate, interactive: applicationCursorKeys || bracketedPaste || mouse }
}

const progressStates = { normal: 1, error: 2, indeterminate: 3, paused: 4 } as const

/** What a sign in the terminal's stream says of the program; null for those that are on the screen or say nothing. */
export const signOf = (sign: TerminalSign): Sign | null => {
  switch (sign.sign) {
    case "status":
      return { sign: "status", body: sign.text }
    case "progress":
      if (sign.progress === undefined) return { sign: "progress", state: 0, percent: null }
      return { sign: "progress", state: progressStates[sign.progress.state], percent: sign.progress.value }
    case "prompt": {
      const { mark } = sign
      return mark === "A" || mark === "B" || mark === "C" || mark === "D" ? { sign: "mark", mark } : null
    }
    case "notice":
      return { sign: "notification", text: sign.text }
    case "bell":
      return { sign: "bell" }
    default:
      return null
  }
}

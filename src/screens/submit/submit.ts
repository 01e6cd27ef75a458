import type { ActivityState } from "../../protocol/activity.ts"
import type { Submitted } from "../../protocol/screens.ts"
import { Changes } from "./Changes.ts"
import { ENTER, typed } from "./message.ts"
import { markerTail, sameCursor, sameView, standsBehind, tailOf, type View } from "./view.ts"

/** A program at a terminal, as far as a message to it is concerned. */
export interface Addressee {
  readonly view: () => View
  readonly bracketedPaste: () => boolean
  readonly activity: () => ActivityState
  /** What it asks its user instead of taking messages, in a few words; null when it asks nothing. */
  readonly asking: () => string | null
  /** Calls `listener` after each change of the screen or of the activity, and when the session ends; returns what ends it. */
  readonly onChange: (listener: () => void) => () => void
  /** Resolves once all of `data` is accepted; false when the session has ended. */
  readonly type: (data: Buffer) => Promise<boolean>
  /** Input that the program has not read yet, in bytes. */
  readonly queuedBytes: () => Promise<number>
  readonly ended: () => boolean
}

/** The message was not taken, as far as can be seen; what of it was typed is still in the editor. */
export class NotTaken extends Error {
  override readonly name = "NotTaken"
}

/** A program that draws without end is not waited for longer than this before it is typed to. */
const READY_MILLIS = 1_000
/** A screen that has not changed for this long shows all that was typed. Longer than any burst of keys is a paste to programs that guess. */
const QUIET_MILLIS = 250
/** A program that shows nothing of what is typed has had this long to do so. */
const SILENT_MILLIS = 2_000
/** An Enter that has changed nothing for this long was swallowed. */
const SWALLOWED_MILLIS = 1_500
const MOST_ENTERS = 4

/**
 * Delivers `text` as one message: types it, waits until it is drawn, types Enter by itself, and waits until the screen
 * or the activity shows that the program took it. Programs take an Enter that comes with a text, or right behind one,
 * for a part of it, and some swallow the first one after a paste; so Enter is typed again, but only when the text still
 * stands in the editor and nothing at all has changed. Rejects with {@link NotTaken}.
 */
export const submit = async (to: Addressee, text: string, timeoutMillis: number): Promise<Submitted> => {
  const deadline = performance.now() + timeoutMillis
  const changes = new Changes(to.onChange)
  try {
    await changes.quiet(QUIET_MILLIS, Math.min(deadline, performance.now() + READY_MILLIS))
    refuseToAnswer(to, "Nothing was typed.")
    const bracketed = to.bracketedPaste()
    const data = typed(text, bracketed)
    await type(to, data)
    const shown = await drawn(to, changes, tailOf(text), deadline)
    if (shown === null) refuseToAnswer(to, "The message was typed, Enter was not.")
    const enters = await enter(to, changes, shown, deadline)
    return { ...enters, typedAs: bracketed ? "paste" : "text", bytes: Buffer.byteLength(text) }
  } finally {
    changes.close()
  }
}

/** To a question Enter is an answer, often a permission: nobody gives one by a message. */
const refuseToAnswer = (to: Addressee, typed: string): void => {
  const asked = to.asking()
  if (asked === null) return
  throw new NotTaken(
    `It asks its user something (${asked}), and Enter would be the answer. ${typed} Answer it first, with \`hob send --key\`.`
  )
}

const type = async (to: Addressee, data: Buffer): Promise<void> => {
  if (!(await to.type(data))) throw new NotTaken("The session ended before the message was typed.")
}

/**
 * Waits until the program has read what was typed and shows it, by its end or by a marker, or shows nothing more. Gives
 * what the cursor stands behind now; null when that is not known.
 */
const drawn = async (to: Addressee, changes: Changes, wanted: string | null, deadline: number) => {
  const markedBefore = markerTail(to.view())
  const found = (): string | null => {
    const view = to.view()
    if (wanted !== null && standsBehind(view, wanted)) return wanted
    const marked = markerTail(view)
    return marked === markedBefore ? null : marked
  }
  let last = to.view()
  for (let silentSince = performance.now(); found() === null;) {
    if (to.ended()) throw new NotTaken("The session ended before the message was drawn.")
    await changes.next(Math.min(deadline, silentSince + SILENT_MILLIS))
    const now = performance.now()
    if (now >= deadline) {
      throw new NotTaken("The program did not show in time that it has read the message; Enter was not typed.")
    }
    const view = to.view()
    const isQueued = (await to.queuedBytes()) > 0
    // A clock or a spinner elsewhere on the screen says nothing about the message.
    if (isQueued || !sameCursor(last, view)) silentSince = now
    else if (now - silentSince >= SILENT_MILLIS) return null
    last = view
  }
  // Something else on the screen may never be quiet.
  await changes.quiet(QUIET_MILLIS, Math.min(deadline, performance.now() + 2 * QUIET_MILLIS))
  return found()
}

/** Types Enter, and again where one was swallowed; resolves when the program is seen to have taken it. */
const enter = async (
  to: Addressee,
  changes: Changes,
  tail: string | null,
  deadline: number
): Promise<{ readonly proof: Submitted["proof"]; readonly enters: number }> => {
  const wasWorking = to.activity() === "working"
  for (let enters = 1; enters <= MOST_ENTERS; enters++) {
    const before = to.view()
    await type(to, ENTER)
    const swallowedAt = performance.now() + SWALLOWED_MILLIS * enters
    for (;;) {
      if (!wasWorking && to.activity() === "working") return { proof: "activity", enters }
      if (isTaken(before, to.view(), tail)) return { proof: "screen", enters }
      if (to.ended()) return { proof: "screen", enters }
      if (performance.now() >= deadline) throw new NotTaken(stillThere(enters))
      if (!(await changes.next(Math.min(deadline, swallowedAt))) && performance.now() >= swallowedAt) {
        if ((await to.queuedBytes()) > 0) continue
        if (isLineEnded(before, to.view())) return { proof: "screen", enters }
        break
      }
    }
  }
  throw new NotTaken(stillThere(MOST_ENTERS))
}

const stillThere = (enters: number): string =>
  `The program did not take the message: after ${enters === 1 ? "Enter" : `${enters} times Enter`} it still stands in its editor.`

/** The screen has changed, and the cursor does not stand behind the text any more. */
const isTaken = (before: View, now: View, tail: string | null): boolean => {
  if (sameView(before, now)) return false
  // What never stood before the cursor can't be seen to have gone: then any change there has to do.
  return tail === null ? !sameCursor(before, now) : !standsBehind(now, tail)
}

/** A program that reads lines: the terminal's driver has ended the line, and nothing more is to be seen. */
const isLineEnded = (before: View, now: View): boolean =>
  !now.alternate && now.cursor.column === 0 && !sameView(before, now)

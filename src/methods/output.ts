import { Effect, Queue, type Scope } from "effect"

/** Pieces of output that may wait for the log. */
const PIECES = 64
/** Of one module, in a second. */
const LINES = 200
const LINE_CHARACTERS = 2000

/**
 * Where a module's stdout and stderr go: the daemon's log, line by line, and what is too much for it is counted and left
 * out. Never waits: a method that prints must not be held up by the log, nor the log be filled by one that does nothing else.
 */
export const makeOutput = (
  annotations: Readonly<Record<string, string>>
): Effect.Effect<(text: string) => void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const pieces = yield* Queue.dropping<string>(PIECES)
    let dropped = 0
    yield* Effect.gen(function* () {
      let unfinished = ""
      for (;;) {
        const taken = yield* Queue.takeAll(pieces)
        const lines = (unfinished + taken.join("")).split("\n")
        unfinished = lines.pop() ?? ""
        // Without a line end in sight it is cut off as a line of its own.
        if (unfinished.length > LINE_CHARACTERS) {
          lines.push(unfinished)
          unfinished = ""
        }
        const told = lines.filter((line) => line.trim() !== "")
        for (const line of told.slice(0, LINES)) yield* Effect.logInfo(line.slice(0, LINE_CHARACTERS))
        const left = dropped + Math.max(0, told.length - LINES)
        dropped = 0
        if (left > 0) yield* Effect.logWarning(`more was printed than is logged: ${left} lines or pieces left out`)
        if (told.length >= LINES || left > 0) yield* Effect.sleep("1 second")
      }
    }).pipe(Effect.annotateLogs(annotations), Effect.forkScoped)
    return (text) => {
      if (!Queue.offerUnsafe(pieces, text)) dropped++
    }
  })

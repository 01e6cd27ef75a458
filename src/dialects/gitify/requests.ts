/** Answers the requests of gitify-prompt's clients with hob's own captures. */
import { Effect } from "effect"
import { realpathSync } from "node:fs"
import { Captures } from "../../capture/Captures.ts"
import type { Capture, CaptureEntry, CaptureMetadata } from "../../protocol/captureEntries.ts"
import type { Request } from "./messages.ts"
import * as translate from "./translate.ts"

/** One answer, as it is written. */
export type Answer = string

const success = JSON.stringify({ success: true })
const error = (message: string): Answer => JSON.stringify({ error: message })
const isId = (value: unknown): value is string => typeof value === "string" && /^[0-9a-f]{16}$/.test(value)

interface Known {
  readonly capture: Capture
  readonly metadata: CaptureMetadata
}

export const makeRequests = Effect.gen(function* () {
  const captures = yield* Captures

  const show = Effect.fnUntraced(function* (capture: Capture) {
    const entries: Array<CaptureEntry> = []
    let metadata: CaptureMetadata = {}
    for (let after: number | null = 0; after !== null;) {
      const from: number = after
      const part = yield* captures.show({ capture: capture.id, after: from })
      metadata = part.metadata
      entries.push(...part.entries)
      after = part.next
    }
    return { capture, metadata, entries }
  })

  /** Those that are open, in the order of their beginning. */
  const active = Effect.gen(function* () {
    const known: Array<Known> = []
    for (const capture of (yield* captures.list()).toReversed()) {
      // It may have been forgotten meanwhile.
      const shown = yield* Effect.option(
        captures.show({ capture: capture.id, after: capture.messages + capture.codeChanges })
      )
      if (shown._tag === "Some") known.push({ capture, metadata: shown.value.metadata })
    }
    return known
  })

  const isIn = (repoPath: string) => {
    const real = realOf(repoPath)
    return ({ capture, metadata }: Known): boolean => {
      const { cwd, repoPath: repo } = translate.fromMetadata(capture, metadata)
      return cwd === repoPath || repo === repoPath || (capture.repository !== null && capture.repository === real)
    }
  }

  const status = Effect.gen(function* () {
    const sessions = yield* active
    const sessionsByRepo: Record<string, number> = Object.create(null) as Record<string, number>
    for (const { capture, metadata } of sessions) {
      const group = translate.groupOf(translate.fromMetadata(capture, metadata))
      sessionsByRepo[group] = (sessionsByRepo[group] ?? 0) + 1
    }
    const config = translate.configOf(yield* captures.config)
    return JSON.stringify({ running: true, activeSessions: sessions.length, sessionsByRepo, config })
  })

  const create = Effect.fnUntraced(function* ({ metadata, tool }: Request) {
    const given = translate.metadataOf(metadata)
    const cwd = translate.directoryOf(given)
    const { id } = yield* captures.create({
      tool: translate.toolOf(tool),
      metadata: translate.toMetadata(given),
      ...(cwd === undefined ? {} : { cwd })
    })
    return JSON.stringify({ sessionId: id })
  })

  /** Who names a session that is not there is told of success, as by its own daemon. */
  const addMessage = ({ content, role, sessionId }: Request) =>
    isId(sessionId)
      ? Effect.callback<unknown, { readonly _tag: string; readonly message: string }>((resume) =>
          captures.addMessage(
            sessionId,
            { role: translate.text(role).slice(0, 64), content: translate.text(content) },
            resume
          )
        ).pipe(forgiving)
      : Effect.succeed(success)

  const addCodeChange = ({ afterContent, beforeContent, filePath, sessionId }: Request) => {
    const path = translate.text(filePath).replaceAll("\0", "").slice(0, 4096)
    if (!isId(sessionId) || path === "") return Effect.succeed(success)
    const before = translate.text(beforeContent)
    return captures
      .addCodeChange({
        capture: sessionId,
        path,
        before: before === "" ? null : before,
        after: translate.text(afterContent)
      })
      .pipe(forgiving)
  }

  const forgiving = <A>(
    effect: Effect.Effect<A, { readonly _tag: string; readonly message: string }>
  ): Effect.Effect<Answer> =>
    effect.pipe(
      Effect.as(success),
      Effect.catch(({ _tag, message }) =>
        Effect.succeed(
          ["CaptureNotFound", "CaptureAmbiguous", "PathOutsideRepository"].includes(_tag) ? success : error(message)
        )
      )
    )

  /** An empty one is not saved, and stays. */
  const saveOne = (capture: Capture, commit: string | undefined) =>
    capture.messages + capture.codeChanges === 0
      ? Effect.void
      : Effect.asVoid(
          captures.save({
            capture: capture.id,
            close: true,
            ...(commit === undefined ? {} : { commit: commit as never })
          })
        )

  const save = Effect.fnUntraced(function* ({ commitSha, sessionId }: Request) {
    if (!isId(sessionId)) return success
    const shown = yield* Effect.option(captures.show({ capture: sessionId }))
    if (shown._tag === "Some") yield* saveOne(shown.value.capture, translate.commitOf(commitSha))
    return success
  })

  const saveForRepo = Effect.fnUntraced(function* ({ commitSha, repoPath }: Request) {
    const found = (yield* active).filter(isIn(translate.text(repoPath)))
    for (const { capture } of found) yield* saveOne(capture, translate.commitOf(commitSha))
    return JSON.stringify({ success: true, sessionsSaved: found.length })
  })

  const list = Effect.fnUntraced(function* ({ repoPath }: Request) {
    const path = translate.text(repoPath)
    const found = (yield* active).filter(path === "" ? () => true : isIn(path))
    const views = yield* Effect.forEach(found, ({ capture }) => Effect.option(show(capture)))
    return translate.listing(
      views.flatMap((view) =>
        view._tag === "Some" ? [translate.toView(view.value.capture, view.value.metadata, view.value.entries)] : []
      )
    )
  })

  const respond = (request: Request): Effect.Effect<Answer, { readonly message: string }> => {
    switch (request.command) {
      case "ping":
        return Effect.succeed(JSON.stringify({ pong: true }))
      case "getConfig":
        return Effect.map(captures.config, (config) => JSON.stringify({ config: translate.configOf(config) }))
      case "status":
        return status
      case "createSession":
        return create(request)
      case "addMessage":
        return addMessage(request)
      case "addCodeChange":
        return addCodeChange(request)
      case "saveSession":
        return save(request)
      case "saveSessionsForRepo":
        return saveForRepo(request)
      case "getActiveSessions":
        return list(request)
      default:
        return Effect.succeed(
          error(
            `Unknown command: ${request.command === undefined ? "undefined" : translate.text(request.command).slice(0, 256)}`
          )
        )
    }
  }

  /** Its own daemon saves all sessions when it is ended; here those that its clients have begun. */
  const saveAll = Effect.gen(function* () {
    for (const { capture, metadata } of yield* active) {
      if (!(translate.VERBATIM in metadata)) continue
      yield* saveOne(capture, undefined).pipe(Effect.catch(({ message }) => Effect.logWarning(message)))
    }
  }).pipe(Effect.catch(({ message }) => Effect.logWarning(`captures of gitify's clients were not saved: ${message}`)))

  return {
    answer: (request: Request): Effect.Effect<Answer> =>
      respond(request).pipe(
        Effect.catch(({ message }) => Effect.succeed(error(message))),
        Effect.catchCause((cause) =>
          Effect.as(
            Effect.logError("a request of a client of gitify failed", cause),
            error("hob failed to do that; `hob logs` has the details")
          )
        )
      ),
    saveAll
  }
})

const realOf = (path: string): string => {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

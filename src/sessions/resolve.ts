import { Result } from "effect"
import { MIN_ID_PREFIX, type SessionId, SessionAmbiguous, SessionNotFound } from "../protocol/index.ts"

interface Named {
  readonly id: SessionId
  readonly name: string | null
  /** Has not ended. */
  readonly open: boolean
  /** ISO 8601. */
  readonly createdAt: string
}

/**
 * Finds what a person means: an exact id, else a name, else the only session whose id begins with `ref`. A name wins
 * over a prefix, so that naming a session `ab` never breaks because an id begins with it. A name may have been given
 * again after its session ended: it means the one that has not ended, else the newest.
 */
export const resolveSession = <S extends Named>(
  sessions: Iterable<S>,
  ref: string
): Result.Result<S, SessionNotFound | SessionAmbiguous> => {
  const prefix = ref.toLowerCase()
  const candidates: Array<S> = []
  let named: S | undefined
  for (const session of sessions) {
    if (session.id === prefix) return Result.succeed(session)
    if (session.name === ref && (named === undefined || isMeantRather(session, named))) named = session
    if (prefix.length >= MIN_ID_PREFIX && session.id.startsWith(prefix)) candidates.push(session)
  }
  if (named !== undefined) return Result.succeed(named)
  if (candidates.length === 1) return Result.succeed(candidates[0]!)
  if (candidates.length === 0) return Result.fail(new SessionNotFound({ session: ref }))
  return Result.fail(
    new SessionAmbiguous({
      session: ref,
      candidates: candidates.map(({ id, name }) => ({ id, name }))
    })
  )
}

const isMeantRather = (a: Named, b: Named): boolean => (a.open === b.open ? a.createdAt > b.createdAt : a.open)

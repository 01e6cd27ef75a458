import { Result } from "effect"
import { type SessionId, SessionAmbiguous, SessionNotFound } from "../protocol/index.ts"

interface Named {
  readonly id: SessionId
  readonly name: string | null
}

/** An id's prefix must have this many characters: shorter ones collide too easily to be typed into scripts. */
const MIN_PREFIX = 2

/**
 * Finds what a person means: an exact id or name first, else the only session whose id begins with `ref`.
 * A name wins over a prefix, so that naming a session `ab` never breaks because an id begins with it.
 */
export const resolveSession = <S extends Named>(
  sessions: Iterable<S>,
  ref: string
): Result.Result<S, SessionNotFound | SessionAmbiguous> => {
  const prefix = ref.toLowerCase()
  const candidates: Array<S> = []
  for (const session of sessions) {
    if (session.name === ref || session.id === prefix) return Result.succeed(session)
    if (prefix.length >= MIN_PREFIX && session.id.startsWith(prefix)) candidates.push(session)
  }
  if (candidates.length === 1) return Result.succeed(candidates[0]!)
  if (candidates.length === 0) return Result.fail(new SessionNotFound({ session: ref }))
  return Result.fail(
    new SessionAmbiguous({
      session: ref,
      candidates: candidates.map(({ id, name }) => ({ id, name }))
    })
  )
}

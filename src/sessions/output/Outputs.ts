import { Effect, FiberSet, type Scope } from "effect"
import type { DirectHandler } from "../../actors/DirectMethods.ts"
import type { SessionId } from "../../protocol/ids.ts"
import type { Output } from "../../protocol/sessions.ts"
import { Catalogue } from "../Catalogue.ts"
import { Sessions } from "../Sessions.ts"
import { OutputFollower } from "./OutputFollower.ts"
import { SharedOutput } from "./SharedOutput.ts"

/** The followers of one session. */
interface Following {
  readonly followers: Set<OutputFollower>
  count: number
  shared: SharedOutput | undefined
}

/** Answers `sessions.output` without a fiber: what many follow is read, and put into words, once. */
export const makeOutputs: Effect.Effect<
  DirectHandler<typeof Output>,
  never,
  Catalogue | Sessions | Scope.Scope
> = Effect.gen(function* () {
  const catalogue = yield* Catalogue
  const sessions = yield* Sessions
  const fork = yield* FiberSet.makeRuntime<never, void, never>()
  const followings = new Map<SessionId, Following>()

  const share = (id: SessionId, following: Following): void => {
    fork(
      sessions.attach(id, { mode: "follow", tail: 0 }).pipe(
        Effect.match({
          // Each reads for itself then.
          onFailure: () => {},
          onSuccess: (ticket) => {
            if (following.count === 0) return
            following.shared?.close()
            following.shared = new SharedOutput(
              ticket,
              () => {
                for (const follower of Array.from(following.followers)) follower.tryJoin()
              },
              (inStep) => {
                const entry = catalogue.entries.get(id)
                if (entry !== undefined) catalogue.put({ ...entry, following: inStep - 1 })
              }
            )
          }
        })
      )
    )
  }

  const enter = (id: SessionId): Following => {
    const following = followings.get(id) ?? { followers: new Set(), count: 0, shared: undefined }
    followings.set(id, following)
    following.count++
    // One alone has nobody to share with.
    if (following.count === 2 && following.shared?.hasEnded !== false) share(id, following)
    return following
  }

  const leave = (id: SessionId, following: Following): void => {
    if (--following.count > 0) return
    following.shared?.close()
    if (followings.get(id) === following) followings.delete(id)
    const entry = catalogue.entries.get(id)
    if (entry?.following !== undefined) catalogue.put({ ...entry, following: 0 })
  }

  return ({ follow = false, session, ...range }, call) => {
    let end: (() => void) | undefined
    const fiber = fork(
      sessions.attach(session, { mode: follow ? "follow" : "read", ...range }).pipe(
        Effect.match({
          onFailure: (error) => call.fail(error),
          onSuccess: (ticket) => {
            const { id } = ticket.session
            const following = follow ? enter(id) : undefined
            const follower: OutputFollower = new OutputFollower({
              call,
              ticket,
              shared: following === undefined ? undefined : () => following.shared,
              again: (since, done) =>
                void fork(
                  sessions
                    .attach(id, { mode: "follow", since })
                    .pipe(Effect.match({ onFailure: (error) => done(error.message), onSuccess: done }))
                ),
              closed: () => {
                if (following === undefined) return
                following.followers.delete(follower)
                leave(id, following)
              }
            })
            following?.followers.add(follower)
            end = () => follower.giveUp()
          }
        })
      )
    )
    return () => {
      fiber.interruptUnsafe()
      end?.()
    }
  }
})

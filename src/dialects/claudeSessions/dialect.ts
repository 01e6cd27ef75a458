import { Effect, Option } from "effect"
import type { Socket } from "node:net"
import { claudeSessionsPaths } from "../../config/dialectPaths.ts"
import type { HobConfig } from "../../config/HobConfig.ts"
import type { Sessions } from "../../sessions/Sessions.ts"
import type { Database } from "../../storage/Database.ts"
import type { Dialect } from "../Dialect.ts"
import { type OneLineLimits, readOneLine, writeOneLine } from "../oneLine.ts"
import { readRequest, type Response } from "./messages.ts"
import { makeLogs } from "./log/logs.ts"
import { makeRequests } from "./requests.ts"
import { error } from "./translate.ts"

const limits: OneLineLimits = { lineBytes: 4 * 1024 * 1024, stallMillis: 30_000 }

type Services = Sessions | HobConfig | Database

/** The daemon of claude-sessions: sessions of Claude Code for its command line and its window. */
export const make: Effect.Effect<Dialect, never, Services> = Effect.gen(function* () {
  const services = yield* Effect.context<Services>()
  return {
    name: "claude-sessions",
    args: { expected: "no arguments", accepts: (args) => args.length === 0 },
    socket: (_args, env) => claudeSessionsPaths(env).socket,
    open: ({ env, shutDown }) =>
      Effect.gen(function* () {
        const paths = claudeSessionsPaths(env)
        const logs = yield* makeLogs(paths)
        const answer = yield* makeRequests({
          paths,
          beginLog: logs.begin,
          shutDown: shutDown("a client asked it to shut down")
        })

        const serve = (socket: Socket): Effect.Effect<void> =>
          Effect.gen(function* () {
            const line = yield* readOneLine(socket, limits)
            const request = line === null ? Option.none() : readRequest(line)
            // As its own program does: nothing is said about what it can't make anything of.
            if (Option.isNone(request)) return
            const response = yield* answer(request.value).pipe(
              Effect.catchCause((cause) =>
                Effect.as(
                  Effect.logError(`${request.value.type} of a client of claude-sessions failed`, cause),
                  error("hob failed to do that; `hob logs` has the details")
                )
              )
            )
            yield* writeOneLine(socket, JSON.stringify(response satisfies Response), limits)
          })

        return { serve }
      }).pipe(Effect.provide(services))
  }
})

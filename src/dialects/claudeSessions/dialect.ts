import { Context, Effect, Result } from "effect"
import type { Socket } from "node:net"
import { claudeSessionsPaths } from "../../config/dialectPaths.ts"
import { HobConfig } from "../../config/HobConfig.ts"
import { Catalogue } from "../../sessions/Catalogue.ts"
import { HostLink } from "../../sessions/HostLink.ts"
import { Sessions } from "../../sessions/Sessions.ts"
import { Database } from "../../storage/Database.ts"
import type { Dialect } from "../Dialect.ts"
import { makeOneLine, type OneLineLimits } from "../oneLine.ts"
import { DEPTH, readRequest, type Request, type Response } from "./messages.ts"
import { makeLogs } from "./log/logs.ts"
import { makeRequests } from "./requests.ts"
import { error, sentences } from "./translate.ts"

const MIB = 1024 * 1024
const limits: OneLineLimits = { lineBytes: 4 * MIB, depth: DEPTH, heldBytes: 64 * MIB, stallMillis: 30_000 }

type Services = Sessions | Catalogue | HostLink | HobConfig | Database

/** The daemon of claude-sessions: sessions of Claude Code for its command line and its window. */
export const make: Effect.Effect<Dialect, never, Services> = Effect.gen(function* () {
  // Nothing else of where this is made: its scope outlives what `open` begins.
  const services = Context.pick(Sessions, Catalogue, HostLink, HobConfig, Database)(yield* Effect.context<Services>())
  return {
    name: "claude-sessions",
    args: { expected: "a program and its arguments", accepts: () => true },
    socket: (_args, env) => claudeSessionsPaths(env).socket,
    open: ({ args, env, shutDown }) =>
      Effect.gen(function* () {
        const paths = claudeSessionsPaths(env)
        const logs = yield* makeLogs(paths)
        const answer = yield* makeRequests({
          paths,
          command: args,
          beginLog: logs.begin,
          shutDown: shutDown("a client asked it to shut down")
        })

        const lines = makeOneLine(limits)

        const respond = (request: Request): Effect.Effect<Response> =>
          answer(request).pipe(
            Effect.catchCause((cause) =>
              Effect.as(
                Effect.logError(`${request.type} of a client of claude-sessions failed`, cause),
                error("hob failed to do that; `hob logs` has the details")
              )
            )
          )

        const serve = (socket: Socket): Effect.Effect<void> =>
          Effect.gen(function* () {
            const said = yield* lines.read(socket)
            if (said.type === "left") return
            const response =
              said.type === "problem"
                ? error(sentences.unreadable(said.problem))
                : yield* Result.match(readRequest(said.line), {
                    onFailure: (problem) => Effect.succeed(error(sentences.unreadable(`${problem}.`))),
                    onSuccess: respond
                  })
            yield* lines.write(socket, JSON.stringify(response))
          })

        const turnAway = (socket: Socket) => lines.write(socket, JSON.stringify(error(sentences.tooMany)))

        return { serve, turnAway }
      }).pipe(Effect.provide(services))
  }
})

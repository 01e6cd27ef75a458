import { Context, Effect, FiberSet } from "effect"
import type { Socket } from "node:net"
import { midcltIdentifier, midcltPaths } from "../../config/midcltPaths.ts"
import { LOCAL_UPSTREAM_URI, type UpstreamDeclaration } from "../../protocol/upstream.ts"
import { Upstreams } from "../../upstream/Upstreams.ts"
import type { Dialect, Environment } from "../Dialect.ts"
import { keepLog } from "../keepLog.ts"
import { type FirstLine, makeOneLine, type OneLineLimits } from "../oneLine.ts"
import { readRequest } from "./messages.ts"
import { Reply } from "./Reply.ts"
import { makeRequests } from "./requests.ts"
import { error, refused } from "./translate.ts"

const MIB = 1024 * 1024
/** Upstreams take less by far; this is what is read before that is said. */
const limits: OneLineLimits = { lineBytes: 4 * MIB, depth: 64, heldBytes: 64 * MIB, stallMillis: 30_000 }
/** Stands in the path of one that has not been named. */
const ANY = "<id>"

/** What its clients call the connection to an upstream. */
const identifierOf = ({ uri, user }: Pick<UpstreamDeclaration, "uri" | "user">): string =>
  midcltIdentifier(uri === LOCAL_UPSTREAM_URI ? null : uri, user)

const pathsOf = ([, identifier = ANY]: ReadonlyArray<string>, env: Environment) => midcltPaths(env, identifier)

/** The daemons of midclt: one for each upstream, whose name and identifier are its arguments. */
export const make: Effect.Effect<Dialect, never, Upstreams> = Effect.gen(function* () {
  const services = Context.pick(Upstreams)(yield* Effect.context<Upstreams>())
  const upstreams = yield* Upstreams
  return {
    name: "midclt",
    args: { expected: "no arguments: it has a socket for each upstream", accepts: (args) => args.length === 0 },
    instances: {
      now: Effect.map(upstreams.list, (list) => list.map((upstream) => [upstream.name, identifierOf(upstream)])),
      changes: upstreams.changes
    },
    socket: (args, env) => pathsOf(args, env).socket,
    pidFile: (args, env) => pathsOf(args, env).pidFile,
    open: ({ args, env, shutDown }) =>
      Effect.gen(function* () {
        const fork = yield* FiberSet.makeRuntime<never, void, never>()
        const lines = makeOneLine(limits)
        const answer = makeRequests({ upstreams: yield* Upstreams, name: args[0]!, shutDown, fork })
        yield* keepLog(pathsOf(args, env).log)

        const respond = (
          said: Exclude<FirstLine, { type: "left" }>,
          reply: Reply
        ): Effect.Effect<string> | undefined => {
          if (said.type === "problem") return Effect.succeed(error(said.problem, exceptionOf(said)))
          const request = readRequest(said.line)
          if (request === undefined) return undefined
          return "refused" in request
            ? Effect.succeed(refused(request))
            : answer(request, (news) => reply.progress(news))
        }

        const serve = (socket: Socket): Effect.Effect<void> =>
          Effect.gen(function* () {
            const said = yield* lines.read(socket)
            if (said.type === "left") return
            const reply = new Reply(socket, fork)
            const response = respond(said, reply)
            if (response === undefined) return
            // Who has gone is not worked for any more.
            const line = yield* Effect.raceAllFirst([response, Effect.as(reply.left, undefined), reply.patience])
            if (line !== undefined) yield* reply.last(line)
          })

        const turnAway = (socket: Socket) =>
          lines.write(socket, error("Too many clients are connected at once.", "OSError"))
        return { serve, turnAway }
      }).pipe(Effect.provide(services))
  }
})

/** The class of what Python would raise. */
const exceptionOf = ({ reason }: Extract<FirstLine, { type: "problem" }>): string => {
  switch (reason) {
    case "invalid-utf8":
      return "UnicodeDecodeError"
    case "byte-order-mark":
      return "JSONDecodeError"
    case "too-deep":
      return "RecursionError"
    case undefined:
      return "TimeoutError"
    default:
      return "ValueError"
  }
}

import { Effect, Layer } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Agents } from "../../agents/Agents.ts"
import { DaemonRpcs } from "../../protocol/index.ts"
import { Sessions } from "../../sessions/Sessions.ts"
import { RestApi } from "./api.ts"
import { Coalesced } from "./Coalesced.ts"
import { type Problem, problemOf } from "./problems.ts"

const isTrue = (text: "true" | "false" | undefined): boolean => text === "true"

const refused = <A, E extends { readonly _tag: string; readonly message: string }, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, Problem, R> => Effect.mapError(effect, problemOf)

const notWhole = (error: string) => Effect.fail<Problem>({ status: 400, error })

/** Answers the routes of the REST group: each in words of HTTP for a method of a concern. */
export const layer = (fork: (effect: Effect.Effect<void>) => unknown) =>
  HttpApiBuilder.group(
    RestApi,
    "rest",
    Effect.fn(function* (handlers) {
      const agents = yield* Agents
      const sessions = yield* Sessions
      const status = yield* DaemonRpcs.accessHandler("daemon.status")
      // What everybody asks for, and as the text that it is sent as.
      const listed = new Map(
        [true, false].map((all) => {
          const text = Effect.map(sessions.listing({ all }), (listing) => Buffer.from(JSON.stringify(listing)))
          return [all, new Coalesced(text, fork)] as const
        })
      )

      return handlers
        .handle("health", () => Effect.succeed({ status: "ok" as const }))
        .handle("status", () => Effect.map(status(undefined, {} as never) as Effect.Effect<any>, (now) => now))
        .handle("listSessions", ({ query: { all, tag } }) =>
          tag === undefined
            ? Effect.map(listed.get(isTrue(all))!.answer, (text) =>
                HttpServerResponse.uint8Array(text, { contentType: "application/json" })
              )
            : sessions.listing({ all: isTrue(all), tags: tag })
        )
        .handle("startSession", ({ payload }) =>
          Effect.map(refused(agents.start(payload)), ({ isNew, session }) =>
            HttpServerResponse.jsonUnsafe(session, {
              status: isNew ? 201 : 200,
              headers: { location: `/sessions/${session.session.id}` }
            })
          )
        )
        .handle("showSession", ({ params: { id } }) =>
          Effect.map(refused(sessions.show(id)), (session) => ({ session, agent: agents.of(session) }))
        )
        .handle("endSession", ({ params: { id }, query: { forget, ...options } }) =>
          Effect.gen(function* () {
            const ended = yield* sessions.kill(id, options)
            if (isTrue(forget)) yield* sessions.remove(ended.id, { force: true })
            return ended
          }).pipe(refused)
        )
        .handle("writeInput", ({ params: { id }, payload: { data, endInput = false, text, turn } }) => {
          const given = [data, text, turn].filter((each) => each !== undefined).length
          if (given > 1 || (given === 0 && !endInput)) return notWhole("Give one of text, data and turn, or endInput.")
          if (turn !== undefined) return refused(agents.turn(id, turn, { endInput }))
          const bytes = data === undefined ? Buffer.from(text ?? "") : Buffer.from(data, "base64")
          return refused(sessions.send(id, bytes, { endInput }))
        })
    })
  ).pipe(Layer.orDie)

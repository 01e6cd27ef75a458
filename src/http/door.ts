/** The HTTP door: open while the configuration says so. It stands on all others: its requests are answered by their handlers. */
import { Context, Effect, Layer, type Scope, Stream } from "effect"
import { renameSync, rmSync, writeFileSync } from "node:fs"
import { Concerns } from "../actors/Concerns.ts"
import { Connections } from "../actors/Connections.ts"
import type { Paths } from "../config/paths.ts"
import { addresses, Http } from "./Http.ts"
import type { makeDoorAt } from "./serve/serve.ts"

type Needed = Exclude<Effect.Services<ReturnType<typeof makeDoorAt>>, Scope.Scope>

export const layer = (paths: Pick<Paths, "httpState">) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const concerns = yield* Concerns
      const connections = yield* Connections
      const http = yield* Http
      const services = yield* Effect.context<Needed>()
      let isStopping = false
      yield* concerns.supervise("http", (up) =>
        Effect.andThen(
          up,
          Effect.raceFirst(
            http.listening.run((at) =>
              Effect.flatMap(
                Effect.promise(() => import("./serve/serve.ts")),
                ({ makeDoorAt }) =>
                  Effect.updateContext(
                    makeDoorAt(at, () => isStopping),
                    (scoped: Context.Context<Scope.Scope>) => Context.merge(services, scoped)
                  )
              )
            ),
            Effect.andThen(
              Stream.runForEach(addresses(http), (url) =>
                Effect.catchDefect(
                  Effect.sync(() => writeState(paths.httpState, url)),
                  (error) => Effect.logWarning("where hob answers over HTTP could not be written down", error)
                )
              ),
              Effect.never
            )
          )
        )
      )
      yield* Effect.addFinalizer(() =>
        Effect.andThen(
          connections.stopping,
          Effect.sync(() => {
            isStopping = true
            rmSync(paths.httpState, { force: true })
          })
        )
      )
    })
  )

/** For whoever looks for it without asking: there while it listens, in one piece. */
const writeState = (path: string, url: string | null): void => {
  if (url === null) return rmSync(path, { force: true })
  const { port, protocol } = new URL(url)
  // A URL says nothing of the port that its scheme has anyway.
  const state = { url, port: Number(port || (protocol === "https:" ? 443 : 80)), pid: process.pid }
  writeFileSync(`${path}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

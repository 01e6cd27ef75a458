/** Upstreams in this process, as {@link upstreamsOf} has them, and what tests of faults want beside. */
import { Effect, Logger } from "effect"
import type { Settings } from "../../src/config/settings.ts"
import type { AddUpstream } from "../../src/protocol/upstream.ts"
import type { StartedMiddleware } from "../support/middleware/start.ts"
import { home, upstreamsOf } from "./support.ts"

export const PASSWORD = "correct horse"
export const KEY = "1-testkeymaterial0123456789abcdef"

type Declared = Partial<typeof AddUpstream.payloadSchema.Type>

/** A home of its own and the service in it, with everything that it logs. */
export const upstreams = (settings: Partial<Settings["upstream"]> = {}) =>
  Effect.gen(function* () {
    const directory = yield* home
    const logged: Array<string> = []
    const logger = Logger.make(
      ({ cause, message }) => void logged.push(`${JSON.stringify(message)} ${JSON.stringify(cause)}`)
    )
    const { upstreams } = yield* upstreamsOf(directory, settings).pipe(Effect.provide(Logger.layer([logger])))
    return { service: upstreams, logged, home: directory }
  })

/** The service with one upstream, `nas`, and the password of its administrator. */
export const connected = (
  started: Pick<StartedMiddleware, "uri">,
  declared: Declared = {},
  settings: Partial<Settings["upstream"]> = {}
) =>
  Effect.gen(function* () {
    const made = yield* upstreams(settings)
    yield* made.service.add({
      name: "nas",
      uri: started.uri,
      user: "admin",
      credential: { kind: "password", secret: PASSWORD },
      ...declared
    })
    const call = (method: string, params: unknown = [], more: { timeoutMillis?: number; job?: boolean } = {}) =>
      Effect.map(
        made.service.call({ method, params: JSON.stringify(params), ...more }),
        (text) => JSON.parse(text) as any
      )
    return { ...made, call }
  })

import { Effect } from "effect"
import { HttpRpcs } from "../protocol/http.ts"
import { Http } from "./Http.ts"

/** Answers `http.*` and `tokens.*`. */
export const layer = HttpRpcs.toLayer(
  Effect.gen(function* () {
    const http = yield* Http
    const { listening, status, tokens } = http
    return HttpRpcs.of({
      "http.enable": ({ port }) => Effect.andThen(listening.enable(port), status),
      "http.disable": () => Effect.andThen(listening.disable, status),
      "http.status": () => status,
      // Who may come until some time lets nobody in for longer.
      "http.login": ({ scope = "admin" }, { client }) => http.login(scope, http.notAfterMillis(client.id)),
      "tokens.create": (options, { client }) =>
        tokens.create({ ...options, kind: "bearer", notAfterMillis: http.notAfterMillis(client.id) }),
      "tokens.list": () => Effect.map(tokens.list, (list) => ({ tokens: list })),
      "tokens.revoke": ({ token }) => Effect.map(tokens.revoke(token), (info) => ({ info }))
    })
  })
)

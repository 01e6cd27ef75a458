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
      "http.login": ({ scope = "admin" }) => http.login(scope),
      "tokens.create": (options) => tokens.create({ ...options, kind: "bearer" }),
      "tokens.list": () => Effect.map(tokens.list, (list) => ({ tokens: list })),
      "tokens.revoke": ({ token }) =>
        Effect.map(tokens.revoke(token), (info) => {
          for (const cut of http.cutOff) cut(info.id)
          return { info }
        })
    })
  })
)

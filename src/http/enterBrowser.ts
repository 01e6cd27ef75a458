import { Effect } from "effect"
import { monotonicMillis } from "../actors/monotonic.ts"
import { reject, type Reply } from "../wire/http/messages.ts"
import type { Http } from "./Http.ts"

/**
 * The cookie's value of a browser that comes by a code; undefined: the code is no good. Where no token can be made now,
 * an answer that says so: the code is good still.
 */
export const enterBrowser = (
  { codes, tokens }: Pick<Http["Service"], "codes" | "tokens">,
  text: string,
  expiresInMillis: number
): Effect.Effect<string | Reply | undefined> =>
  Effect.gen(function* () {
    const code = codes.take(text, yield* monotonicMillis)
    if (code === undefined) return undefined
    const { notAfterMillis, scope } = code
    return yield* tokens.create({ name: "browser", scope, kind: "cookie", expiresInMillis, notAfterMillis }).pipe(
      Effect.map(({ token }) => token),
      Effect.catch((error) =>
        Effect.gen(function* () {
          codes.giveBack(code)
          yield* Effect.logWarning(`a browser is not let in: ${error.message}`)
          return reject(503, error.message)
        })
      )
    )
  })

import { Effect } from "effect"
import { DialectsRpcs } from "../protocol/dialects.ts"
import { Dialects } from "./Dialects.ts"

/** Answers `dialects.*`. */
export const layer = DialectsRpcs.toLayer(
  Effect.gen(function* () {
    const dialects = yield* Dialects
    return DialectsRpcs.of({
      "dialects.list": () => Effect.map(dialects.list, (list) => ({ dialects: list })),
      "dialects.enable": (which) => dialects.enable(which),
      "dialects.disable": (which) => Effect.map(dialects.disable(which), (ended) => ({ dialects: ended }))
    })
  })
)

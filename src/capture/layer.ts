import { Layer } from "effect"
import type { Paths } from "../config/paths.ts"
import { Captures } from "./Captures.ts"
import * as handlers from "./handlers.ts"

/** Capture: the handlers of `capture.*`, the service, and the actor that closes and forgets. */
export const layer = (paths: Paths) =>
  Layer.merge(handlers.layer, handlers.layerDirect).pipe(Layer.provideMerge(Captures.layer(paths)))

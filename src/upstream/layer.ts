/** Upstreams: servers elsewhere that are logged in to once, and the handlers of `upstream.*`. The front door of this folder. */
import { Layer } from "effect"
import * as handlers from "./handlers.ts"
import * as Upstreams from "./Upstreams.ts"

export const layer = Layer.provideMerge(handlers.layer, Upstreams.layer)

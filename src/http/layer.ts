/** The HTTP API: its state and who may come; the front door of this folder. What listens is {@link file://./door.ts}. */
import { Layer } from "effect"
import type { Paths } from "../config/paths.ts"
import * as door from "./door.ts"
import * as handlers from "./handlers.ts"
import { Http } from "./Http.ts"

/** Who may come, whether it listens, and the handlers of `http.*` and `tokens.*`. */
export const layer = (paths: Paths) => handlers.layer.pipe(Layer.provideMerge(Http.layer(paths)))

/** What listens. It stands on the native socket. */
export const listening = door.layer

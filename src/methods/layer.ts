/** Methods: a user's own work, and the handlers of `methods.*`. The front door of this folder. */
import { Layer } from "effect"
import type { Paths } from "../config/paths.ts"
import * as handlers from "./handlers.ts"
import * as Methods from "./Methods.ts"

export const layer = (paths: Paths) => Layer.provideMerge(handlers.layer, Methods.layer(paths))
